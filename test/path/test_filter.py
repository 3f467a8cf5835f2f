import numpy as np
import pytest

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import (
    Clothoid,
    FilterConfig,
    PathConfig,
    PathEstimate,
    PathFilter,
    PathProblem,
    PathTracker,
)

SECOND_NS = 1_000_000_000
AHEAD_M = 0.6
COVARIANCE = np.diag([1e-4, 4e-4, 0.01, 0.01])


def seen(path: Clothoid, noise=(0.0, 0.0, 0.0, 0.0), **changes):
    """Return an estimate of a path that is told from the robot."""
    noisy = Clothoid.from_state(path.state + noise, AHEAD_M)
    values = {'confidence': 0.9, 'width_m': 0.5, **changes}
    return PathEstimate.along(noisy, COVARIANCE, (-0.2, 2.0), **values)


def no_path():
    return PathEstimate.invalid(PathProblem.NOTHING_SEEN, look_ahead_m=AHEAD_M)


def drive(path: Clothoid, length_m: float, turn_rad=0.0):
    """Yield stamp and pose, 10 pictures a second and 0.5 m/s, and the path as told from there."""
    pose, step = PlanarPose(), PlanarPose(x_m=0.05, yaw_rad=turn_rad)
    told = path.moved(pose, AHEAD_M)
    for number in range(round(length_m / 0.05)):
        yield number * SECOND_NS // 10, pose, told
        pose, told = pose @ step, told.moved(step, AHEAD_M)


def test_nothing_seen_yet_is_told_as_it_is():
    found = PathFilter().update(no_path(), 0, PlanarPose())
    assert found.problem is PathProblem.NOTHING_SEEN
    assert PathFilter().expected(0, PlanarPose()) is None


def test_noise_is_smoothed_along_the_motion():
    path, rng = Clothoid(lateral_error_m=0.1, curvature_1_m=0.5), np.random.default_rng(1)
    smooth, raw, errors = PathFilter(), [], []
    for stamp_ns, pose, here in drive(path, 3.0, turn_rad=0.025):
        noise = rng.normal(0, np.sqrt(np.diag(COVARIANCE)))
        told = smooth.update(seen(here, noise), stamp_ns, pose)
        raw.append(noise)
        errors.append(told.state - here.state)
    before, after = (np.sqrt(np.mean(np.square(part[10:]), axis=0)) for part in (raw, errors))
    assert (after[:2] < 0.7 * before[:2]).all()


def test_gap_is_bridged_in_time_then_the_path_is_lost():
    path, smooth = Clothoid(curvature_1_m=0.3), PathFilter(FilterConfig(max_age_s=0.5))
    confidences, problems = [], []
    for number, (stamp_ns, pose, here) in enumerate(drive(path, 1.0)):
        shown = seen(here) if number < 5 else no_path()
        told = smooth.update(shown, stamp_ns, pose)
        confidences.append(told.confidence)
        problems.append(told.problem)
        if told.is_valid:
            assert told.lateral_error_m == pytest.approx(here.lateral_error_m, abs=1e-3)
    assert problems[:10] == [None] * 10
    assert problems[10:] == [PathProblem.NOTHING_SEEN] * 10
    falls = np.diff(confidences[4:10])
    assert falls[0] < 0
    assert (falls <= 0).all()


def test_one_outlier_changes_nothing_many_are_believed():
    other, told = Clothoid(look_ahead_m=AHEAD_M, lateral_error_m=0.4), []
    smooth = PathFilter(FilterConfig(outliers_to_restart=3))
    for number, (stamp_ns, pose, here) in enumerate(drive(Clothoid(), 0.6)):
        shown = other if number == 4 or number >= 7 else here
        told.append(smooth.update(seen(shown), stamp_ns, pose).lateral_error_m)
    assert told[4] == pytest.approx(0, abs=0.01)
    assert told[8] == pytest.approx(0, abs=0.01)
    assert told[9] == pytest.approx(0.4, abs=0.01)


