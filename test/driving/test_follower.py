"""The whole follower on a floor without pictures: clean drives, and every fault."""

import dataclasses

import numpy as np
import pytest

from perception_nodes.driving import DriveState, SpeedLimit, StopReason
from perception_nodes.path.estimate import PathEstimate, PathProblem

MS = 1_000_000
ZERO_S = 0.3  # after a fault can be noticed
RECOVERED_S = 2.5


@pytest.mark.parametrize('controller', ['pure_pursuit', 'stanley'])
@pytest.mark.parametrize(
    ('course', 'speed', 'rms_m', 'most_m'),
    [('straight', 0.5, 0.03, 0.10), ('s_curve', 0.5, 0.03, 0.10), ('s_curve', 1.0, 0.06, 0.15)],
)
def test_a_clean_drive_stays_on_the_path(drive, course, speed, rms_m, most_m, controller):
    run = drive(course, cruise_speed_m_s=speed, controller=controller)
    for _ in run.run(60.0):
        pass
    assert run.finished
    lateral = np.array([row[1] for row in run.log])
    assert np.sqrt(np.mean(lateral**2)) < rms_m
    assert np.abs(lateral).max() < most_m
    stops = {row[3].state for row in run.log[40:]}
    assert stops == {DriveState.DRIVING}


def test_tight_turns_are_driven_slower_and_not_left(drive):
    run = drive('tight', cruise_speed_m_s=0.5, lookahead_min_m=0.25)
    for _ in run.run(60.0):
        pass
    assert run.finished
    assert max(abs(row[1]) for row in run.log) < 0.12


def stop_seeing(run):
    run.see = lambda now_ns, estimate: None


def see_no_path(run):
    run.see = lambda now_ns, estimate: PathEstimate.invalid(PathProblem.NOTHING_SEEN)


def doubt(run):
    run.see = lambda now_ns, estimate: dataclasses.replace(estimate, confidence=0.05)


def lose_odometry(run):
    run.follower.take_odometry = lambda *_: None


def release(run):
    run.follower.vitals.note_dead_man(False, run.now_ns)


def switch_off(run):
    run.follower.enable(False)


def break_controller(run):
    run.follower._controller.command = lambda *_: float('nan')


FAULTS = {
    'camera silent': (stop_seeing, StopReason.CAMERA_STALE),
    'no path': (see_no_path, StopReason.PATH_LOST),
    'low confidence': (doubt, StopReason.LOW_CONFIDENCE),
    'odometry silent': (lose_odometry, StopReason.ODOMETRY_STALE),
    'switched off': (switch_off, StopReason.NOT_ENABLED),
    'controller fails': (break_controller, StopReason.CONTROLLER_ERROR),
}


def zero_after(run, since_ns):
    """Return the seconds from a time to the first command to stand, and the status with it."""
    for now_ns, _, _, status in run.log:
        if now_ns >= since_ns and status.command.speed_m_s == 0:
            return (now_ns - since_ns) * 1e-9, status
    raise AssertionError('it never stopped')


@pytest.mark.parametrize('name', FAULTS)
def test_every_fault_stops_in_time_with_its_reason(drive, name):
    fault, reason = FAULTS[name]
    run = drive('straight', cruise_speed_m_s=0.5)
    for _ in run.run(4.0):
        pass
    assert run.robot.speed > 0.4
    fault(run)
    since_ns = run.now_ns
    for _ in run.run(2.0):
        pass
    # What is noticed by its age is observable when the last that came was noticed.
    late_s, status = zero_after(run, since_ns)
    observable_s = run.latency_s if name in ('no path', 'low confidence') else 0.0
    assert late_s <= ZERO_S + observable_s
    assert status.fault.reason is reason
    assert status.fault.text
    assert run.robot.speed == pytest.approx(0.0, abs=0.01)


def test_it_drives_on_when_the_fault_is_over(drive):
    run = drive('straight', cruise_speed_m_s=0.5)
    for _ in run.run(3.0):
        pass
    seeing = run.see
    stop_seeing(run)
    for _ in run.run(1.0):
        pass
    assert run.log[-1][3].state is DriveState.STOPPED
    run.see = seeing
    for _ in run.run(RECOVERED_S):
        pass
    assert run.log[-1][3].state is DriveState.DRIVING
    assert run.robot.speed > 0.4


def test_a_clock_that_jumps_stops_and_drives_on_with_what_comes_after(drive):
    run = drive('straight', cruise_speed_m_s=0.5)
    for _ in run.run(3.0):
        pass
    follower = run.follower
    status = follower.step(run.now_ns - 10**9, run.now_ns + MS)
    assert status.command.speed_m_s == 0
    assert status.fault.reason is StopReason.CLOCK_JUMP


def test_a_thing_that_steps_in_is_not_touched(drive):
    run = drive('straight', cruise_speed_m_s=1.0, obstacle_sources=('depth',), front_m=0.2)
    thing_x = None
    for now_ns in run.run(12.0):
        seen = np.zeros((0, 2))
        if run.robot.pose.x_m > 4.0 and thing_x is None:
            thing_x = run.robot.pose.x_m + 0.2 + 1.0
        if thing_x is not None:
            seen = np.array([(thing_x - run.robot.pose.x_m, 0.0)])
        if now_ns % (30 * MS) == 0:
            run.follower.take_obstacles('depth', seen, now_ns, now_ns)
    gap_m = thing_x - run.robot.pose.x_m - 0.2
    assert 0.0 < gap_m < 0.5
    assert run.log[-1][3].fault.reason is StopReason.OBSTACLE


def test_without_word_from_a_wanted_source_nothing_moves(drive):
    run = drive('straight', obstacle_sources=('occupancy',))
    for _ in run.run(3.0):
        pass
    assert run.robot.pose.x_m == 0.0
    assert run.log[-1][3].fault.reason is StopReason.OBSTACLES_STALE


def test_a_limit_from_outside_holds_until_the_next(drive):
    run = drive('straight', cruise_speed_m_s=1.0)
    run.follower.limit_speed(SpeedLimit(value=0.3))
    for _ in run.run(5.0):
        pass
    assert run.robot.speed == pytest.approx(0.3, abs=0.02)
    assert run.log[-1][3].speed_bound_by == 'speed limit'


def test_the_end_of_the_path_is_reached_and_not_passed(drive):
    run = drive('straight', cruise_speed_m_s=0.8)
    run.course = run.course[:500]
    for _ in run.run(20.0):
        pass
    assert run.robot.pose.x_m < 5.0
    assert run.robot.pose.x_m > 4.0
