"""States of the supervisor, in steady time."""

import pytest

from perception_nodes.driving.supervisor import (
    BRAKING_GRACE_S,
    NOT_ENABLED,
    DriveState,
    Fault,
    StopReason,
    Supervisor,
    SupervisorConfig,
)

S = 1_000_000_000
LOST = Fault(StopReason.PATH_LOST, 'no path is seen')
STALE = Fault(StopReason.CAMERA_STALE, 'newest picture is 0.4 s old')


class Clocked:
    """A supervisor, and a clock that runs with every step."""

    def __init__(self, **values):
        self.supervisor = Supervisor(SupervisorConfig(**values), brake_m_s2=2.0)
        self.now_ns = 0

    def step(self, seconds=0.1, *faults, enabled=True, speed=0.0):
        self.now_ns += round(seconds * S)
        return self.supervisor.step(
            enabled=enabled, faults=faults, speed_m_s=speed, steady_ns=self.now_ns
        )

    def driving(self):
        self.step()
        verdict = self.step(1.0)
        assert verdict.state is DriveState.DRIVING
        return self


def test_nothing_moves_before_it_is_enabled():
    run = Clocked()
    verdict = run.step(10.0, enabled=False)
    assert (verdict.state, verdict.fault, verdict.speed_share) == (
        DriveState.DISABLED,
        NOT_ENABLED,
        0.0,
    )


def test_nothing_moves_before_everything_has_been_healthy_for_a_while():
    run = Clocked(recover_s=0.5)
    assert run.step(1.0, LOST).state is DriveState.WAITING
    assert run.step(1.0, LOST).fault is LOST
    states = [run.step(0.1).state for _ in range(7)]
    assert states[:5] == [DriveState.WAITING] * 5
    assert states[-1] is DriveState.DRIVING


def test_a_fault_stops_at_once_and_the_reason_stays_until_it_is_over():
    run = Clocked().driving()
    verdict = run.step(0.05, LOST, STALE, speed=0.5)
    assert (verdict.state, verdict.fault, verdict.speed_share) == (DriveState.STOPPING, LOST, 0.0)
    assert run.step(0.1, speed=0.3).fault is LOST, 'it is still braking for it'
    assert run.step(0.1, STALE, speed=0.0).fault is STALE, 'standing for another reason now'
    assert run.step(0.1).state is DriveState.RECOVERING
    assert run.step(0.2, LOST).state is DriveState.STOPPED
    assert run.step(0.1).state is DriveState.RECOVERING
    assert run.step(1.0).state is DriveState.DRIVING


def test_switching_off_while_driving_brakes_first():
    run = Clocked().driving()
    verdict = run.step(0.05, enabled=False, speed=0.5)
    assert (verdict.state, verdict.fault.reason) == (DriveState.STOPPING, StopReason.NOT_ENABLED)
    assert run.step(0.3, enabled=False, speed=0.0).state is DriveState.DISABLED


def test_a_ramp_falls_to_zero_in_its_time():
    run = Clocked(stop_ramp_s=0.1).driving()
    shares = [run.step(step, LOST, speed=0.5).speed_share for step in (0.05, 0.05, 0.04, 0.02)]
    assert shares == pytest.approx([1.0, 0.5, 0.1, 0.0])


def test_a_base_that_does_not_brake_is_reported():
    run = Clocked().driving()
    run.step(0.05, LOST, speed=1.0)
    verdict = run.step(1.0 / 2.0 + BRAKING_GRACE_S + 0.1, LOST, speed=0.8)
    assert verdict.state is DriveState.STOPPED
    verdict = run.step(0.1, LOST, speed=0.8)
    assert 'the base still moves at 0.80 m/s' in verdict.fault.text


def test_without_odometry_the_time_of_braking_counts():
    run = Clocked().driving()
    assert run.step(0.05, STALE, speed=None).state is DriveState.STOPPING
    assert run.step(BRAKING_GRACE_S + 0.1, STALE, speed=None).state is DriveState.STOPPED


@pytest.mark.parametrize('values', [{'recover_s': -1.0}, {'stop_ramp_s': 0.5}])
def test_settings_out_of_range_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        SupervisorConfig(**values)
