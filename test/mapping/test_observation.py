import numpy as np
import pytest

from perception_nodes.geometry import RigidTransform
from perception_nodes.mapping import Observation, ObservationConfig, SemanticMap

FLOOR, LANE, PERSON, BOX, UNKNOWN = 0, 1, 3, 5, 255
SHAPE = (480, 640)


@pytest.fixture
def observer():
    return SemanticMap().observer()


def mask_of(value):
    return np.full(SHAPE, value, np.uint8)


def test_unknown_mask_says_nothing(observer, view):
    seen = observer.observe(mask_of(UNKNOWN), None, view)
    assert len(seen.weights) == len(seen.obstacle_ids) == 0


def test_free_floor_is_seen_up_to_the_range_and_not_above_the_horizon(observer, view):
    seen = observer.observe(mask_of(FLOOR), None, view)
    range_m = np.hypot(*seen.points_xy)
    assert range_m.max() <= 4.0
    assert range_m.max() > 3.8
    assert (seen.class_ids == FLOOR).all()
    assert (seen.points_xy[0] > 0.3).all()


def test_thing_marks_where_it_touches_the_ground_and_hides_what_is_behind(observer, view, lookup):
    mask = mask_of(FLOOR)
    mask[100:330, 300:340] = BOX
    seen = observer.observe(mask, None, view)
    foot = lookup[0][329, 300:340]
    assert (seen.class_ids == BOX).sum() == 40
    assert np.allclose(seen.obstacles_xyz[:, :2], foot, atol=1e-6)
    points = seen.points_xy[:, seen.class_ids == FLOOR]
    bearing = np.abs(np.arctan2(points[1], points[0] - 0.1))
    behind = (bearing < 0.03) & (points[0] > foot[:, 0].max() + 0.01)
    assert not behind.any()
    in_front = (bearing < 0.03) & (points[0] < foot[:, 0].min() - 0.01)
    assert in_front.any()


def test_floor_seen_behind_a_thing_in_the_same_column_stays_unknown(observer, view):
    mask = mask_of(FLOOR)
    mask[300:330] = BOX
    seen = observer.observe(mask, None, view)
    near = seen.points_xy[0][seen.class_ids == BOX]
    assert seen.points_xy[0].max() == near.max()


def test_thing_above_the_horizon_marks_nothing(observer, view):
    mask = mask_of(FLOOR)
    mask[:170] = PERSON
    assert len(observer.observe(mask, None, view).obstacle_ids) == 0


def test_thing_out_of_range_marks_nothing(observer, view):
    mask = mask_of(FLOOR)
    mask[:200] = PERSON  # its foot is 6 m away
    assert len(observer.observe(mask, None, view).obstacle_ids) == 0


def test_low_confidence_weighs_nothing_but_still_hides(observer, view):
    mask, confidence = mask_of(FLOOR), np.full(SHAPE, 255, np.uint8)
    mask[100:330, 300:340] = BOX
    confidence[mask == BOX] = 60
    seen = observer.observe(mask, confidence, view)
    assert seen.weights[seen.class_ids == BOX].max() == 0
    certain = observer.observe(mask, None, view)
    assert (seen.class_ids == FLOOR).sum() == (certain.class_ids == FLOOR).sum()


def test_foot_is_as_sure_as_the_thing_right_above_it(observer, view):
    mask, confidence = mask_of(FLOOR), np.full(SHAPE, 255, np.uint8)
    mask[100:330, 300:340] = BOX
    sure = observer.observe(mask, confidence, view)
    confidence[328:332] = 90  # both sides of the border
    border = observer.observe(mask, confidence, view)
    feet = [seen.weights[seen.class_ids == BOX] for seen in (sure, border)]
    assert np.array_equal(*feet)
    confidence[100:332] = 60
    assert (observer.observe(mask, confidence, view).weights[-40:] == 0).all()


def test_weight_grows_with_confidence(observer, view):
    sums = [
        observer.observe(mask_of(FLOOR), np.full(SHAPE, level, np.uint8), view).weights.sum()
        for level in (77, 128, 200, 255)
    ]
    assert sums == sorted(sums)
    assert sums[0] < 0.01 * sums[-1]


