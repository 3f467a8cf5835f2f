"""The figures of masks against counting by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.evaluation.segmentation import (
    BINS,
    SegmentationMeter,
    number_table,
    wrong_share,
)
from perception_nodes.structures import SegmentationMask

CLASSES = ('a', 'b', 'c')


def measured(*pairs, classes=CLASSES):
    """Return the figures of (truth, found, confidence) rows."""
    meter = SegmentationMeter(classes)
    for truth, found, *confidence in pairs:
        level = np.array([confidence[0]], np.uint8) if confidence else None
        mask = SegmentationMask(np.array([found], np.uint8), level)
        meter.add(np.array([truth], np.uint8), mask)
    return meter.metrics()


def test_nothing_added_gives_no_figures():
    figures = measured()
    assert np.isnan([figures.mean_iou, figures.pixel_accuracy, figures.calibration_error]).all()
    assert (figures.pictures, figures.pixels) == (0, 0)


def test_perfect_mask_has_an_iou_of_one_and_absent_classes_do_not_count():
    figures = measured(([0, 0, 1], [0, 0, 1]))
    assert figures.mean_iou == figures.pixel_accuracy == 1.0
    assert np.isnan(figures.by_class['c'].iou)


def test_figures_are_of_the_whole_set_not_means_of_pictures():
    figures = measured(([0, 0, 0, 1], [0, 0, 1, 1]), ([1, 1, 1, 1], [1, 1, 1, 0]))
    # a: 2 right, 3 labelled, 3 called; b: 4 right, 5 labelled, 5 called
    assert figures.by_class['a'].iou == pytest.approx(2 / 4)
    assert figures.by_class['b'].iou == pytest.approx(4 / 6)
    assert figures.mean_iou == pytest.approx((2 / 4 + 4 / 6) / 2)
    assert figures.by_class['a'].precision == figures.by_class['a'].recall == pytest.approx(2 / 3)
    assert figures.pixel_accuracy == pytest.approx(6 / 8)
    assert figures.mean_accuracy == pytest.approx((2 / 3 + 4 / 5) / 2)


@pytest.mark.parametrize(
    ('truth', 'found', 'iou_a', 'accuracy'),
    [
        ([255, 255, 0], [0, 1, 0], 1.0, 1.0),
        ([0, 0, 0], [0, 255, 255], 1 / 3, 1 / 3),
        ([0, 0, 1], [0, 0, 2], 1.0, 2 / 3),
        ([0, 1, 1], [0, 0, 0], 1 / 3, 1 / 3),
    ],
    ids=['ignored labels', 'unlabelled is a miss', 'wrong class', 'too much of a'],
)
def test_what_counts_and_what_does_not(truth, found, iou_a, accuracy):
    figures = measured((truth, found))
    assert figures.by_class['a'].iou == pytest.approx(iou_a)
    assert figures.pixel_accuracy == pytest.approx(accuracy)


def test_class_found_but_never_labelled_counts_as_zero():
    figures = measured(([0, 0], [0, 2]))
    assert figures.by_class['c'].iou == 0.0
    assert figures.mean_iou == pytest.approx(0.25)


def test_confusion_has_a_column_for_what_is_no_label():
    assert measured(([0, 1, 1], [0, 2, 255])).confusion == [[1, 0, 0, 0], [0, 0, 1, 1], [0] * 4]


def test_calibrated_confidence_has_no_error_and_boasting_has():
    truth, found = [0] * 10, [0] * 6 + [1] * 4
    assert measured((truth, found, [153] * 10)).calibration_error == pytest.approx(0.0)
    assert measured((truth, found, [255] * 10)).calibration_error == pytest.approx(0.4)


def test_unlabelled_pixels_claim_nothing():
    figures = measured(([0, 0, 255], [0, 255, 1], [255, 0, 255]))
    assert figures.calibration_error == pytest.approx(0.0)
    assert sum(item.count for item in figures.reliability) == 1


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), pixels=st.integers(1, 300))
def test_counts_agree_with_counting_by_hand(seed, pixels):
    rng = np.random.default_rng(seed)
    truth = rng.choice([0, 1, 2, 255], pixels).astype(np.uint8)
    found = rng.choice([0, 1, 2, 255], pixels).astype(np.uint8)
    level = rng.integers(0, 256, pixels).astype(np.uint8)
    figures = measured((truth, found, level))
    counts = truth != 255
    for number, name in enumerate(CLASSES):
        both = ((truth == number) & (found == number)).sum()
        either = (((truth == number) | (found == number)) & counts).sum()
        assert either == 0 or figures.by_class[name].iou == pytest.approx(both / either)
    named = counts & (found != 255)
    confidence = level[named] / 255
    bins = np.clip(np.ceil(confidence * BINS - 1e-9).astype(int) - 1, 0, BINS - 1)
    right = truth[named] == found[named]
    gaps = [
        abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).sum()
        for b in range(BINS)
        if (bins == b).any()
    ]
    if named.any():
        assert figures.calibration_error == pytest.approx(sum(gaps) / named.sum(), abs=1e-9)


def test_figures_become_json_without_nan(tmp_path):
    measured(([0, 1], [0, 0], [200, 100])).write(tmp_path / 'm.json', model='x')
    data = json.loads((tmp_path / 'm.json').read_text())
    assert data['model'] == 'x'
    assert data['by_class']['c']['iou'] is None
    assert len(data['reliability']) == BINS


def test_wrong_share_is_of_the_labelled_pixels():
    truth = np.array([[0, 1, 1, 255]], np.uint8)
    assert wrong_share(truth, np.array([[0, 1, 2, 0]], np.uint8)) == pytest.approx(1 / 3)
    assert wrong_share(truth, np.array([[255, 1, 1, 255]], np.uint8)) == pytest.approx(1 / 3)
    assert wrong_share(np.full_like(truth, 255), truth) == 0.0


def test_sizes_that_differ_are_refused():
    with pytest.raises(ValueError, match='labels are'):
        measured(([0, 0], [0]))


def test_numbers_follow_the_names():
    table = number_table(('b', 'dog', 'a'), CLASSES, {'dog': 'c'})
    assert table[[0, 1, 2, 255]].tolist() == [1, 2, 0, 255]
    assert number_table(('b', 'dog'), CLASSES)[1] == 255


@pytest.mark.parametrize(
    ('found', 'renamed', 'words'),
    [
        (('x',), {}, r'no class of the model \(x\).*\(a, b, c\)'),
        (('a',), {'x': 'a'}, "cannot rename 'x'"),
        (('a',), {'a': 'z'}, "to 'z'"),
    ],
)
def test_names_that_cannot_meet_are_refused(found, renamed, words):
    with pytest.raises(ValueError, match=words):
        number_table(found, CLASSES, renamed)
