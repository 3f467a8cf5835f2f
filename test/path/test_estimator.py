import numpy as np
import pytest

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import Clothoid, PathConfig, PathEstimator, PathProblem
from perception_nodes.path.corridor import Edges
from perception_nodes.path.evidence import Evidence

LANE, TAPE, PERSON, UNKNOWN = 1, 2, 3, 255
CURVES = {
    'straight': Clothoid(),
    'left of it': Clothoid(lateral_error_m=0.1),
    'turned': Clothoid(heading_error_rad=0.25),
    'left bend': Clothoid(curvature_1_m=1 / 1.5),
    'tight right bend': Clothoid(look_ahead_m=0.6, curvature_1_m=-1 / 0.6),
    'all at once': Clothoid(
        lateral_error_m=-0.08, heading_error_rad=0.15, curvature_1_m=0.5, curvature_rate_1_m2=-0.2
    ),
}


def told(curve, look_ahead_m):
    return curve.moved(PlanarPose(), look_ahead_m)


@pytest.mark.parametrize(
    ('value', 'problem'),
    [(0, PathProblem.NOTHING_SEEN), (UNKNOWN, PathProblem.NOTHING_SEEN), (LANE, None)],
)
def test_picture_of_one_class_shows_no_path(labels, ground, value, problem):
    found = PathEstimator(labels).estimate(np.full((240, 320), value, np.uint8), None, ground)
    assert not found.is_valid
    assert found.confidence == 0
    if problem is not None:
        assert found.problem is problem


@pytest.mark.parametrize('name', CURVES)
@pytest.mark.parametrize('mode', ['region', 'markings'])
def test_painted_lane_is_found_where_it_is(labels, ground, paint, name, mode):
    config = PathConfig(mode=mode)
    found = PathEstimator(labels, config).estimate(paint(CURVES[name]), None, ground)
    truth = told(CURVES[name], config.look_ahead_m)
    assert found.is_valid, found.reason
    assert found.lateral_error_m == pytest.approx(truth.lateral_error_m, abs=0.012)
    assert found.heading_error_rad == pytest.approx(truth.heading_error_rad, abs=0.05)
    assert found.curvature_1_m == pytest.approx(truth.curvature_1_m, abs=0.3)
    if (mode, name) == ('markings', 'left bend'):  # one marking is out of sight
        assert np.isnan(found.width_m)
    else:
        assert found.width_m == pytest.approx(0.5, abs=0.03)
    assert found.confidence > 0.3


@pytest.mark.parametrize('side', ['left', 'right'])
@pytest.mark.parametrize('mode', ['region', 'markings'])
def test_one_edge_is_enough(labels, ground, paint, side, mode):
    mask = paint(Clothoid())
    half = slice(0, 160) if side == 'left' else slice(160, 320)
    mask[:, half] = np.where(np.isin(mask[:, half], (LANE, TAPE)), UNKNOWN, mask[:, half])
    if mode == 'region':
        mask[:, half] = UNKNOWN
    found = PathEstimator(labels, PathConfig(mode=mode)).estimate(mask, None, ground)
    assert found.is_valid, found.reason
    # The hidden side is where the known width puts it.
    assert abs(found.lateral_error_m) < 0.03 + found.lateral_sigma_m
    both = PathEstimator(labels, PathConfig(mode=mode)).estimate(paint(Clothoid()), None, ground)
    assert found.lateral_sigma_m > both.lateral_sigma_m
    assert np.isnan(found.width_m), 'one border shows none'
    assert both.width_m == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize('name', CURVES)
def test_single_line_is_followed_along_its_middle(labels, ground, paint, name):
    mask = paint(CURVES[name], lane_m=0.0)
    config = PathConfig(mode='line', marking_width_m=0.1)
    found = PathEstimator(labels, config).estimate(mask, None, ground)
    truth = told(CURVES[name], config.look_ahead_m)
    assert found.is_valid, found.reason
    assert found.lateral_error_m == pytest.approx(truth.lateral_error_m, abs=0.012)
    assert found.heading_error_rad == pytest.approx(truth.heading_error_rad, abs=0.03)
    assert np.isnan(found.width_m)


