import numpy as np
import pytest

from perception_nodes.simulation import CoursePath, DifferentialDrive, PathDriver, Pose2D
from perception_nodes.simulation.course import load_course

SECOND_NS = 1_000_000_000


def test_robot_without_command_stays():
    drive = DifferentialDrive(Pose2D())
    drive.advance(0, SECOND_NS)
    assert drive.pose == Pose2D()
    assert drive.odometry.stamp_ns == SECOND_NS


def test_robot_stops_when_the_command_times_out_within_a_step():
    drive = DifferentialDrive(Pose2D(), command_timeout_s=0.25)
    drive.command(1.0, 0.0, 0)
    drive.advance(0, SECOND_NS)
    assert drive.pose.x_m == pytest.approx(0.25)
    assert drive.odometry.linear_m_s == 0.0


def test_fresh_commands_keep_the_robot_moving_on_an_arc():
    drive = DifferentialDrive(Pose2D())
    for tick in range(10):
        now = tick * SECOND_NS // 10
        drive.command(np.pi / 2, np.pi / 2, now)
        drive.advance(now, now + SECOND_NS // 10)
    assert (drive.pose.x_m, drive.pose.y_m) == pytest.approx((1.0, 1.0))
    assert drive.pose.yaw_rad == pytest.approx(np.pi / 2)


@pytest.mark.parametrize('bad', [(np.nan, 0.0), (0.0, np.inf)])
def test_speeds_that_are_no_numbers_are_refused(bad):
    drive = DifferentialDrive(Pose2D())
    with pytest.raises(ValueError, match='finite'):
        drive.command(*bad, 0)


def test_odometry_without_noise_equals_the_true_motion():
    drive = DifferentialDrive(Pose2D(x_m=3.0, y_m=1.0, yaw_rad=np.pi / 2))
    drive.command(0.4, 0.0, 0)
    drive.advance(0, SECOND_NS // 5)
    assert drive.odometry.pose.x_m == pytest.approx(0.08)
    assert drive.pose.y_m == pytest.approx(1.08)


def test_odometry_noise_drifts_and_repeats_with_its_seed():
    def drifted(seed):
        drive = DifferentialDrive(Pose2D(), noise=0.1, seed=seed)
        drive.command(1.0, 0.5, 0)
        drive.advance(0, SECOND_NS // 5)
        return drive.odometry.pose

    assert drifted(1) == drifted(1)
    assert drifted(1) != drifted(2)


@pytest.mark.parametrize('course', ['figure_eight', 's_curve'])
def test_driver_keeps_within_ten_centimetres_of_the_path(course):
    path = CoursePath(load_course(course))
    drive, driver = DifferentialDrive(path.pose_at(0.0)), PathDriver(path, speed_m_s=0.5)
    worst, step_ns = 0.0, SECOND_NS // 20
    for tick in range(20 * 60):
        now = tick * step_ns
        drive.command(*driver.command(drive.pose), now)
        drive.advance(now, now + step_ns)
        gap = path.samples_xy - (drive.pose.x_m, drive.pose.y_m)
        worst = max(worst, float(np.hypot(*gap.T).min()))
    assert worst < 0.1
    assert driver.travelled_m > min(29.0, path.length_m - 0.2)
    assert driver.finished is not path.course.closed