def test_cells_are_seen_completely_while_range_is_certain_and_less_beyond(observer, view):
    seen = observer.observe(mask_of(FLOOR), None, view)
    ahead, aside = np.floor(seen.points_xy / 0.05).astype(int)
    looks = [
        seen.weights[(np.abs(ahead - cell) <= 2) & (aside >= -4) & (aside < 4)].sum() / (5 * 8)
        for cell in (20, 40, 70)
    ]
    # σ of the test camera passes the side of a cell, 5 cm, at 2.9 m.
    assert looks[:2] == pytest.approx([1.0, 1.0], abs=0.1)
    assert 0.5 < looks[2] < 0.85


def test_uncertain_range_takes_weight_away(observer, lookup):
    points_xy, sigma_m = lookup
    sums = []
    for factor in (1, 3):
        view = observer.prepare(points_xy, sigma_m * factor)
        sums.append(observer.observe(mask_of(FLOOR), None, view).weights.sum())
    assert sums[1] < sums[0]


def test_more_uncertain_than_allowed_is_not_seen(observer, lookup):
    view = SemanticMap().observer(ObservationConfig(max_sigma_m=0.02)).prepare(*lookup)
    seen = observer.observe(mask_of(FLOOR), None, view)
    limit = lookup[0][..., 0][lookup[1] <= 0.02].max()
    assert seen.points_xy[0].max() <= limit + 1e-6


def test_camera_that_sees_no_floor_in_range_gives_an_empty_view(observer, lookup):
    view = observer.prepare(np.full_like(lookup[0], np.nan), lookup[1])
    assert len(observer.observe(mask_of(FLOOR), None, view).weights) == 0


def test_labels_of_the_mask_are_resolved_by_name(view):
    observer = SemanticMap().observer(labels={0: 'person', 7: 'floor', 8: 'dragon'})
    mask = mask_of(7)
    mask[:330, 300:340] = 0
    mask[:330, 400:440] = 8
    seen = observer.observe(mask, None, view)
    assert set(seen.class_ids.tolist()) == {FLOOR, PERSON}
    assert (seen.class_ids == PERSON).sum() == 40


@pytest.mark.parametrize(
    ('mask', 'confidence', 'message'),
    [
        (np.zeros((240, 320), np.uint8), None, r'mask must be \(480, 640\) uint8'),
        (np.zeros(SHAPE, np.int32), None, 'int32'),
        (np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.float32), 'confidence must be'),
    ],
)
def test_pictures_that_do_not_belong_together_are_refused(
    observer, view, mask, confidence, message
):
    with pytest.raises(ValueError, match=message):
        observer.observe(mask, confidence, view)


def test_broken_look_up_is_refused(observer, lookup):
    with pytest.raises(ValueError, match='ground look-up'):
        observer.prepare(lookup[0], lookup[1][:-1])


def test_observation_with_arrays_of_different_lengths_is_refused():
    with pytest.raises(ValueError, match='observation needs'):
        Observation(
            points_xy=np.zeros((2, 3)), class_ids=np.zeros(2), weights=np.zeros(3),
            obstacles_xyz=np.zeros((0, 3)), obstacle_ids=np.zeros(0),
        )  # fmt: skip


def test_organised_cloud_is_nan_above_the_horizon_and_behind_contacts(observer, view, lookup):
    mask = mask_of(FLOOR)
    mask[100:330, 300:340] = BOX
    mask[400:410] = UNKNOWN
    floor_xyz = np.zeros((*SHAPE, 3), np.float32)
    floor_xyz[..., :2] = lookup[0]
    cloud = observer.points_for(mask, view, floor_xyz)
    assert cloud.shape == (*SHAPE, 3)
    assert cloud.dtype == np.float32
    assert np.isnan(cloud[: view.first_row]).all()
    assert np.isnan(cloud[:329, 300:340]).all()
    assert np.isnan(cloud[400:410]).all()
    assert np.allclose(cloud[329, 300:340, :2], lookup[0][329, 300:340])
    assert (cloud[329, 300:340, 2] == 0).all()
    assert np.allclose(cloud[450, :, :2], lookup[0][450])


def test_sample_of_the_floor_has_none_of_what_is_hidden(observer, view, lookup):
    mask = mask_of(FLOOR)
    mask[100:330, 296:344] = BOX
    floor = observer.observe(mask, None, view).floor_xyz
    assert floor.dtype == np.float32
    foot = lookup[0][329, 320]
    bearing = np.abs(np.arctan2(floor[:, 1], floor[:, 0] - 0.1))
    assert len(floor) > 500
    assert (floor[:, 2] == 0).all()
    assert floor[bearing < 0.02, 0].max() < foot[0]
    assert floor[bearing > 0.2, 0].max() > 3.0