def test_pictures_that_each_show_another_path_earn_no_trust():
    smooth, rng, confidences = PathFilter(), np.random.default_rng(6), []
    for number, (stamp_ns, pose, here) in enumerate(drive(Clothoid(), 3.0)):
        is_chance = 10 <= number < 35
        noise = (rng.normal(0, 0.2), rng.normal(0, 0.5), 0, 0) if is_chance else (0, 0, 0, 0)
        confidences.append(smooth.update(seen(here, noise), stamp_ns, pose).confidence)
    assert confidences[9] == pytest.approx(0.9, abs=0.01)
    assert max(confidences[20:35]) < 0.2
    assert confidences[-1] == pytest.approx(0.9, abs=0.01)


def test_trust_is_not_earned_anew_by_forgetting_the_path():
    smooth = PathFilter(FilterConfig(max_age_s=0.2))
    for number, (stamp_ns, pose, here) in enumerate(drive(Clothoid(), 1.0)):
        told = smooth.update(seen(here) if number in (0, 9) else no_path(), stamp_ns, pose)
        if number == 9:
            assert told.is_valid
            assert told.confidence == 0


@pytest.mark.parametrize('pause_s', [0.1, 3.0])
def test_path_that_does_not_go_on_from_where_it_led_is_none(pause_s):
    smooth = PathFilter(usual_width_m=0.5)
    for stamp_ns, pose, here in drive(Clothoid(), 1.0):
        smooth.update(seen(here), stamp_ns, pose)
    other = Clothoid(look_ahead_m=AHEAD_M, lateral_error_m=0.3)  # sure of itself, again and again
    for number in range(30):
        stamp_ns += round((pause_s if number == 0 else 0.1) * SECOND_NS)
        told = smooth.update(seen(other), stamp_ns, pose)
    assert told.problem is PathProblem.ELSEWHERE
    for number in range(10):
        told = smooth.update(seen(here), stamp_ns + number * SECOND_NS // 10, pose)
    assert told.lateral_error_m == pytest.approx(here.lateral_error_m, abs=0.01)
    assert told.confidence == pytest.approx(0.9, abs=0.01)


def test_another_path_is_taken_where_the_robot_was_moved_away():
    smooth = PathFilter(usual_width_m=0.5)
    for stamp_ns, pose, here in drive(Clothoid(), 1.0):
        smooth.update(seen(here), stamp_ns, pose)
    stamp_ns, pose = stamp_ns + 5 * SECOND_NS, pose @ PlanarPose(x_m=2.0, y_m=0.4)
    other = Clothoid(look_ahead_m=AHEAD_M, lateral_error_m=0.3)
    assert smooth.update(seen(other), stamp_ns, pose).is_valid


@pytest.mark.parametrize(
    ('seconds', 'moved_m'), [(-60.0, 0.0), (0.1, 30.0)], ids=['clock set back', 'odometry jumped']
)
def test_a_path_that_was_lost_binds_nothing_after_a_jump(seconds, moved_m):
    smooth = PathFilter(usual_width_m=0.5)
    for stamp_ns, pose, here in drive(Clothoid(), 1.0):
        smooth.update(seen(here), stamp_ns + 100 * SECOND_NS, pose)
    stamp_ns += 100 * SECOND_NS
    for _ in range(20):  # lost, and no picture is trusted any more
        stamp_ns += SECOND_NS // 10
        smooth.update(no_path(), stamp_ns, pose)
    pose = pose @ PlanarPose(x_m=moved_m)
    other = Clothoid(look_ahead_m=AHEAD_M, lateral_error_m=0.3)
    told = smooth.update(seen(other), stamp_ns + round(seconds * SECOND_NS), pose)
    assert told.is_valid
    assert told.confidence == pytest.approx(0.9, abs=0.01)


def test_limits_of_agreement_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match=r'0\.8 must be below full_agreement: 0\.75'):
        FilterConfig(min_agreement=0.8)


