"""The pilot gives the follower only what pictures show."""

import numpy as np
import pytest

from perception_nodes.driving import DriveState, DrivingConfig, MotionSample, Pilot, StopReason
from perception_nodes.geometry import CameraModel, GroundProjection, PlanarPose, RigidTransform
from perception_nodes.simulation.camera import camera_pose

PERIOD_NS = 50_000_000
LABELS = {0: 'floor', 1: 'lane', 2: 'tape'}
CAMERA = CameraModel.pinhole((320, 240), 208.0, 208.0, 159.5, 119.5)
GROUND = GroundProjection(
    CAMERA, RigidTransform.from_matrix(camera_pose((0.1, 0.0, 0.3), pitch_rad=0.35)),
    pitch_sigma_rad=0.005, roll_sigma_rad=0.003, height_sigma_m=0.003, pixel_sigma=0.5,
)  # fmt: skip


def lane_at(left_m):
    """Return (240, 320) uint8, a straight lane 0.5 m wide, its middle so far left of the robot."""
    v, u = np.mgrid[0:240, 0:320]
    points, _ = GROUND.to_ground(np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float64))
    aside = np.abs(points[:, 1].reshape(240, 320) - left_m)
    with np.errstate(invalid='ignore'):
        return np.where(aside < 0.25, 1, np.where(aside < 0.3, 2, 0)).astype(np.uint8)


@pytest.fixture
def lane():
    """Return (240, 320) uint8, a straight lane 0.5 m wide under the robot."""
    return lane_at(0.0)


def drive(pilot, masks, *, begin=0, jump_ns=0):
    """Return the status after each picture; the masks get a flicker, as living ones do."""
    found = []
    for number, mask in enumerate(masks, begin):
        now_ns = number * PERIOD_NS + jump_ns
        pose = PlanarPose(x_m=0.02 * number)
        sample = MotionSample(stamp_ns=now_ns, pose=pose, speed_m_s=0.4, turn_rad_s=0.0)
        pilot.take_odometry(sample, number * PERIOD_NS)
        mask = mask.copy()
        mask[0, 0] = number % 2
        pilot.take_mask(mask, None, GROUND, now_ns, number * PERIOD_NS)
        found.append(pilot.step(now_ns, number * PERIOD_NS))
    return found


@pytest.fixture
def pilot():
    made = Pilot(LABELS, DrivingConfig(require_dead_man=False))
    made.enable(True)
    return made


def test_pilot_drives_along_a_lane(pilot, lane):
    last = drive(pilot, [lane] * 20)[-1]
    assert last.state is DriveState.DRIVING
    assert last.command.speed_m_s > 0.2
    assert abs(last.command.curvature_1_m) < 0.02


def test_bridged_path_does_not_count_as_seen(pilot, lane):
    drive(pilot, [lane] * 20)
    found = drive(pilot, [np.zeros_like(lane)] * 6, begin=20)
    stopped = [status.state is not DriveState.DRIVING for status in found]
    assert stopped == [False] * 4 + [True] * 2
    assert found[-1].fault.reason is StopReason.PATH_LOST
    assert 'nothing_seen' in found[-1].fault.text


def test_jump_of_the_clock_forgets_the_path(pilot, lane):
    drive(pilot, [lane] * 20)
    found = drive(pilot, [lane], begin=20, jump_ns=-500_000_000)
    assert found[-1].fault.reason is StopReason.CLOCK_JUMP
    assert pilot.tracker.latest is None


def test_jump_of_odometry_forgets_the_path(pilot, lane):
    drive(pilot, [lane] * 20)
    assert pilot.tracker.latest is not None
    far = MotionSample(
        stamp_ns=20 * PERIOD_NS, pose=PlanarPose(x_m=9.0), speed_m_s=0.4, turn_rad_s=0.0
    )
    pilot.take_odometry(far, 20 * PERIOD_NS)
    assert pilot.tracker.latest is None


@pytest.mark.parametrize('ahead_s', [0.8, 3600.0])
def test_picture_of_another_clock_changes_nothing(lane, ahead_s):
    # So slow a base makes poses known for long after the newest odometry.
    pilot = Pilot(LABELS, DrivingConfig(require_dead_man=False, actuation_delay_s=1.0))
    pilot.enable(True)
    drive(pilot, [lane] * 20)
    before, now_ns = pilot.tracker.latest, 19 * PERIOD_NS
    stamp_ns = now_ns + round(ahead_s * 1e9)
    assert pilot.take_mask(np.zeros_like(lane), None, GROUND, stamp_ns, now_ns) is None
    assert pilot.tracker.latest is before
    found = drive(pilot, [lane] * 20, begin=20)
    assert {status.state for status in found} == {DriveState.DRIVING}


def test_robot_that_stands_may_see_the_same_for_ever(pilot, lane):
    rng = np.random.default_rng(1)
    for number in range(400):
        now_ns = number * PERIOD_NS
        turn = 0.01 * rng.standard_normal()  # what a gyroscope says at rest
        at_rest = MotionSample(stamp_ns=now_ns, pose=PlanarPose(), speed_m_s=0.0, turn_rad_s=turn)
        pilot.take_odometry(at_rest, now_ns)
        pilot.take_mask(lane, None, GROUND, now_ns, now_ns)
        status = pilot.step(now_ns, now_ns)
    assert status.fault.reason is not StopReason.PICTURE_FROZEN
    assert status.state is DriveState.DRIVING


@pytest.mark.parametrize('says_speed', [True, False], ids=['twist', 'poses alone'])
def test_robot_that_moves_and_sees_the_same_has_a_frozen_camera(pilot, lane, says_speed):
    for number in range(20):
        now_ns = number * PERIOD_NS
        speed = 0.4 if says_speed else 0.0
        pose = PlanarPose(x_m=0.02 * number)
        moved = MotionSample(stamp_ns=now_ns, pose=pose, speed_m_s=speed, turn_rad_s=0.0)
        pilot.take_odometry(moved, now_ns)
        pilot.take_mask(lane, None, GROUND, now_ns, now_ns)
        status = pilot.step(now_ns, now_ns)
    assert status.fault.reason is StopReason.PICTURE_FROZEN


def test_carried_robot_drives_again_once_enabled_anew(pilot, lane):
    drive(pilot, [lane] * 20)
    aside = lane_at(0.15)  # as odometry tells, another lane: it knows of no carrying
    drive(pilot, [np.zeros_like(lane)] * 12, begin=20)
    refused = drive(pilot, [aside] * 20, begin=32)[-1]
    assert refused.fault.reason is StopReason.PATH_LOST
    assert 'disable and enable' in refused.fault.text
    pilot.enable(True)
    assert drive(pilot, [aside] * 5, begin=52)[-1].fault.reason is StopReason.PATH_LOST
    pilot.enable(False)
    pilot.enable(True)
    assert drive(pilot, [aside] * 20, begin=57)[-1].state is DriveState.DRIVING