class TestWithDepth:
    """Every pixel is where its point is."""

    @pytest.fixture
    def observer(self):
        return SemanticMap().observer(ObservationConfig(depth_stride_px=1))

    @pytest.fixture
    def cloud(self):
        """Return 4×4 pixels of floor 1 m ahead, one of them a thing 0.5 m high, one NaN."""
        points = np.zeros((4, 4, 3), np.float32)
        points[..., 0], points[..., 1] = 1.0, np.linspace(0.1, -0.1, 4)
        points[0, 0] = (2.0, 0.3, 0.5)
        points[0, 1] = np.nan
        return points

    def test_standing_pixels_mark_where_their_points_are(self, observer, cloud):
        mask = np.zeros((4, 4), np.uint8)
        mask[0, 0] = PERSON
        seen = observer.observe_points(mask, None, cloud)
        assert np.allclose(seen.obstacles_xyz, [[2.0, 0.3, 0.5]])
        assert (seen.class_ids == FLOOR).sum() == 14

    def test_ground_labels_off_the_floor_are_ignored(self, observer, cloud):
        seen = observer.observe_points(np.zeros((4, 4), np.uint8), None, cloud)
        assert (seen.points_xy[0] < 1.5).all()

    def test_standing_points_above_the_robot_are_ignored(self, cloud):
        observer = SemanticMap().observer(ObservationConfig(max_height_m=0.4, depth_stride_px=1))
        mask = np.full((4, 4), BOX, np.uint8)
        cloud[1:, :, 2] = 0.1
        assert len(observer.observe_points(mask, None, cloud).obstacle_ids) == 12

    def test_border_of_a_mask_that_lies_on_the_floor_says_nothing(self, observer, cloud):
        mask = np.full((4, 4), BOX, np.uint8)
        cloud[2, :, 2] = 0.1
        seen = observer.observe_points(mask, None, cloud)
        assert (seen.class_ids == BOX).all()
        assert len(seen.class_ids) == 5, 'neither floor nor thing but where something stands up'

    def test_floor_behind_a_thing_counts_when_depth_shows_it(self, observer, cloud):
        mask = np.zeros((4, 4), np.uint8)
        mask[2] = BOX
        seen = observer.observe_points(mask, None, cloud)
        assert (seen.class_ids == FLOOR).sum() == 10

    def test_uncertain_depth_weighs_less(self, observer, cloud):
        mask = np.zeros((4, 4), np.uint8)
        sharp = observer.observe_points(mask, None, cloud, np.full((4, 4), 0.01))
        blunt = observer.observe_points(mask, None, cloud, np.full((4, 4), 0.2))
        assert blunt.weights.sum() == pytest.approx(sharp.weights.sum() / 4)

    def test_thinned_pixels_speak_for_their_neighbours(self, observer, cloud):
        mask, cloud[:] = np.zeros((4, 4), np.uint8), cloud[3, 3]
        thin = SemanticMap().observer(ObservationConfig(depth_stride_px=2))
        every, some = (o.observe_points(mask, None, cloud) for o in (observer, thin))
        assert (len(every.weights), len(some.weights)) == (16, 4)
        assert some.weights.sum() == pytest.approx(every.weights.sum())

    def test_cloud_in_another_frame_is_brought_into_base_link(self, observer, cloud):
        mount = RigidTransform.from_rpy(yaw_rad=0.3, translation_xyz=(0.1, 0.2, 0.3))
        mask = np.zeros((4, 4), np.uint8)
        mask[0, 0] = PERSON
        away = mount.inverse().apply(cloud).astype(np.float32)
        seen = observer.observe_points(mask, None, away, base_from_points=mount)
        assert np.allclose(seen.obstacles_xyz, [[2.0, 0.3, 0.5]], atol=1e-6)


def test_samples_of_ground_weigh_as_much_as_all_pixels_of_the_same_floor(observer, projection):
    """Twice the pixels say no more about a cell."""
    totals = []
    for size_wh in ((320, 240), (640, 480), (1280, 960)):
        view = observer.prepare(*projection(size_wh).lookup())
        seen = observer.observe(np.zeros(size_wh[::-1], np.uint8), None, view)
        x_m, y_m = seen.points_xy
        cell = (x_m > 0.8) & (x_m < 1.2) & (np.abs(y_m) < 0.2)
        totals.append(seen.weights[cell].sum())
    assert np.allclose(totals, 64, rtol=0.06), '8 by 8 cells, each seen completely'