@pytest.mark.parametrize(
    ('stamp_ns', 'pose', 'words'),
    [
        (-5 * SECOND_NS, PlanarPose(), 'the clock was set back'),
        (SECOND_NS // 10, PlanarPose(x_m=30.0), 'odometry jumped'),
        (9 * SECOND_NS, PlanarPose(), 'nothing was seen for long'),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_known_is_forgotten_when(stamp_ns, pose, words):
    smooth = PathFilter()
    smooth.update(seen(Clothoid(lateral_error_m=0.2)), 0, PlanarPose())
    told = smooth.update(no_path(), stamp_ns, pose)
    assert not told.is_valid, words


def test_late_picture_changes_nothing():
    smooth, pose = PathFilter(), PlanarPose()
    first = smooth.update(seen(Clothoid()), SECOND_NS, pose)
    late = smooth.update(seen(Clothoid(lateral_error_m=0.05)), SECOND_NS // 2, pose)
    assert late.lateral_error_m == first.lateral_error_m


def test_line_goes_on_under_the_robot_where_no_camera_sees():
    path, smooth = Clothoid(lateral_error_m=0.05, curvature_1_m=0.6), PathFilter()
    for stamp_ns, pose, here in drive(path, 2.0, turn_rad=0.03):
        shown = PathEstimate.along(here, COVARIANCE, (0.0, 1.5), confidence=0.9)
        told = smooth.update(shown, stamp_ns, pose)
    assert told.points_xy[:, 0].min() < 0
    samples = here.moved(PlanarPose(), 0.0).sampled(-1.0, 2.0, 0.02)
    away = samples.offsets(told.points_xy, samples.nearest(told.points_xy))[1]
    assert np.abs(away).max() < 0.01


def test_width_is_the_running_mean_and_begins_at_the_usual_one():
    smooth = PathFilter(usual_width_m=0.5)
    assert smooth.width_m == 0.5
    smooth.update(seen(Clothoid(), width_m=0.4), 0, PlanarPose())
    assert 0.48 < smooth.width_m < 0.5


FORK_M, RADIUS_M = 1.5, 1.2
BRANCHES = {
    name: Clothoid(look_ahead_m=FORK_M, curvature_1_m=bend / RADIUS_M)
    for name, bend in (('left', 1), ('straight', 0), ('right', -1))
}


@pytest.mark.parametrize('prefer', BRANCHES)
def test_branch_is_kept_until_the_fork_lies_behind(labels, ground, paint, prefer):
    tracker, branch = PathTracker(labels, PathConfig(prefer=prefer)), BRANCHES[prefer]
    for number in range(36):
        arc_m = 0.06 * number - FORK_M
        pose = PlanarPose(x_m=FORK_M + arc_m)
        if arc_m > 0:
            x_m, y_m = branch.point_at(arc_m)
            heading = float(branch.headings(np.array(arc_m)))
            pose = PlanarPose(x_m=float(x_m), y_m=float(y_m), yaw_rad=heading)
        curves = [curve.moved(pose, 0.0) for curve in (Clothoid(), *BRANCHES.values())]
        begins = [curve.advanced(pose, 0.0)[1] for curve in BRANCHES.values()]
        mask = paint(*curves, begins_m=(-1.2, *(-begin for begin in begins)))
        told = tracker.update(mask, None, ground, number * SECOND_NS // 8, pose)
        assert told.is_valid, f'{arc_m}: {told.reason}'
        if arc_m > 0.1:
            truth = branch.moved(pose, AHEAD_M)
            assert told.lateral_error_m == pytest.approx(truth.lateral_error_m, abs=0.03), arc_m


def test_settings_count_from_the_next_picture_and_reset_forgets(labels, ground, paint):
    tracker, mask = PathTracker(labels), paint(Clothoid())
    assert tracker.update(mask, None, ground, 0, PlanarPose()).is_valid
    tracker.configure(PathConfig(max_heading_sigma_rad=0.001))
    tracker.reset()
    assert tracker.latest is None
    told = tracker.update(mask, None, ground, SECOND_NS // 10, PlanarPose())
    assert told.problem is PathProblem.TOO_UNCERTAIN
    assert tracker.config.max_heading_sigma_rad == 0.001
