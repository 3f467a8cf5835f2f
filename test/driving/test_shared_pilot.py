"""What is said to a pilot while it is busy with a mask is neither waited for nor lost."""

import threading
import time

import pytest

from perception_nodes.driving import DrivingConfig, MotionSample, Pilot, SpeedLimit
from perception_nodes.driving.shared_pilot import BUSY_SHARE, MOST_HEARD, SharedPilot
from perception_nodes.driving.supervisor import StopReason
from perception_nodes.geometry import PlanarPose
from perception_nodes.path import PathConfig

LABELS = {0: 'floor', 1: 'lane'}
BUSY_S = BUSY_SHARE * DrivingConfig().max_silence_s
BUSY_NS = round(BUSY_S * 1e9)
MS = 1_000_000


def share(**settings) -> tuple[SharedPilot, Pilot]:
    pilot = Pilot(LABELS, DrivingConfig(**{'require_dead_man': False, **settings}))
    return SharedPilot(pilot), pilot


@pytest.fixture
def busy():
    """Return a function that holds a pilot in another thread until the test is over."""
    over = threading.Event()
    threads = []

    def hold(shared: SharedPilot, steady_ns: int = 0):
        holds = threading.Event()

        def work() -> None:
            with shared.held(steady_ns):
                holds.set()
                over.wait(10.0)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        assert holds.wait(10.0)
        return finish

    def finish() -> None:
        over.set()
        for thread in threads:
            thread.join(10.0)

    yield hold
    finish()


def test_nothing_said_leaves_it_disabled():
    shared, _ = share()
    assert shared.step(0, 0).fault.reason is StopReason.NOT_ENABLED


def test_what_is_said_while_a_mask_is_worked_on_counts_at_the_next_decision(busy):
    shared, pilot = share(max_speed_m_s=0.5)
    shared.enable(True)
    shared.step(0, 0)
    finish = busy(shared)
    began = time.monotonic()
    shared.enable(False)
    shared.limit_speed(SpeedLimit(value=0.2))
    shared.configure(DrivingConfig(require_dead_man=False, max_speed_m_s=0.3), PathConfig())
    shared.note_dead_man(False, 5)
    assert time.monotonic() - began < BUSY_S / 2, 'nobody waits'
    with shared.held_if_free() as held:
        assert held is None
    assert pilot.follower.enabled, 'the pilot is left alone while somebody has it'
    finish()
    assert shared.step(MS, MS).fault.reason is StopReason.NOT_ENABLED
    assert not pilot.follower.enabled
    assert pilot.follower.config.max_speed_m_s == 0.3
    assert pilot.follower._limit == SpeedLimit(value=0.2)


def test_odometry_that_came_while_it_was_busy_is_there_for_the_next_mask(busy):
    shared, pilot = share()
    finish = busy(shared)
    sample = MotionSample(stamp_ns=7, pose=PlanarPose(), speed_m_s=0.0, turn_rad_s=0.0)
    shared.hear(lambda pilot: pilot.take_odometry(sample, 7))
    finish()
    with shared.held(8):
        assert pilot.follower.motion.newest is sample


def test_too_much_heard_drops_the_oldest_and_nothing_that_is_said_once():
    shared, pilot = share()
    heard = []
    shared.enable(True)
    for number in range(MOST_HEARD + 10):
        shared.hear(lambda pilot, number=number: heard.append(number))
    shared.step(0, 0)
    assert heard == list(range(10, MOST_HEARD + 10))
    assert pilot.follower.enabled


def test_off_and_on_again_are_both_told(monkeypatch):
    shared, pilot = share()
    told = []
    monkeypatch.setattr(pilot, 'enable', told.append)
    shared.enable(False)
    shared.enable(True)
    shared.step(0, 0)
    assert told == [False, True], 'switching off forgets errors and the place'


def test_a_robot_has_to_stand_while_a_mask_takes_too_long(busy):
    shared, _ = share()
    shared.enable(True)
    assert shared.must_stand(10 * BUSY_NS) is None, 'nobody holds it'
    finish = busy(shared, steady_ns=BUSY_NS)
    assert shared.must_stand(2 * BUSY_NS) is None
    fault = shared.must_stand(3 * BUSY_NS)
    assert fault.reason is StopReason.CAMERA_STALE
    assert '0.20 s, limit 0.10 s' in fault.text
    finish()
    assert shared.must_stand(3 * BUSY_NS) is None


def test_a_mask_may_take_longer_where_silence_may(busy):
    shared, _ = share(max_silence_s=2.0)
    shared.enable(True)
    busy(shared)
    assert shared.must_stand(999 * MS) is None, 'a simulator slower than real time'
    assert 'limit 1.00 s' in shared.must_stand(1001 * MS).text


def test_switched_off_it_has_to_stand_at_once(busy):
    shared, _ = share(require_dead_man=True)
    shared.enable(True)
    shared.note_dead_man(True, 0)
    busy(shared)
    assert shared.must_stand(1) is None
    shared.note_dead_man(False, 1)
    assert shared.must_stand(1).reason is StopReason.DEAD_MAN_RELEASED
    shared.enable(False)
    assert shared.must_stand(1).reason is StopReason.NOT_ENABLED


def test_a_dead_man_that_nobody_asks_for_stops_nobody():
    shared, _ = share()
    shared.enable(True)
    shared.note_dead_man(False, 0)
    assert shared.must_stand(1) is None
