from dataclasses import replace

import numpy as np
import pytest

from perception_nodes.simulation import CoursePath, PathDriver, Pose2D, Robot, RobotModel
from perception_nodes.simulation.course_file import load_course
from perception_nodes.simulation.robot_model import IDEAL

SECOND_NS = 1_000_000_000
TICK_NS = SECOND_NS // 20
ACKERMANN = replace(IDEAL, kind='ackermann')


def driven(model, commands, seed=0):
    """Return a robot that was given one command every 50 ms, and its true speeds."""
    robot, speeds = Robot(model, Pose2D(), seed=seed), []
    for tick, command in enumerate(commands):
        if command is not None:
            robot.command(*command, tick * TICK_NS)
        robot.advance(tick * TICK_NS, (tick + 1) * TICK_NS)
        speeds.append(robot.linear_m_s)
    return robot, speeds


@pytest.mark.parametrize('model', [IDEAL, RobotModel(), RobotModel(kind='ackermann')])
def test_robot_without_command_stays(model):
    robot, _ = driven(model, [None] * 20)
    assert robot.pose == Pose2D()
    assert robot.odometry.stamp_ns == SECOND_NS


def test_base_drops_a_command_that_is_not_renewed():
    robot, speeds = driven(IDEAL, [(1.0, 0.0)] + [None] * 19)
    assert robot.pose.x_m == pytest.approx(0.25)
    assert speeds[-1] == robot.odometry.linear_m_s == 0.0


@pytest.mark.parametrize('kind', ['differential', 'ackermann'])
def test_killed_follower_leaves_the_base_at_rest_in_time(kind):
    model = RobotModel(kind=kind)
    robot = Robot(model, Pose2D())
    for tick in range(40):
        robot.command(1.0, 0.0, tick * TICK_NS)
        robot.advance(tick * TICK_NS, (tick + 1) * TICK_NS)
    last_ns, now = 39 * TICK_NS, 40 * TICK_NS
    while robot.linear_m_s > 0.02:
        robot.advance(now, now + SECOND_NS // 100)
        now += SECOND_NS // 100
    braking_s = 1.0 / model.braking_m_s2 + 0.02
    assert (now - last_ns) / SECOND_NS < 0.25 + model.delay_s + braking_s


def test_fresh_commands_keep_the_robot_moving_on_an_arc():
    robot, _ = driven(replace(IDEAL, max_speed_m_s=2.0), [(np.pi / 2, np.pi / 2)] * 20)
    assert (robot.pose.x_m, robot.pose.y_m) == pytest.approx((1.0, 1.0))
    assert robot.pose.yaw_rad == pytest.approx(np.pi / 2)


def test_ackermann_robot_cannot_turn_on_the_spot():
    robot, _ = driven(ACKERMANN, [(0.0, 1.0)] * 20)
    assert robot.pose == Pose2D()


def test_ackermann_robot_turns_no_tighter_than_its_steering_allows():
    robot, _ = driven(replace(ACKERMANN, max_steering_deg_s=2000.0), [(0.3, 3.0)] * 40)
    radius = 0.16 / np.tan(np.radians(32))
    arc = abs(robot.odometry.linear_m_s / robot.odometry.angular_rad_s)
    assert arc == pytest.approx(radius, rel=1e-3)


def test_command_takes_effect_after_the_delay():
    _, speeds = driven(replace(IDEAL, delay_s=0.1), [(0.5, 0.0)] * 4)
    assert speeds == [0.0, 0.0, pytest.approx(0.5), pytest.approx(0.5)]


def test_speed_follows_within_the_acceleration():
    _, speeds = driven(replace(IDEAL, acceleration_m_s2=2.0), [(1.0, 0.0)] * 20)
    assert np.diff([0.0, *speeds]).max() <= 0.1 + 1e-9
    assert speeds[-1] == pytest.approx(1.0)


def test_lag_reaches_two_thirds_after_its_time_constant():
    _, speeds = driven(replace(IDEAL, lag_s=0.2), [(1.0, 0.0)] * 4)
    assert speeds[-1] == pytest.approx(1 - np.exp(-1), abs=0.02)


def test_slip_moves_the_robot_less_than_its_wheels_say():
    robot, _ = driven(replace(IDEAL, slip=0.1), [(0.5, 0.0)] * 200)
    assert robot.pose.x_m == pytest.approx(0.9 * robot.odometry.pose.x_m, rel=0.05)


@pytest.mark.parametrize('field', ['actuation_noise', 'slip', 'odometry_noise'])
def test_noise_repeats_with_its_seed(field):
    model = replace(IDEAL, **{field: 0.1})

    def end(seed):
        robot, _ = driven(model, [(1.0, 0.5)] * 4, seed)
        return robot.pose, robot.odometry.pose

    assert end(1) == end(1)
    assert end(1) != end(2)


@pytest.mark.parametrize('bad', [(np.nan, 0.0), (0.0, np.inf)])
def test_speeds_that_are_no_numbers_are_refused(bad):
    robot = Robot(IDEAL, Pose2D())
    with pytest.raises(ValueError, match='finite'):
        robot.command(*bad, 0)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'kind': 'hover'}, 'not one of differential, ackermann'),
        ({'cmd_vel_timeout_s': 0.3}, r'above the maximum 0\.25'),
        ({'slip': float('nan')}, 'below the minimum'),
    ],
)
def test_impossible_robot_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        RobotModel(**change)


def test_odometry_without_noise_equals_the_true_motion():
    robot = Robot(IDEAL, Pose2D(x_m=3.0, y_m=1.0, yaw_rad=np.pi / 2))
    robot.command(0.4, 0.0, 0)
    robot.advance(0, SECOND_NS // 5)
    assert robot.odometry.pose.x_m == pytest.approx(0.08)
    assert robot.pose.y_m == pytest.approx(1.08)


def test_wheels_stand_where_the_pose_says():
    robot = Robot(RobotModel(width_m=0.3), Pose2D(x_m=1.0, yaw_rad=np.pi / 2))
    wheels = robot.points_in_world(robot.model.wheels_xy)
    assert wheels[:2] == pytest.approx(np.array([[0.85, 0.0], [1.15, 0.0]]))


@pytest.mark.parametrize('kind', ['differential', 'ackermann'])
@pytest.mark.parametrize('course', ['figure_eight', 's_curve'])
def test_driver_keeps_within_ten_centimetres_of_the_path(course, kind):
    path = CoursePath(load_course(course))
    robot = Robot(RobotModel(kind=kind), path.pose_at(0.0))
    driver = PathDriver(path, speed_m_s=0.5)
    worst = 0.0
    for tick in range(20 * 60):
        now = tick * TICK_NS
        robot.command(*driver.command(robot.pose), now)
        robot.advance(now, now + TICK_NS)
        gap = path.samples_xy - (robot.pose.x_m, robot.pose.y_m)
        worst = max(worst, float(np.hypot(*gap.T).min()))
    assert worst < 0.1
    assert driver.travelled_m > min(28.0, path.length_m - 0.2)
    assert driver.finished is not path.course.closed
