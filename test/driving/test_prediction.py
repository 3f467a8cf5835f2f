"""Where the robot was and will be."""

import numpy as np
import pytest

from perception_nodes.driving.command import DriveCommand
from perception_nodes.driving.prediction import MotionPredictor, MotionSample, PoseUnknownError
from perception_nodes.geometry import PlanarPose

MS = 1_000_000
KEPT_S = 3.0


def sample(time_ms: int, x: float, speed: float = 1.0, **pose) -> MotionSample:
    return MotionSample(
        stamp_ns=time_ms * MS, pose=PlanarPose(x_m=x, **pose), speed_m_s=speed, turn_rad_s=0.0
    )


@pytest.fixture
def moving() -> MotionPredictor:
    """Return a robot that has driven 1 m in 1 s along x."""
    made = MotionPredictor(0.1, KEPT_S)
    for time_ms in range(0, 1001, 20):
        made.add_odometry(sample(time_ms, time_ms / 1000))
    return made


def test_without_odometry_nothing_is_known():
    with pytest.raises(PoseUnknownError, match='no odometry'):
        MotionPredictor(0.1, KEPT_S).pose_at(0)


@pytest.mark.parametrize('time_ms', [0, 10, 500, 777, 1000, 1100])
def test_pose_between_and_after_samples(moving, time_ms):
    assert moving.pose_at(time_ms * MS).x_m == pytest.approx(time_ms / 1000)


@pytest.mark.parametrize('time_ms', [-1, 1700], ids=['before the first', 'long after the last'])
def test_pose_outside_of_what_is_known_is_an_error(moving, time_ms):
    with pytest.raises(PoseUnknownError):
        moving.pose_at(time_ms * MS)


def test_way_until_a_command_takes_effect_counts(moving):
    control_from_image = moving.control_from(900 * MS, 1000 * MS)
    assert control_from_image.x_m == pytest.approx(-0.2)


def test_commands_on_their_way_are_followed_when_they_act(moving):
    moving.add_command(DriveCommand(speed_m_s=1.0), 900 * MS)
    moving.add_command(DriveCommand(speed_m_s=0.5, curvature_1_m=2.0), 940 * MS)
    pose = moving.pose_at(1100 * MS)
    assert pose.yaw_rad == pytest.approx(0.06 * 0.5 * 2.0)
    assert pose.x_m == pytest.approx(1.0 + 0.04 + 0.06 * 0.5, abs=1e-4)


def test_turns_are_interpolated_the_short_way_round():
    made = MotionPredictor(0.0, KEPT_S)
    made.add_odometry(sample(0, 0.0, yaw_rad=3.1))
    made.add_odometry(sample(20, 0.0, yaw_rad=-3.1))
    assert np.cos(made.pose_at(10 * MS).yaw_rad) == pytest.approx(-1.0)


def test_older_odometry_changes_nothing(moving):
    assert not moving.add_odometry(sample(500, 9.0))
    assert moving.newest.stamp_ns == 1000 * MS


def test_jump_makes_what_was_before_useless(moving):
    assert moving.add_odometry(sample(1020, 5.0))
    assert moving.jumps == 1
    with pytest.raises(PoseUnknownError):
        moving.control_from(900 * MS, 1020 * MS)


def test_commands_that_nobody_sends_any_more_are_not_followed(moving):
    moving.add_command(DriveCommand(), 800 * MS)
    moving.forget_commands()
    assert moving.pose_at(1100 * MS).x_m == pytest.approx(1.1)


def test_poses_are_known_as_long_as_told():
    made = MotionPredictor(0.1, 10.0)
    for time_ms in range(0, 12_001, 20):
        made.add_odometry(sample(time_ms, time_ms / 1000))
    assert made.pose_at(2_000 * MS).x_m == pytest.approx(2.0)
    with pytest.raises(PoseUnknownError):
        made.pose_at(1_900 * MS)


@pytest.mark.parametrize('speed', [1.0, 0.0], ids=['with twist', 'without'])
def test_way_adds_up_and_never_falls(moving, speed):
    before_m = moving.travelled_m
    for time_ms in range(1020, 1521, 20):
        moving.add_odometry(sample(time_ms, (2000 - time_ms) / 1000, speed=-speed))
    assert moving.travelled_m - before_m == pytest.approx(0.5, abs=0.03)


def test_turn_adds_up_over_the_jump_from_pi_to_minus_pi():
    made = MotionPredictor(0.0, KEPT_S)
    for number in range(51):
        turned = 3.0 + number * 0.02
        yaw_rad = float(np.arctan2(np.sin(turned), np.cos(turned)))
        made.add_odometry(sample(20 * number, 0.0, speed=0.0, yaw_rad=yaw_rad))
    assert made.turned_rad == pytest.approx(1.0, abs=0.05)
    assert made.travelled_m == 0


@pytest.mark.parametrize(
    ('pose', 'words'),
    [({'x_m': 0.01}, 'linear'), ({'yaw_rad': 0.02}, 'angular')],
    ids=['way', 'turn'],
)
def test_odometry_without_twist_is_a_contradiction_until_it_is_compared_anew(pose, words):
    made = MotionPredictor(0.0, KEPT_S)
    for number in range(60):
        moved = PlanarPose(**{name: step * number for name, step in pose.items()})
        stamp_ns = 20 * number * MS
        made.add_odometry(
            MotionSample(stamp_ns=stamp_ns, pose=moved, speed_m_s=0.0, turn_rad_s=0.0)
        )
    assert words in made.contradiction
    assert 'not filled in' in made.contradiction
    made.compare_anew()
    assert made.contradiction == ''


def test_odometry_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match='finite'):
        sample(0, float('nan'))
