"""What is counted of pseudo-labels: right ones, things without one, regions on their own."""

from pathlib import Path

from benchmarks.pseudo_labels import counted
from perception_nodes.evaluation.ground_truth import GroundTruth, coco_content
from perception_nodes.evaluation.matching import Counts

IMAGES = [{'id': 1, 'file_name': 'a.png'}]


def labelled(*boxes: tuple[str, int, bool]) -> GroundTruth:
    """Return one picture with boxes of 10 px: name, left, count neither way."""
    rows = [(1, name, (left, 0, left + 10, 10), crowd) for name, left, crowd in boxes]
    return GroundTruth(coco_content(IMAGES, rows, ['cone', 'box']), Path())


def test_labels_and_regions_are_counted_apart():
    truth = labelled(('cone', 0, False), ('cone', 20, False), ('box', 40, False))
    labels = labelled(('cone', 0, False), ('box', 20, False), ('box', 40, True), ('box', 60, True))
    assert counted(truth, labels, crowd=False) == Counts(hits=1, extra=1, missed=2)
    assert counted(truth, labels, crowd=True) == Counts(hits=1, extra=1, missed=2)


def test_things_nobody_is_asked_for_may_be_found_and_are_never_missed():
    truth = labelled(('cone', 0, True))
    assert counted(truth, labelled(), crowd=False) == Counts()
    assert counted(truth, labelled(('cone', 0, False)), crowd=False) == Counts(hits=1)
