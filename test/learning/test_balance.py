"""Pictures with rare classes are drawn more often."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from perception_nodes.evaluation.ground_truth import GroundTruth
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.learning.data.balance import likely_by_rarest
from perception_nodes.learning.tasks.detection import DetectionTask
from perception_nodes.learning.tasks.segmentation import SegmentationTask

SHOWN = np.array([[1, 0]] * 7 + [[1, 1], [0, 0]], bool)


def test_without_a_power_all_pictures_are_equal():
    assert likely_by_rarest(SHOWN, 0.0) is None


@pytest.mark.parametrize(('power', 'wanted'), [(0.5, 8**0.5), (1.0, 8.0)])
def test_picture_counts_as_its_rarest_class_wants(power: float, wanted: float):
    likely = likely_by_rarest(SHOWN, power)
    assert likely.tolist() == pytest.approx([1.0] * 7 + [wanted, 1.0])


def test_class_that_no_picture_shows_changes_nothing():
    more = np.concatenate([SHOWN, np.zeros((9, 1), bool)], axis=1)
    assert torch.equal(likely_by_rarest(more, 1.0), likely_by_rarest(SHOWN, 1.0))


def drawn(task, count: int = 600) -> Counter:
    """Return how often each picture is drawn."""
    task.schedule = dataclasses.replace(task.schedule, epoch_pictures=count)
    return Counter(list(task.batches(0).sampler))


def balanced(recipe, power: float):
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, balanced=power))


def test_detector_sees_rare_objects_more_often(small_recipe):
    content = {
        'images': [{'id': number, 'file_name': f'{number}.png'} for number in range(6)],
        'annotations': [
            {'image_id': number, 'category_id': kind, 'bbox': [0, 0, 9, 9], 'iscrowd': crowd}
            for number, kind, crowd in [*((n, 1, 0) for n in range(6)), (3, 2, 0), (4, 2, 1)]
        ],
        'categories': [{'id': 1, 'name': 'disc'}, {'id': 2, 'name': 'square'}],
    }
    truth = GroundTruth(content, Path())
    counts = drawn(DetectionTask(balanced(small_recipe, 1.0), truth, truth))
    assert 0.8 < counts[3] / sum(counts[n] for n in (0, 1, 2, 4, 5)) < 1.6, 'six to five'
    counts = drawn(DetectionTask(small_recipe, truth, truth))
    assert set(counts.values()) == {100}


@pytest.fixture
def rare(masks_folder) -> MaskedSet:
    """Return 24 pictures of which the last one alone shows a square."""
    for number in range(23):
        path = masks_folder / 'masks' / f'{number:06d}.png'
        write_index_png(path, np.full((96, 128), 2, np.uint8))
    return open_masked_set(f'masks:{masks_folder}')


@pytest.mark.parametrize('cached', [True, False])
def test_segmenter_sees_rare_classes_more_often(mask_recipe, rare, cached):
    recipe = balanced(mask_recipe, 1.0)
    recipe = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, cached=cached))
    counts = drawn(SegmentationTask(recipe, rare, rare))
    assert 0.8 < counts[23] / (600 - counts[23]) < 1.35, 'twenty-four to twenty-three'
    counts = drawn(SegmentationTask(mask_recipe, rare, rare))
    assert set(counts.values()) == {25}
