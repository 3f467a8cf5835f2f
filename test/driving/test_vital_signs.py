"""Fresh or stale, frozen or alive, held or released."""

import numpy as np
import pytest

from perception_nodes.driving.command_timeout import CommandTimeout, CommandTimeoutConfig
from perception_nodes.driving.freshness import ClockWatch, FreshnessWatch
from perception_nodes.driving.frozen_picture import FreezeConfig, FrozenPicture
from perception_nodes.driving.supervisor import StopReason
from perception_nodes.driving.vital_signs import VitalConfig, VitalSigns

MS = 1_000_000
S = 1000 * MS


@pytest.mark.parametrize(
    ('now', 'steady', 'problem'),
    [
        (1000, 1000, ''),
        (1240, 1240, ''),
        (1300, 1300, 'newest picture is 0.30 s old, limit 0.25 s'),
        (1000, 1300, 'no picture for 0.30 s, limit 0.25 s'),
        (900, 1000, 'ahead of this clock'),
        (900, 1300, 'ahead of this clock'),
    ],
    ids=['new', 'just fresh', 'old', 'silent while its clock stands still', 'from the future',
         'silent and from the future'],
)  # fmt: skip
def test_an_input_is_fresh_by_stamp_and_by_steady_time(now, steady, problem):
    watch = FreshnessWatch('picture', 0.25, 0.25)
    watch.note(1000 * MS, 1000 * MS)
    found = watch.state(now * MS, steady * MS).problem
    assert (problem in found) if problem else not found


def test_an_input_that_never_came_is_not_fresh():
    state = FreshnessWatch('odometry', 0.25, 0.25).state(0, 0)
    assert state.problem == 'no odometry has come yet'
    assert np.isnan(state.age_s)


def test_an_old_stamp_again_makes_nothing_fresher():
    watch = FreshnessWatch('picture', 0.25, 0.25)
    watch.note(1000 * MS, 1000 * MS)
    watch.note(900 * MS, 1400 * MS)
    assert watch.state(1400 * MS, 1400 * MS).problem


def test_refused_stamps_are_the_reason_why_an_input_is_not_fresh():
    watch = FreshnessWatch('odometry', 0.25, 0.25)
    watch.refuse(3600.0)
    assert 'stamped 3600.00 s ahead of this clock' in watch.state(0, 0).problem
    watch.note(1000 * MS, 1000 * MS)
    watch.refuse(3600.0)
    assert not watch.state(1100 * MS, 1100 * MS).problem
    assert 'stamped 3600.00 s ahead' in watch.state(1300 * MS, 1300 * MS).problem
    watch.note(1001 * MS, 1300 * MS)
    assert 'newest odometry is 0.30 s old' in watch.state(1301 * MS, 1301 * MS).problem


@pytest.mark.parametrize(
    ('now', 'steady', 'words'),
    [
        (1.1, 1.1, ''),
        (1.0, 1.1, ''),
        (1.4, 1.05, ''),
        (0.9, 1.1, 'went back'),
        (9.0, 1.1, 'leapt'),
    ],
    ids=['runs', 'stands still', 'simulators deliver it in steps', 'back', 'ahead'],
)
def test_a_clock_that_was_set_is_noticed(now, steady, words):
    watch = ClockWatch()
    assert watch.observe(S, S) == ''
    found = watch.observe(round(now * S), round(steady * S))
    assert (words in found) if words else not found


@pytest.mark.parametrize(
    ('stamp', 'steady', 'ahead_s'),
    [(0.9, 1.1, 0.0), (1.1, 1.1, 0.0), (1.5, 1.01, 0.0), (2.9, 1.1, 0.0), (1.6, 1.01, 0.6),
     (3.2, 1.1, 2.2)],
    ids=['old', 'new', 'clock in steps', 'fast clock', 'too far', 'too fast'],
)  # fmt: skip
def test_stamp_that_the_clock_cannot_have_reached_is_of_another(stamp, steady, ahead_s):
    watch = ClockWatch()
    assert watch.ahead_s(round(stamp * S), round(steady * S)) == 0, 'before the first look'
    watch.observe(S, S)
    assert watch.ahead_s(round(stamp * S), round(steady * S)) == pytest.approx(ahead_s)


