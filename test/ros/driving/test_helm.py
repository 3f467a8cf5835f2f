"""A tick waits for no mask, and lets the robot stand where it has to."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from rclpy.clock import Clock, ClockType

from perception_nodes.driving import (
    STAND,
    DriveCommand,
    DriveState,
    DrivingConfig,
    MotionSample,
    Pilot,
    StopReason,
)
from perception_nodes.driving.shared_pilot import BUSY_SHARE, SharedPilot
from perception_nodes.geometry import PlanarPose
from perception_nodes.path import PathEstimate
from perception_nodes.ros.helm import Helm

SPEED = DriveCommand(speed_m_s=0.4)
BUSY_S = BUSY_SHARE * DrivingConfig().max_silence_s


class Ears:
    odometry_frame = 'odom'


class Outputs:
    def __init__(self):
        self.told = []

    def publish_status(self, status, picture_ns):
        self.told.append(status)


class Nav2:
    def __init__(self):
        self.goals, self.cancels = [], 0

    def follow(self, goal, steady_ns):
        self.goals.append(goal)

    def cancel(self, steady_ns):
        self.cancels += 1


def estimate() -> PathEstimate:
    points = np.stack([np.linspace(0.3, 2.5, 30), np.zeros(30)], axis=1)
    return PathEstimate(
        points_xy=points, sigma_m=np.full(30, 0.01), lateral_error_m=0.0, heading_error_rad=0.0,
        curvature_1_m=0.0, curvature_rate_1_m2=0.0, covariance=np.diag([1e-4, 1e-4, 1e-2, 1e-2]),
        width_m=0.5, confidence=1.0,
    )  # fmt: skip


class DrivingHelm:
    """A helm whose pilot has everything to drive, in steady time."""

    def __init__(self):
        config = DrivingConfig(require_dead_man=False, recover_s=0.0)
        self.pilot = Pilot({1: 'lane'}, config)
        self.shared = SharedPilot(self.pilot)
        self.outputs, self.nav2 = Outputs(), Nav2()
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.helm = Helm(clock, self.shared, Ears(), self.outputs, self.nav2)

    def see(self) -> None:
        now_ns = time.monotonic_ns()
        sample = MotionSample(stamp_ns=now_ns, pose=PlanarPose(), speed_m_s=0.0, turn_rad_s=0.0)
        self.shared.hear(lambda pilot: pilot.take_odometry(sample, now_ns))
        with self.shared.held(now_ns) as pilot:
            pilot.follower.vitals.note_picture(now_ns, now_ns)
            pilot.follower.take_estimate(estimate(), now_ns)
            self.helm.note_mask(estimate(), now_ns)
            self.helm.decide(pilot)

    def drive(self) -> None:
        self.shared.enable(True)
        while self.helm.status is None or self.helm.status.state is not DriveState.DRIVING:
            self.see()
        self.helm.tick()
        assert self.nav2.goals


@pytest.fixture
def driving():
    made = DrivingHelm()
    made.drive()
    return made


def busy_with(driving: DrivingHelm, work) -> None:
    """Do something in this thread while another one is busy with a mask."""
    holds, over = threading.Event(), threading.Event()

    def look() -> None:
        with driving.shared.held(time.monotonic_ns()):
            holds.set()
            over.wait(10.0)

    thread = threading.Thread(target=look)
    thread.start()
    assert holds.wait(10.0)
    try:
        work()
    finally:
        over.set()
        thread.join()


def test_before_anything_is_wanted_it_tells_so_and_leads_nobody():
    made = DrivingHelm()
    assert made.helm.tick()
    assert made.helm.status.fault.reason is StopReason.NOT_ENABLED
    assert made.nav2.goals == []


def test_nav2_gets_the_path_where_odometry_saw_it(driving):
    goal = driving.nav2.goals[-1]
    assert goal.frame_id == 'odom'
    assert goal.odom_from_base == PlanarPose()
    np.testing.assert_array_equal(goal.points_xy, estimate().points_xy)


def test_switched_off_while_a_mask_is_in_work_it_stands_at_once(driving):
    def switch_off() -> None:
        driving.shared.enable(False)
        began = time.monotonic()
        assert not driving.helm.tick()
        assert time.monotonic() - began < BUSY_S / 2, 'the watchdog comes late'

    before = driving.nav2.cancels
    busy_with(driving, switch_off)
    told = driving.outputs.told[-1]
    assert told.command == STAND
    assert (told.state, told.fault.reason) == (DriveState.STOPPING, StopReason.NOT_ENABLED)
    assert driving.nav2.cancels == before + 1
    assert driving.helm.tick()
    assert not driving.pilot.follower.enabled, 'the next decision knows it'


def test_a_mask_in_work_for_too_long_is_told_as_the_reason_to_stand(driving):
    told = len(driving.outputs.told)

    def wait() -> None:
        driving.helm.tick()
        assert len(driving.outputs.told) == told, 'a mask may take a little'
        time.sleep(1.2 * BUSY_S)
        driving.helm.tick()

    busy_with(driving, wait)
    status = driving.outputs.told[-1]
    assert status.command == STAND
    assert status.state is DriveState.STOPPING
    assert 'a mask has been in work for' in status.fault.text
