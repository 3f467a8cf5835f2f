import dataclasses

import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from perception_nodes.evaluation.ground_truth import read_coco
from perception_nodes.imaging.disturbances import random_disturbance
from perception_nodes.learning.data.augmentation import training_transform
from perception_nodes.learning.data.disturbed import RandomDisturbance, disturbed_frame
from perception_nodes.learning.data.masks import mask_transform
from perception_nodes.learning.recipes.detection import DataRecipe
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe
from perception_nodes.learning.tasks.detection import DetectionTask, detect_all
from perception_nodes.structures import ColorOrder, Frame

PICTURE = tv_tensors.Image(torch.full((3, 48, 64), 120, dtype=torch.uint8))
MASK = tv_tensors.Mask(torch.ones((1, 48, 64), dtype=torch.uint8))


def test_disturbances_come_together_and_reach_from_none_to_the_strongest():
    drawn = [random_disturbance(np.random.default_rng(seed)) for seed in range(400)]
    fog, rain, light = (
        np.array([getattr(item, name) for item in drawn])
        for name in ('fog', 'rain', 'illuminance_factor')
    )
    assert fog.min() == 0
    assert fog.max() > 0.9
    assert light.min() < 0.2
    assert light.max() > 2
    both = (fog > 0) & (rain > 0)
    assert np.corrcoef(fog[both], rain[both])[0, 1] > 0.3
    assert random_disturbance(np.random.default_rng(3)) == drawn[3]


@pytest.mark.parametrize(('part', 'least', 'most'), [(0.0, 0, 0), (0.5, 8, 32), (1.0, 36, 40)])
def test_wanted_part_of_the_pictures_is_disturbed_and_labels_stay(part, least, most):
    torch.manual_seed(1)
    change = RandomDisturbance(part)
    samples = [change({'image': PICTURE, 'mask': MASK}) for _ in range(40)]
    changed = sum(not torch.equal(sample['image'], PICTURE) for sample in samples)
    assert least <= changed <= most
    assert all(sample['mask'] is MASK for sample in samples)
    assert all(sample['image'].shape == PICTURE.shape for sample in samples)
    assert PICTURE.unique().tolist() == [120], 'what is cached was changed'


def test_same_state_of_the_generator_gives_the_same_pictures():
    change = RandomDisturbance(1.0)
    pictures = []
    for _ in range(2):
        torch.manual_seed(5)
        pictures.append([change({'image': PICTURE})['image'] for _ in range(3)])
    assert all(torch.equal(*pair) for pair in zip(*pictures, strict=True))


def test_frame_is_disturbed_by_its_pixels_alone():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    frame = Frame(pixels=pixels, color_order=ColorOrder.RGB, stamp_ns=1)
    again = Frame(pixels=pixels.copy(), color_order=ColorOrder.RGB, stamp_ns=2)
    assert np.array_equal(disturbed_frame(frame).pixels, disturbed_frame(again).pixels)
    assert not np.array_equal(disturbed_frame(frame).pixels, pixels)


@pytest.mark.parametrize(
    ('transform', 'recipe'), [(mask_transform, MaskDataRecipe), (training_transform, DataRecipe)]
)
def test_recipe_says_whether_pictures_are_disturbed(transform, recipe):
    def kinds(**settings):
        return [type(step) for step in transform(recipe(**settings)).transforms]

    assert RandomDisturbance not in kinds()
    assert kinds(disturbed=0.5).index(RandomDisturbance) == 3, 'after paints, before noise'


def test_detector_that_learns_in_bad_weather_is_chosen_in_bad_weather(coco_folder, small_recipe):
    truth = read_coco(coco_folder / 'annotations.json')
    calm = DetectionTask(small_recipe, truth, truth)
    assert calm.metric == 'mAP50'
    data = dataclasses.replace(small_recipe.data, disturbed=0.5)
    task = DetectionTask(dataclasses.replace(small_recipe, data=data), truth, truth)
    model = task.build_model()
    assert task.metric == 'mAP50_disturbed'
    assert task.metric in task.validate(model)
    assert task.metric not in calm.validate(model)
    plain, stormy = (
        detect_all(model, small_recipe, task.validation[:1], change)[0].detections
        for change in (lambda frame: frame, disturbed_frame)
    )
    assert not np.array_equal(plain.scores, stormy.scores), 'the network saw the same picture'