PICTURE, OTHER = np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)


@pytest.mark.parametrize(
    ('picture', 'travelled', 'turned', 'frozen'),
    [
        (PICTURE, 0.05, 0.0, False),
        (PICTURE, 0.10, 0.0, True),
        (PICTURE, 0.0, 0.2, True),
        (OTHER, 0.50, 0.5, False),
    ],
    ids=['barely moved', 'driven on', 'turned on', 'another picture'],
)
def test_equal_pictures_while_the_robot_moves_are_a_frozen_camera(
    picture, travelled, turned, frozen
):
    watch = FrozenPicture(FreezeConfig())
    watch.note((PICTURE,), 0.0, 0.0)
    assert bool(watch.note((picture,), travelled, turned)) == frozen


def test_a_robot_that_stands_may_see_the_same_for_ever():
    watch = FrozenPicture(FreezeConfig())
    assert not any(watch.note((PICTURE,), 1.0, 1.0) for _ in range(100))


def reasons(signs, steady=1000):
    return [fault.reason for fault in signs.faults(steady * MS, steady * MS)]


def signs(**values):
    found = VitalSigns(VitalConfig(**values))
    found.note_picture(1000 * MS, 1000 * MS)
    found.note_odometry(1000 * MS, 1000 * MS)
    return found


def test_dead_man_has_to_be_held_again_and_again():
    found = signs()
    assert reasons(found) == [StopReason.DEAD_MAN_SILENT]
    found.note_dead_man(True, 1000 * MS)
    assert reasons(found) == []
    assert reasons(found, 1200) == []
    found.note_dead_man(False, 1000 * MS)
    assert reasons(found) == [StopReason.DEAD_MAN_RELEASED]
    assert StopReason.DEAD_MAN_SILENT in reasons(found, 1300)


def test_everything_that_is_missing_is_named():
    found = VitalSigns(VitalConfig(require_dead_man=False, obstacle_sources=('depth',)))
    assert reasons(found) == [
        StopReason.CAMERA_STALE,
        StopReason.ODOMETRY_STALE,
        StopReason.OBSTACLES_STALE,
    ]


def test_a_source_of_obstacles_that_is_wanted_must_speak_even_when_nothing_is_there():
    found = signs(require_dead_man=False, obstacle_sources=('occupancy',))
    found.note_obstacles('occupancy', 1000 * MS, 1000 * MS)
    found.note_obstacles('depth', 1000 * MS, 1000 * MS)
    assert reasons(found) == []
    found.note_picture(1450 * MS, 1450 * MS)
    found.note_odometry(1450 * MS, 1450 * MS)
    assert reasons(found, 1450) == [StopReason.OBSTACLES_STALE]


NOTES = {
    'picture': VitalSigns.note_picture,
    'odometry': VitalSigns.note_odometry,
    'depth': lambda signs, *times: signs.note_obstacles('depth', *times),
}


@pytest.mark.parametrize('late', NOTES)
def test_what_is_stamped_by_the_clock_before_hides_nothing_that_comes_after(late):
    found = VitalSigns(VitalConfig(require_dead_man=False, obstacle_sources=('depth',)))
    found.observe_clock(3600 * S, 0)
    assert found.observe_clock(0, 30 * MS)
    found.reset()
    assert not NOTES[late](found, 3600 * S, 31 * MS)
    assert f'{late} is stamped 3600.00 s ahead' in str(found.faults(30 * MS, 60 * MS))
    for note in NOTES.values():
        assert note(found, 40 * MS, 70 * MS)
    assert not found.observe_clock(50 * MS, 80 * MS)
    assert found.faults(50 * MS, 80 * MS) == []


