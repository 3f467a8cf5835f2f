"""Commands stay within what the robot can do."""

import numpy as np
import pytest

from perception_nodes.driving.command import STAND, CommandLimiter, DriveCommand, VehicleConfig


def run(vehicle: VehicleConfig, speed: float, curvature: float, seconds: float, steps: int):
    limiter = CommandLimiter(vehicle)
    return [limiter.limit(speed, curvature, seconds) for _ in range(steps)]


def test_standing_turns_nothing():
    assert STAND.turn_rad_s == 0.0
    assert DriveCommand(speed_m_s=0.5, curvature_1_m=2.0).turn_rad_s == 1.0


@pytest.mark.parametrize(
    ('speed', 'curvature'), [(-0.1, 0.0), (float('nan'), 0.0), (0.1, float('inf'))]
)
def test_command_that_no_base_may_get_is_refused(speed, curvature):
    with pytest.raises(ValueError, match='finite'):
        DriveCommand(speed_m_s=speed, curvature_1_m=curvature)


def test_speed_rises_and_falls_within_the_limits():
    vehicle = VehicleConfig(acceleration_m_s2=1.0, deceleration_m_s2=2.0)
    limiter = CommandLimiter(vehicle)
    rising = [limiter.limit(1.0, 0.0, 0.1).speed_m_s for _ in range(12)]
    falling = [limiter.limit(0.0, 0.0, 0.1).speed_m_s for _ in range(6)]
    np.testing.assert_allclose(np.diff(rising[:10]), 0.1)
    assert rising[-1] == 1.0
    np.testing.assert_allclose(falling, [0.8, 0.6, 0.4, 0.2, 0.0, 0.0], atol=1e-9)


def test_robot_that_cannot_turn_as_fast_drives_slower_on_the_same_arc():
    vehicle = VehicleConfig(max_turn_rad_s=1.0, acceleration_m_s2=30.0)
    last = run(vehicle, 2.0, 4.0, 0.1, 5)[-1]
    assert last.curvature_1_m == 4.0
    assert last.turn_rad_s == pytest.approx(1.0)


def test_ackermann_turns_no_tighter_than_it_can():
    vehicle = VehicleConfig(drive_type='ackermann', turning_radius_m=0.4)
    for wanted in (5.0, -5.0):
        assert run(vehicle, 0.5, wanted, 0.5, 3)[-1].curvature_1_m == np.sign(wanted) / 0.4


def test_ackermann_without_a_radius_is_refused_with_the_cure():
    with pytest.raises(ValueError, match=r'turning_radius_m.*wheelbase'):
        VehicleConfig(drive_type='ackermann')


def test_turning_speed_changes_within_its_limit():
    vehicle = VehicleConfig(turn_acceleration_rad_s2=2.0, acceleration_m_s2=30.0)
    limiter = CommandLimiter(vehicle)
    limiter.limit(1.0, 0.0, 0.1)
    turns = [limiter.limit(1.0, 1.0, 0.1).turn_rad_s for _ in range(6)]
    np.testing.assert_allclose(turns, [0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_what_is_not_a_number_never_becomes_a_command():
    with pytest.raises(ValueError, match='finite'):
        run(VehicleConfig(), 0.5, float('nan'), 0.1, 1)
