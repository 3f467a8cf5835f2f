import functools

import numpy as np
import pytest

from perception_nodes.geometry import RigidTransform
from perception_nodes.mapping import (
    UNKNOWN,
    GridConfig,
    MapEvent,
    MotionConfig,
    Observation,
    PlanarPose,
    SemanticMap,
    UpdateStatus,
)
from perception_nodes.mapping.layers import NumpyLayers
from perception_nodes.mapping.torch_layers import TorchLayers

FLOOR, LANE, PERSON, BOX = 0, 1, 3, 5
FRAME_NS = 100_000_000
SMALL = GridConfig(size_cells=60)
HERE = PlanarPose().matrix
NOTHING = Observation.empty()


@pytest.fixture(params=['numpy', 'torch'])
def grid(request):
    if request.param == 'numpy':
        return SemanticMap(config=SMALL, make_layers=NumpyLayers)
    return SemanticMap(config=SMALL, make_layers=functools.partial(TorchLayers, device='cpu'))


def feed(grid, observation, frames=1, begin=0, pose=HERE):
    """Fuse the same look again and again, ten times a second; return the next frame number."""
    for number in range(begin, begin + frames):
        result = grid.update(observation, pose, number * FRAME_NS)
        assert result.status is UpdateStatus.FUSED, result
    return begin + frames


def value_at(grid, array, x_m, y_m):
    """Return the value of the cell that holds a place of odom."""
    left, low = grid.origin_xy
    cell_m = grid.config.resolution_m
    return array[int(np.floor((y_m - low) / cell_m)), int(np.floor((x_m - left) / cell_m))]


def cost_at(grid, x_m, y_m):
    return int(value_at(grid, grid.occupancy(), x_m, y_m))


def test_new_map_is_unknown_everywhere(grid):
    ids, confidence = grid.classes()
    assert (grid.occupancy() == -1).all()
    assert (ids == UNKNOWN).all()
    assert (confidence == 0).all()
    assert grid.obstacle_points().shape == (0, 3)


def test_empty_frame_leaves_everything_unknown(grid):
    feed(grid, NOTHING, 3)
    assert (grid.occupancy() == -1).all()


def test_what_is_seen_is_known_and_the_rest_is_unknown_not_free(grid, look):
    feed(grid, look(0.62, 0.02, LANE))
    occupancy = grid.occupancy()
    assert occupancy.dtype == np.int8
    assert value_at(grid, occupancy, 0.62, 0.02) == 0
    assert (occupancy >= 0).sum() == 1


def test_costs_are_graded_by_class(grid, look):
    for number, (class_id, x_m) in enumerate([(FLOOR, 0.3), (LANE, 0.5), (BOX, 0.7)]):
        feed(grid, look(x_m + 0.02, 0.02, class_id), 1, number)
    costs = [cost_at(grid, x_m, 0.02) for x_m in (0.32, 0.52, 0.72)]
    assert costs == [10, 0, 100]


def test_weak_look_alone_is_not_enough_but_several_are(grid, look):
    faint = look(0.62, 0.02, BOX, weight=0.2)
    begin = feed(grid, faint)
    assert cost_at(grid, 0.62, 0.02) == -1
    feed(grid, faint, 4, begin)
    assert cost_at(grid, 0.62, 0.02) == 100


def test_thing_that_was_taken_away_is_replaced_by_the_floor_seen_there(grid, look):
    begin = feed(grid, look(0.62, 0.02, BOX), 30)
    assert cost_at(grid, 0.62, 0.02) == 100
    feed(grid, look(0.62, 0.02, FLOOR), 12, begin)
    assert cost_at(grid, 0.62, 0.02) == 10


def test_evidence_is_clamped(grid, look):
    feed(grid, look(0.62, 0.02, BOX), 50)
    assert grid.log_odds().max() <= SMALL.highest
    assert grid.log_odds().min() >= SMALL.lowest


def test_confidence_is_the_probability_of_the_class(grid, look):
    feed(grid, look(0.62, 0.02, BOX), 50)
    ids, confidence = grid.classes()
    assert value_at(grid, ids, 0.62, 0.02) == BOX
    assert value_at(grid, confidence, 0.62, 0.02) == round(255 / (1 + np.exp(-3.5)))


def test_obstacle_points_are_the_middles_of_standing_cells_in_odom(grid, look):
    pose = PlanarPose(x_m=10.0, y_m=-4.0, yaw_rad=np.pi / 2).matrix
    feed(grid, look(1.02, 0.02, BOX), 1, pose=pose)
    assert np.allclose(grid.obstacle_points(0.2), [[9.975, -2.975, 0.2]], atol=1e-4)