def test_stamp_of_another_clock_before_the_first_look_counts_as_a_jump():
    found = VitalSigns(VitalConfig(require_dead_man=False))
    assert found.note_odometry(3600 * S, 0)
    assert found.observe_clock(S, 10 * MS)
    assert '3599.000 s behind what came before' in str(found.faults(S, 10 * MS))
    found.reset()
    assert found.note_odometry(S, 11 * MS)
    assert not found.observe_clock(S + 10 * MS, 20 * MS)


@pytest.mark.parametrize('ahead', [100, 700, 5000, 3_600_000])
def test_camera_whose_clock_goes_ahead_is_told_from_a_clock_that_jumped(ahead):
    found = VitalSigns(VitalConfig(require_dead_man=False))
    for now in range(1000, 2000, 30):
        assert not found.observe_clock(now * MS, now * MS)
        found.note_picture((now + 10 + ahead) * MS, (now + 10) * MS)
        found.note_odometry((now + 10) * MS, (now + 10) * MS)
    faults = found.faults(2000 * MS, 2000 * MS)
    assert [fault.reason for fault in faults] == [StopReason.CAMERA_STALE]
    assert 'ahead of this clock: check use_sim_time' in faults[0].text


@pytest.mark.parametrize('sources', [('depth', 'occupancy'), ('occupancy', 'depth')])
def test_age_of_obstacles_is_unknown_until_every_wanted_source_has_come(sources):
    found = VitalSigns(VitalConfig(obstacle_sources=sources))
    assert np.isnan(VitalSigns(VitalConfig()).obstacles_age_s(S, S))
    found.note_obstacles('depth', S, S)
    assert np.isnan(found.obstacles_age_s(S, S))
    found.note_obstacles('occupancy', S - 100 * MS, S)
    assert found.obstacles_age_s(S, S) == pytest.approx(0.1)


@pytest.fixture
def timeout():
    config = CommandTimeoutConfig(cmd_vel_timeout_s=0.2, zero_repeat_s=1.0)
    return CommandTimeout(config, start_ns=0)


def test_who_waits_in_vain_for_the_first_command_sends_zero_for_a_while(timeout):
    sent = [timeout.must_stop(ms * MS) for ms in (100, 200, 201, 1200, 1300)]
    assert sent == [False, False, True, True, False]
    assert timeout.is_silent
    assert not timeout.has_passed
    assert timeout.timeouts == 0


def test_a_first_command_in_time_needs_no_zero(timeout):
    assert timeout.take((0.5, 0.1), 150 * MS)
    assert timeout.has_passed
    assert not timeout.must_stop(300 * MS)


def test_a_silent_publisher_is_replaced_by_zero_for_a_while(timeout):
    assert timeout.take((0.5, 0.1), 0)
    sent = [timeout.must_stop(ms * MS) for ms in (100, 200, 201, 1200, 1300)]
    assert sent == [False, False, True, True, False]
    assert timeout.is_silent
    assert timeout.timeouts == 1
    assert timeout.take((0.5, 0.1), 2 * S)
    assert not timeout.is_silent


def test_a_command_that_is_no_number_neither_passes_nor_counts(timeout):
    timeout.take((0.5, 0.1), 0)
    assert not timeout.take((float('nan'), 0.0), 190 * MS)
    assert timeout.must_stop(210 * MS)
    assert timeout.refused == 1


def test_defaults_bring_zero_into_force_within_the_time_that_is_demanded():
    # Beside the age there are 0.05 s of a period and 0.05 s of the way to the base, of 0.3 s.
    config, timeout = VitalConfig(), CommandTimeoutConfig()
    ages_s = (config.max_picture_age_s, config.max_path_age_s, config.max_silence_s)
    assert max(*ages_s, config.max_odometry_age_s, timeout.cmd_vel_timeout_s) <= 0.2


def test_the_time_out_can_not_be_made_longer_than_a_quarter_of_a_second():
    with pytest.raises(ValueError, match='cmd_vel_timeout_s'):
        CommandTimeoutConfig(cmd_vel_timeout_s=0.5)