def test_person_on_the_path_ends_it_and_bends_it_not(labels, ground, paint):
    mask = paint(Clothoid())
    mask[90:150, 140:200] = PERSON
    found = PathEstimator(labels).estimate(mask, None, ground)
    assert found.is_valid, found.reason
    assert found.lateral_error_m == pytest.approx(0, abs=0.02)
    assert found.heading_error_rad == pytest.approx(0, abs=0.05)


def test_edge_without_its_tape_counts_less_where_the_lane_is_taped(labels, ground, paint):
    mask = paint(Clothoid(lateral_error_m=0.1))
    wrong = mask.copy()
    wrong[150:, :90] = np.where(wrong[150:, :90] == LANE, 0, wrong[150:, :90])
    wrong[150:, :90] = np.where(wrong[150:, :90] == TAPE, 0, wrong[150:, :90])
    found = PathEstimator(labels).estimate(wrong, None, ground)
    assert found.is_valid, found.reason
    assert found.lateral_error_m == pytest.approx(0.1, abs=0.02)
    assert found.heading_error_rad == pytest.approx(0, abs=0.02)
    untaped = np.where(mask == TAPE, 0, mask).astype(np.uint8)
    found = PathEstimator(labels).estimate(untaped, None, ground)
    assert found.lateral_error_m == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize('lateral_m', [0.0, 0.1])
@pytest.mark.parametrize('column', [180, 220, 240])
def test_border_that_the_mask_makes_up_does_not_move_a_taped_lane(
    labels, ground, paint, lateral_m, column
):
    bend = Clothoid(lateral_error_m=lateral_m, look_ahead_m=0.6, curvature_1_m=-1 / 0.5)
    mask = paint(bend)  # the right border is out of sight
    mask[:, column:] = np.where(mask[:, column:] == LANE, 0, mask[:, column:])
    found = PathEstimator(labels).estimate(mask, None, ground)
    assert found.is_valid, found.reason
    assert found.lateral_error_m == pytest.approx(lateral_m, abs=0.01)
    assert found.lateral_sigma_m > 0.01, 'one border alone is less certain than two'


HAIRPIN = Clothoid(
    look_ahead_m=0.6, lateral_error_m=0.28, heading_error_rad=0.88, curvature_1_m=-1 / 0.51
)


def edges_of(curve, sides_m, arcs_m):
    """Return edges beside a curve; each side is (side, metres to the left of the curve)."""
    arcs_m = np.asarray(arcs_m)
    heading = curve.headings(arcs_m)
    points = np.array([curve.point_at(arc) for arc in arcs_m])
    normal = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    offsets = np.array([left_m for _, left_m in sides_m])
    sigma = np.full(len(arcs_m), 0.004)
    return Edges(
        points_xy=points + offsets[:, None] * normal,
        sides=np.array([float(side) for side, _ in sides_m]),
        across_sigma_m=sigma, along_sigma_m=sigma,
    )  # fmt: skip


def test_wrong_edge_in_a_hairpin_does_not_lose_the_lane_that_is_followed(
    labels, ground, paint, monkeypatch
):
    # The right border is out of sight; a speck of the mask, at the left one, passes for it.
    arcs = np.linspace(-0.5, 0.6, 30)
    edges = edges_of(HAIRPIN, [(1, 0.25)] * 28 + [(-1, 0.2)] * 2, arcs)
    monkeypatch.setattr(
        'perception_nodes.path.estimator.region_evidence',
        lambda *_, **__: Evidence(edges=edges, start=HAIRPIN, trust=1.0),
    )
    mask = paint(HAIRPIN)
    alone = PathEstimator(labels).estimate(mask, None, ground)
    assert alone.problem is PathProblem.IMPLAUSIBLE_WIDTH
    found = PathEstimator(labels).estimate(mask, None, ground, expected=HAIRPIN)
    assert found.is_valid, found.reason
    assert found.lateral_error_m == pytest.approx(HAIRPIN.lateral_error_m, abs=0.02)
    assert np.isnan(found.width_m), 'one border shows none'


