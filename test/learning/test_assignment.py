import torch

from perception_nodes.learning.assignment import assign, boxes_from_ltrb, inside
from perception_nodes.learning.models.detector import locations

PLACES = locations((64, 64))
NO_LOGITS = torch.full((len(PLACES), 2), -4.0)


def wide(half_px: float) -> torch.Tensor:
    """Return predictions that reach equally far to all sides of every place."""
    return boxes_from_ltrb(PLACES, torch.full((len(PLACES), 4), half_px))


def run(true_boxes: list, class_ids: list, ignored: list, half_px: float = 8.0):
    return assign(
        PLACES,
        NO_LOGITS,
        wide(half_px),
        torch.tensor(true_boxes, dtype=torch.float32).reshape(-1, 4),
        torch.tensor(class_ids, dtype=torch.int64),
        torch.tensor(ignored, dtype=torch.bool),
    )


def test_locations_are_cell_centres_level_by_level_row_by_row():
    assert len(PLACES) == 64 + 16 + 4
    assert PLACES[0].tolist() == [4.0, 4.0, 8.0]
    assert PLACES[1].tolist() == [12.0, 4.0, 8.0]
    assert PLACES[64].tolist() == [8.0, 8.0, 16.0]
    assert PLACES[-1].tolist() == [48.0, 48.0, 32.0]


def test_picture_without_objects_is_all_background():
    result = run([], [], [])
    assert (result.object_index == -1).all()
    assert result.counted.all()


def test_object_gets_the_location_whose_prediction_overlaps_it_most():
    result = run([[12, 12, 28, 28]], [1], [False])
    chosen = PLACES[result.object_index == 0]
    assert [20.0, 20.0, 8.0] in chosen.tolist()
    assert inside(chosen, torch.tensor([[12.0, 12.0, 28.0, 28.0]])).all()


def test_every_object_of_a_crowd_gets_a_location():
    boxes = [[0, 0, 16, 16], [16, 0, 32, 16], [32, 32, 48, 48], [40, 8, 56, 24]]
    result = run(boxes, [0, 1, 0, 1], [False] * 4)
    assert set(result.object_index.tolist()) == {-1, 0, 1, 2, 3}


def test_object_between_two_grid_points_still_gets_a_location():
    result = run([[5, 5, 13, 13]], [0], [False])
    assert (result.object_index == 0).any()


def test_nested_objects_do_not_share_a_location():
    result = run([[0, 0, 64, 64], [28, 28, 44, 44]], [0, 1], [False, False], half_px=16.0)
    assert {0, 1} <= set(result.object_index.tolist())


def test_ignored_region_is_neither_object_nor_background():
    region = torch.tensor([[16.0, 16.0, 48.0, 48.0]])
    result = run(region.tolist(), [0], [True])
    within = inside(PLACES, region)[:, 0]
    assert (result.object_index == -1).all()
    assert not result.counted[within].any()
    assert result.counted[~within].all()


def test_object_within_an_ignored_region_is_learnt():
    result = run([[0, 0, 64, 64], [12, 12, 28, 28]], [0, 1], [True, False])
    assert (result.object_index == 1).any()
    assert (result.object_index != 0).all()
    assert result.counted[result.object_index == 1].all()


def test_wild_predictions_do_not_break_the_assignment():
    boxes = wide(8.0)
    boxes[3] = torch.nan
    target = torch.tensor([[12.0, 12.0, 28.0, 28.0]])
    result = assign(
        PLACES, NO_LOGITS, boxes, target, torch.tensor([0]), torch.zeros(1, dtype=torch.bool)
    )
    assert (result.object_index == 0).any()
