"""The whole follower on a floor without pictures: clean drives, and every fault."""

import dataclasses

import numpy as np
import pytest

from perception_nodes.driving import (
    DriveCommand,
    DriveState,
    SpeedLimit,
    StopReason,
)
from perception_nodes.geometry import PlanarPose
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


def see_it_elsewhere(run):
    run.see = lambda now_ns, estimate: dataclasses.replace(
        estimate, points_xy=estimate.points_xy + np.array([0.0, 0.4])
    )


def see_its_end(run):
    points_xy = np.stack([np.linspace(0.1, 0.4, 7), np.zeros(7)], axis=1)
    run.see = lambda now_ns, estimate: dataclasses.replace(
        estimate, points_xy=points_xy, sigma_m=np.full(7, 0.01)
    )


def lose_odometry(run):
    run.follower.take_odometry = lambda *_: None


def switch_off(run):
    run.follower.enable(False)


def break_controller(run):
    run.follower._controller.command = lambda *_: float('nan')


FAULTS = {
    'camera silent': (stop_seeing, StopReason.CAMERA_STALE),
    'no path': (see_no_path, StopReason.PATH_LOST),
    'low confidence': (doubt, StopReason.LOW_CONFIDENCE),
    'path beside': (see_it_elsewhere, StopReason.OFF_PATH),
    'path ends': (see_its_end, StopReason.PATH_END),
    'odometry silent': (lose_odometry, StopReason.ODOMETRY_STALE),
    'switched off': (switch_off, StopReason.NOT_ENABLED),
    'controller fails': (break_controller, StopReason.CONTROLLER_ERROR),
}


SEEN_LATE = ('no path', 'low confidence', 'path beside', 'path ends')


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
    observable_s = run.latency_s if name in SEEN_LATE else 0.0
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


def drives(run):
    """Return whether the robot drives within the time that recovery may take."""
    for _ in run.run(RECOVERED_S):
        pass
    return run.log[-1][3].state is DriveState.DRIVING and run.robot.speed > 0.4


@pytest.mark.parametrize('jump_s', [-3600.0, -1.0, 3600.0])
def test_a_clock_that_jumps_stops_and_drives_on_with_what_comes_after(drive, jump_s):
    run = drive('straight', cruise_speed_m_s=0.5, obstacle_sources=('depth',))
    for now_ns in run.run(3.0):
        run.follower.take_obstacles('depth', np.zeros((0, 2)), now_ns, now_ns)
    run.clock_ns = round(jump_s * 1e9)
    before = len(run.log)
    for now_ns in run.run(RECOVERED_S):
        run.follower.take_obstacles('depth', np.zeros((0, 2)), run.stamp_ns, now_ns)
    first = run.log[before][3]
    assert first.command.speed_m_s == 0
    assert first.fault.reason is StopReason.CLOCK_JUMP
    assert np.isnan(first.path_age_s)
    assert run.log[-1][3].state is DriveState.DRIVING
    assert run.robot.speed > 0.4


def of_another_clock(run, stamp_ns):
    """Let one message of each kind come that is stamped by another clock."""
    steady_ns = run.now_ns
    run.follower.take_odometry(run.robot.sample(stamp_ns), steady_ns)
    run.follower.vitals.note_picture(stamp_ns, steady_ns)
    run.follower.take_obstacles('depth', np.array([(0.5, 0.0)]), stamp_ns, steady_ns)


@pytest.mark.parametrize('clock_ns', [0, -3600 * 10**9], ids=['runs on', 'was set back'])
def test_messages_of_another_clock_change_nothing(drive, clock_ns):
    run = drive('straight', cruise_speed_m_s=0.5, obstacle_sources=('depth',))
    for now_ns in run.run(3.0):
        run.follower.take_obstacles('depth', np.zeros((0, 2)), now_ns, now_ns)
    run.clock_ns = clock_ns
    spoilt_ns = run.now_ns + 110 * MS
    for now_ns in run.run(RECOVERED_S):
        if now_ns == spoilt_ns:
            of_another_clock(run, now_ns + 3600 * 10**9)
        if now_ns % (100 * MS) == 0:
            run.follower.take_obstacles('depth', np.zeros((0, 2)), run.stamp_ns, now_ns)
    states = {row[3].state for row in run.log[-20:]}
    assert states == {DriveState.DRIVING}
    assert run.robot.speed > 0.4
    if clock_ns == 0:
        assert {row[3].state for row in run.log[40:]} == {DriveState.DRIVING}