def test_unseen_knowledge_fades_to_unknown_with_the_half_life_of_its_class(grid, look):
    begin = feed(grid, look(0.62, 0.02, FLOOR), 20)
    stamp_ns = (begin - 1) * FRAME_NS
    before = grid.log_odds().max()
    grid.advance(stamp_ns + 60_000_000_000)
    assert grid.log_odds().max() == pytest.approx(before / 2, rel=1e-3)
    assert cost_at(grid, 0.62, 0.02) == 10
    grid.advance(stamp_ns + 240_000_000_000)
    assert cost_at(grid, 0.62, 0.02) == -1


def test_fading_does_not_depend_on_the_frame_rate(look):
    found = []
    for frames in (4, 40):
        grid = SemanticMap(config=SMALL)
        grid.update(look(0.62, 0.02, FLOOR), HERE, 0)
        for number in range(1, frames + 1):
            grid.update(NOTHING, HERE, number * 8_000_000_000 // frames)
        found.append(grid.log_odds().max())
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_evidence_that_fades_for_ever_ends_at_zero_not_in_denormal_numbers(grid, look):
    feed(grid, look(0.62, 0.02, PERSON), 3)
    grid.advance(200_000_000_000)
    assert (grid.log_odds() == 0).all()


def test_earlier_time_does_not_change_the_map(grid, look):
    feed(grid, look(0.62, 0.02, FLOOR), 5)
    before = grid.log_odds()
    grid.advance(0)
    assert np.array_equal(grid.log_odds(), before)


@pytest.mark.parametrize('weight', [0.05, 0.3, 1.0])
@pytest.mark.parametrize('rate_hz', [2, 10, 30])
def test_person_who_walked_away_is_gone_within_a_second_of_free_floor(grid, look, weight, rate_hz):
    step_ns = 1_000_000_000 // rate_hz
    for number in range(60):
        grid.update(look(0.62, 0.02, PERSON), HERE, number * step_ns)
    assert cost_at(grid, 0.62, 0.02) == 100
    first_free = 60
    for number in range(first_free, first_free + rate_hz):
        grid.update(look(0.62, 0.02, FLOOR, weight=weight), HERE, number * step_ns)
    ids, _ = grid.classes()
    assert value_at(grid, ids, 0.62, 0.02) in (FLOOR, UNKNOWN)


def test_person_hidden_from_view_is_remembered_for_a_moment_only(grid, look):
    begin = feed(grid, look(0.62, 0.02, PERSON), 10)
    begin = feed(grid, NOTHING, 10, begin)
    assert cost_at(grid, 0.62, 0.02) == 100
    feed(grid, NOTHING, 60, begin)
    assert cost_at(grid, 0.62, 0.02) == -1


def test_person_on_the_lane_does_not_erase_the_lane(grid, look):
    begin = feed(grid, look(0.62, 0.02, LANE), 10)
    begin = feed(grid, look(0.62, 0.02, PERSON), 30, begin)
    assert cost_at(grid, 0.62, 0.02) == 100
    feed(grid, NOTHING, 80, begin)
    assert cost_at(grid, 0.62, 0.02) == 0


def test_knowledge_stays_in_place_while_the_robot_drives_and_turns(grid, look):
    feed(grid, look(0.62, 0.02, BOX), 3)
    pose = PlanarPose()
    for number in range(3, 40):
        pose = pose @ PlanarPose(x_m=0.021, yaw_rad=0.01)
        feed(grid, NOTHING, 1, number, pose.matrix)
    assert cost_at(grid, 0.62, 0.02) == 100
    assert (grid.occupancy() >= 0).sum() == 1


def test_robot_stays_in_the_middle_of_a_rolling_window(grid):
    for number in range(50):
        feed(grid, NOTHING, 1, number, PlanarPose(x_m=0.13 * number, y_m=-0.07 * number).matrix)
    left, low = grid.origin_xy
    assert 0.13 * 49 - left == pytest.approx(1.5, abs=0.051)
    assert -0.07 * 49 - low == pytest.approx(1.5, abs=0.051)


def test_what_leaves_the_window_is_forgotten(grid, look):
    feed(grid, look(0.62, 0.02, BOX), 3)
    poses = [*range(3, 30), *range(28, 2, -1)]
    for number, place in enumerate(poses, start=3):
        feed(grid, NOTHING, 1, number, PlanarPose(x_m=0.1 * (place - 3)).matrix)
    assert (grid.occupancy() >= 0).sum() == 0


def test_window_that_does_not_roll_stays_where_it_began_when_the_map_is_forgotten(look):
    grid = SemanticMap(config=GridConfig(size_cells=60, rolling=False))
    feed(grid, look(1.0, 0.0, BOX), 3)
    origin_xy = grid.origin_xy
    grid.reset()
    feed(grid, look(0.22, 0.02, BOX), 3, pose=PlanarPose(x_m=0.6).matrix)
    assert grid.origin_xy == origin_xy
    assert cost_at(grid, 0.82, 0.02) == 100
    assert cost_at(grid, 1.0, 0.0) == -1


def test_robot_that_leaves_a_window_that_does_not_roll_is_told_so(look):
    grid = SemanticMap(config=GridConfig(size_cells=60, rolling=False))
    number = feed(grid, look(1.0, 0.0, BOX), 3)
    before = grid.log_odds()
    result = grid.update(
        look(1.0, 0.0, FLOOR), PlanarPose(x_m=1.6).matrix, (number + 9) * FRAME_NS
    )
    assert result.status is UpdateStatus.OUTSIDE_WINDOW
    assert 'size_cells' in result.reason
    assert np.array_equal(grid.log_odds(), before)
    feed(grid, look(1.0, 0.0, BOX), 1, number + 20)


def test_window_that_does_not_roll_stays_and_ignores_what_is_outside(look):
    grid = SemanticMap(config=GridConfig(size_cells=60, rolling=False))
    feed(grid, look(0.62, 0.02, BOX), 3)
    origin = grid.origin_xy
    for number in range(3, 17):
        feed(grid, look(0.62, 0.02, BOX), 1, number, PlanarPose(x_m=0.1 * (number - 2)).matrix)
    assert grid.origin_xy == origin
    assert cost_at(grid, 0.62, 0.02) == 100
    assert grid.obstacle_points()[:, 0].max() < 1.5


def test_looks_outside_the_window_are_ignored(grid, look):
    result = grid.update(look(30.0, 0.0, BOX), HERE, 0)
    assert (result.status, result.cells) == (UpdateStatus.FUSED, 0)


def test_both_homes_of_the_evidence_agree(lookup, view):
    rng = np.random.default_rng(2)
    grids = [
        SemanticMap(config=SMALL),
        SemanticMap(config=SMALL, make_layers=functools.partial(TorchLayers, device='cpu')),
    ]
    observer, pose = grids[0].observer(), PlanarPose()
    for number in range(8):
        blocks = rng.choice([0, 1, 2, 3, 5, 8, 255], (24, 32), p=[0.4, 0.3] + [0.06] * 5)
        mask = np.kron(blocks, np.ones((20, 20))).astype(np.uint8)
        confidence = rng.integers(0, 256, (480, 640)).astype(np.uint8)
        seen = observer.observe(mask, confidence, view)
        results = [grid.update(seen, pose.matrix, number * FRAME_NS) for grid in grids]
        assert results[0] == results[1]
        pose = pose @ PlanarPose(x_m=0.04, yaw_rad=0.05)
    values = [grid.log_odds() for grid in grids]
    assert np.abs(values[0]).max() > 0.5
    assert np.allclose(values[0], values[1], atol=2e-3)
    assert np.mean(grids[0].occupancy() != grids[1].occupancy()) < 0.002


class TestRefusals:
    """A frame that cannot be placed leaves the map as it was, and is counted."""

    @pytest.fixture
    def known(self, look):
        grid = SemanticMap(config=SMALL)
        feed(grid, look(0.62, 0.02, BOX), 5)
        return grid

    def refused(self, grid, status, *arguments):
        before, origin = grid.log_odds(), grid.origin_xy
        result = grid.update(*arguments)
        assert result.status is status
        assert result.reason
        assert np.array_equal(grid.log_odds(), before)
        assert grid.origin_xy == origin
        assert grid.counts.updates[status] >= 1

    def test_missing_transform(self, known, look):
        self.refused(known, UpdateStatus.TRANSFORM_MISSING, look(0.3, 0, BOX), None, 6 * FRAME_NS)

    def test_transform_of_another_time(self, known, look):
        self.refused(
            known, UpdateStatus.TRANSFORM_LATE, look(0.3, 0, BOX), HERE, 6 * FRAME_NS, 4 * FRAME_NS
        )

    @pytest.mark.parametrize(
        'matrix',
        [
            np.full((4, 4), np.nan),
            np.diag([1.0, 1, -1, 1]),
            np.diag([2.0, 2, 2, 1]),
            np.eye(3),
            RigidTransform.from_rpy(roll_rad=1.5),
        ],
        ids=['NaN', 'mirrored', 'scaled', 'wrong shape', 'lying on its side'],
    )
    def test_wrong_transform(self, known, look, matrix):
        self.refused(known, UpdateStatus.TRANSFORM_WRONG, look(0.3, 0, BOX), matrix, 6 * FRAME_NS)

    @pytest.mark.parametrize('stamp', [4, 2], ids=['same stamp twice', 'older frame'])
    def test_late_frame(self, known, look, stamp):
        self.refused(known, UpdateStatus.FRAME_LATE, look(0.3, 0, BOX), HERE, stamp * FRAME_NS)

    @pytest.mark.parametrize(
        'pose',
        [PlanarPose(x_m=2.0), PlanarPose(yaw_rad=2.0), PlanarPose(x_m=-0.6)],
        ids=['leap', 'spin', 'leap back'],
    )
    def test_single_glitch_of_odometry(self, known, look, pose):
        self.refused(
            known, UpdateStatus.ODOMETRY_JUMP, look(0.3, 0, BOX), pose.matrix, 5 * FRAME_NS
        )
        assert feed(known, NOTHING, 1, 6) == 7

    def test_rigid_transform_of_the_geometry_is_accepted(self, known):
        transform = RigidTransform.from_rpy(yaw_rad=0.1, translation_xyz=(0.1, 0, 0))
        result = known.update(NOTHING, transform, 5 * FRAME_NS)
        assert result.status is UpdateStatus.FUSED


class TestJumps:
    """Odometry that has moved for good."""

    LEAP = PlanarPose(x_m=20.0, y_m=5.0, yaw_rad=np.pi / 2)

    def drive(self, grid, look):
        """See a box while driving, leap, and drive on; return the results after the leap."""
        step, pose = PlanarPose(x_m=0.03), PlanarPose()
        for number in range(10):
            grid.update(look(1.02 - 0.03 * number, 0.02, BOX), pose.matrix, number * FRAME_NS)
            pose = pose @ step
        results = []
        for number in range(10, 15):
            results.append(grid.update(NOTHING, (self.LEAP @ pose).matrix, number * FRAME_NS))
            pose = pose @ step
        return results

    def test_jump_is_refused_until_it_is_confirmed(self, look):
        results = self.drive(SemanticMap(config=SMALL), look)
        assert [item.status for item in results] == (
            [UpdateStatus.ODOMETRY_JUMP] * 2 + [UpdateStatus.FUSED] * 3
        )
        assert [item.event for item in results][2:] == ([MapEvent.RESET] + [MapEvent.NONE] * 2)

    def test_confirmed_jump_forgets_the_map(self, look):
        grid = SemanticMap(config=SMALL)
        self.drive(grid, look)
        assert (grid.occupancy() == -1).all()
        assert grid.counts.events[MapEvent.RESET] == 1

    def test_confirmed_jump_carries_the_map_along_when_asked_to(self, look):
        grid = SemanticMap(config=GridConfig(size_cells=60, on_jump='reanchor'))
        results = self.drive(grid, look)
        assert results[2].event is MapEvent.REANCHORED
        box = (self.LEAP @ PlanarPose(x_m=1.02, y_m=0.02)).matrix[:2, 3]
        points = grid.obstacle_points()
        assert len(points) > 0
        assert np.hypot(*(points[:, :2] - box).T).max() <= 0.05 * np.sqrt(2)

    def test_two_sources_of_odometry_that_quarrel_never_reset_the_map(self, look):
        grid = SemanticMap(config=SMALL)
        feed(grid, look(0.62, 0.02, BOX), 5)
        for number in range(5, 25):
            pose = HERE if number % 2 else self.LEAP.matrix
            grid.update(NOTHING, pose, number * FRAME_NS)
        assert cost_at(grid, 0.62, 0.02) == 100
        assert grid.counts.updates[UpdateStatus.ODOMETRY_JUMP] == 10
        assert grid.counts.events[MapEvent.RESET] == 0

    def test_clock_that_begins_again_resets_the_map_after_confirmation(self, look):
        grid = SemanticMap(config=SMALL)
        feed(grid, look(0.62, 0.02, BOX), 5, begin=1000)
        results = [grid.update(NOTHING, HERE, number * FRAME_NS) for number in range(4)]
        assert [item.status for item in results] == (
            [UpdateStatus.FRAME_LATE] * 2 + [UpdateStatus.FUSED] * 2
        )
        assert results[2].event is MapEvent.RESET
        assert (grid.occupancy() == -1).all()

    def test_long_pause_is_no_jump(self, look):
        grid = SemanticMap(config=SMALL, motion=MotionConfig(max_speed_m_s=1.0))
        feed(grid, look(0.62, 0.02, BOX), 5)
        result = grid.update(NOTHING, PlanarPose(x_m=0.4).matrix, 10 * FRAME_NS)
        assert result.status is UpdateStatus.FUSED


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'size_cells': 3}, 'size_cells'),
        ({'resolution_m': 0.0}, 'resolution_m'),
        ({'on_jump': 'panic'}, 'reset, reanchor'),
        ({'known': 2.0}, 'known: 2.0 must be below'),
    ],
)
def test_configuration_outside_its_limits_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GridConfig(**settings)