def test_lane_of_another_width_is_not_taken_for_the_one_that_was_followed(
    labels, ground, paint, monkeypatch
):
    edges = edges_of(HAIRPIN, [(1, 0.08), (-1, -0.08)] * 15, np.linspace(-0.5, 0.6, 30))
    monkeypatch.setattr(
        'perception_nodes.path.estimator.region_evidence',
        lambda *_, **__: Evidence(edges=edges, start=HAIRPIN, trust=1.0),
    )
    found = PathEstimator(labels).estimate(paint(HAIRPIN), None, ground, expected=HAIRPIN)
    assert found.problem is PathProblem.IMPLAUSIBLE_WIDTH


def test_pixels_without_confidence_count_as_unknown(labels, ground, paint):
    mask = paint(Clothoid())
    unsure = np.full(mask.shape, 40, np.uint8)
    assert not PathEstimator(labels).estimate(mask, unsure, ground).is_valid
    sure = np.full(mask.shape, 255, np.uint8)
    medium = np.full(mask.shape, 160, np.uint8)
    confidences = [
        PathEstimator(labels).estimate(mask, picture, ground).confidence
        for picture in (sure, medium)
    ]
    assert confidences[0] > confidences[1] > 0


def test_lane_of_another_width_is_no_path(labels, ground, paint):
    config = PathConfig(lane_width_m=0.9, lane_width_sigma_m=0.05)
    found = PathEstimator(labels, config).estimate(paint(Clothoid()), None, ground)
    assert not found.is_valid


FORK_M = 1.0
FORK = {
    'left': Clothoid(look_ahead_m=FORK_M, curvature_1_m=1 / 0.8),
    'straight': Clothoid(look_ahead_m=FORK_M),
    'right': Clothoid(look_ahead_m=FORK_M, curvature_1_m=-1 / 0.8),
}


@pytest.mark.parametrize('prefer', FORK)
def test_preferred_branch_is_taken(labels, ground, paint, prefer):
    mask = paint(Clothoid(), *FORK.values(), begins_m=(-1.2, 0, 0, 0))
    found = PathEstimator(labels, PathConfig(prefer=prefer)).estimate(mask, None, ground)
    assert found.is_valid, found.reason
    assert found.is_parted
    samples = FORK[prefer].sampled(-1.5, 4.0, 0.05)
    aside = samples.offsets(found.points_xy, samples.nearest(found.points_xy))[1]
    # A clothoid cannot turn from the straight into an arc; it is near in the part that is near.
    assert np.abs(aside[(found.points_xy[:, 0] > 0.8) & (found.arc_m < 1.3)]).max() < 0.12


def test_line_ends_where_visibility_ends(labels, ground, paint):
    mask = paint(Clothoid())
    row = int(ground.to_pixels(np.array([[1.5, 0.0]]))[0, 1])
    mask[:row] = UNKNOWN
    found = PathEstimator(labels).estimate(mask, None, ground)
    assert found.visible_range_m == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    'mask', [np.zeros((10, 10), np.uint8), np.zeros((240, 320), np.int32)], ids=['size', 'type']
)
def test_picture_that_the_camera_cannot_have_taken_is_refused(labels, ground, mask):
    with pytest.raises(ValueError, match=r'\(240, 320\) uint8'):
        PathEstimator(labels).estimate(mask, None, ground)


def test_mask_without_any_class_of_a_path_is_refused_with_the_names():
    with pytest.raises(ValueError, match='car, sky'):
        PathEstimator({0: 'car', 1: 'sky'})