def test_thing_that_was_seen_long_ago_is_not_forgotten(drive):
    run = drive(
        'straight', cruise_speed_m_s=0.5, obstacle_sources=('depth',), front_m=0.2,
        max_obstacles_age_s=10.0, corridor_length_m=5.0,
    )  # fmt: skip
    for now_ns in run.run(9.9):
        if now_ns == 20 * MS:
            run.follower.take_obstacles('depth', np.array([(4.0, 0.0)]), now_ns, now_ns)
    assert 0.0 < 4.0 - run.robot.pose.x_m - 0.2 < 0.5
    assert run.log[-1][3].obstacle_m < 0.5


def test_thing_seen_before_odometry_jumped_stops_until_it_is_seen_again(drive):
    run = drive(
        'straight', cruise_speed_m_s=0.5, obstacle_sources=('depth',), max_obstacles_age_s=10.0
    )
    for now_ns in run.run(3.0):
        run.follower.take_obstacles('depth', np.zeros((0, 2)), now_ns, now_ns)
    run.robot.odometry = PlanarPose(x_m=50.0)
    for _ in run.run(1.0):
        pass
    status = run.log[-1][3]
    assert status.fault.reason is StopReason.OBSTACLES_STALE
    assert 'depth saw cannot be placed' in status.fault.text
    assert run.robot.speed == pytest.approx(0.0, abs=0.01)
    run.follower.take_obstacles('depth', np.zeros((0, 2)), run.now_ns, run.now_ns)
    assert drives(run)


def drive_by_hand(run, speed_m_s):
    """Let somebody else move the robot; what the follower commands does not arrive."""
    run.robot.timeout_s = 100.0
    run.robot.command(DriveCommand(speed_m_s=speed_m_s), run.now_ns)
    run.robot.command = lambda *_: None


def forget_twist(run):
    """Give the follower odometry whose twist nobody fills in."""
    take = run.follower.take_odometry

    def take_without(sample, steady_ns):
        take(dataclasses.replace(sample, speed_m_s=0.0, turn_rad_s=0.0), steady_ns)

    run.follower.take_odometry = take_without


def test_odometry_without_twist_stops_until_switched_off_and_on(drive):
    run = drive('straight', cruise_speed_m_s=0.5)
    take = run.follower.take_odometry
    forget_twist(run)
    for _ in run.run(5.0):
        pass
    status = run.log[-1][3]
    assert run.robot.pose.x_m < 0.8
    assert run.robot.speed == pytest.approx(0.0, abs=0.01)
    assert status.fault.reason is StopReason.ODOMETRY_STALE
    assert 'not filled in; disable and enable' in status.fault.text
    run.follower.take_odometry = take
    assert not drives(run)
    run.follower.enable(False)
    for _ in run.run(0.1):
        pass
    run.follower.enable(True)
    assert drives(run)


def test_odometry_that_contradicted_itself_while_disabled_keeps_nobody_from_driving(drive):
    run = drive('straight', cruise_speed_m_s=0.5)
    run.follower.enable(False)
    obey, take = run.robot.command, run.follower.take_odometry
    drive_by_hand(run, 0.5)
    forget_twist(run)
    for _ in run.run(3.0):
        pass
    assert run.follower.motion.contradiction
    run.robot.command, run.follower.take_odometry = obey, take
    run.follower.enable(True)
    assert drives(run)


def pose_ahead_m(run):
    """Return how far after the newest odometry the follower believes the robot to be."""
    motion = run.follower.motion
    return motion.pose_at(motion.newest.stamp_ns + 400 * MS).x_m - motion.newest.pose.x_m


@pytest.mark.parametrize('who', ['somebody else', 'nobody, disabled'])
def test_commands_that_are_not_sent_tell_nothing_about_the_way(drive, who):
    run = drive('straight', moves_robot=who != 'somebody else')
    for _ in run.run(1.0):
        pass
    run.follower.enable(who == 'somebody else')
    drive_by_hand(run, 0.2)
    for _ in run.run(4.0):
        pass
    assert run.robot.speed == pytest.approx(0.2, abs=0.01)
    assert pose_ahead_m(run) == pytest.approx(0.08, abs=0.01)


@pytest.mark.parametrize(('gap_m', 'moves'), [(0.1, False), (0.3, False), (0.45, True)])
def test_robot_that_stands_needs_more_room_than_one_that_drives(drive, gap_m, moves):
    run = drive('straight', obstacle_sources=('depth',), front_m=0.2)
    for now_ns in run.run(2.0):
        seen = np.array([(0.2 + gap_m - run.robot.pose.x_m, 0.0)])
        run.follower.take_obstacles('depth', seen, now_ns, now_ns)
    assert (run.robot.pose.x_m > 0.05) is moves
    if not moves:
        assert run.log[-1][3].fault.reason is StopReason.OBSTACLE
        assert run.log[-1][3].state is DriveState.WAITING


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
