"""Students that learn from a trained segmenter."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from perception_nodes.evaluation.masked_sets import MaskedPicture, MaskedSet
from perception_nodes.learning.data.masks import stack_masks
from perception_nodes.learning.distillation import Teacher, distillation_loss
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe, TeacherRecipe
from perception_nodes.learning.segmenter_bundling import SegmenterBundler
from perception_nodes.learning.tasks.segmentation import SegmentationTask

CLASSES = ['disc', 'ground']


@pytest.fixture
def labelled(tmp_path) -> MaskedSet:
    """Return two pictures of noise, the second without one labelled pixel."""
    rng, pictures = np.random.default_rng(3), []
    for number in range(2):
        picture, mask = tmp_path / f'{number}.png', tmp_path / f'{number}_mask.png'
        cv2.imwrite(str(picture), rng.integers(0, 255, (64, 96, 3)).astype(np.uint8))
        cv2.imwrite(str(mask), np.full((64, 96), 255 * number, np.uint8))
        pictures.append(MaskedPicture(path=picture, mask_path=mask))
    return MaskedSet(classes=tuple(CLASSES), pictures=tuple(pictures))


@pytest.fixture
def recipe() -> SegmentationRecipe:
    values = {
        'name': 'drawn', 'classes': CLASSES, 'input_wh': [96, 64],
        'model': {'pretrained': False, 'channels': 16, 'output_stride': 4},
        'data': {'crop_wh': [64, 64], 'workers': 0, 'cached': True},
        'schedule': {'epochs': 1, 'batch': 2},
    }  # fmt: skip
    return recipe_from_dict(values, SegmentationRecipe)


def test_who_agrees_has_nothing_to_learn_and_who_is_softened_learns_as_much():
    torch.manual_seed(0)
    teacher, student = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    assert distillation_loss(teacher, teacher + 7.0, 2.0) == pytest.approx(0.0, abs=1e-6)
    expected = torch.nn.functional.kl_div(
        student.log_softmax(1), teacher.softmax(1), reduction='sum'
    )
    assert torch.isclose(distillation_loss(student, teacher, 1.0), expected / 40, rtol=1e-4)
    sharp, soft = (distillation_loss(0.1 * student, 0.1 * teacher, t) for t in (1.0, 8.0))
    assert sharp == pytest.approx(float(soft), rel=0.1)


def test_a_student_equal_to_its_teacher_hears_nothing_else(tmp_path, labelled, recipe):
    task = SegmentationTask(recipe, labelled, labelled)
    model = task.build_model().eval()
    bundler = SegmenterBundler(recipe=recipe, validation=labelled)
    bundle = bundler.write(model, tmp_path / 'teacher').bundle
    taught = dataclasses.replace(recipe, teacher=TeacherRecipe(bundle=str(bundle.path), weight=3))
    batch = stack_masks([task.dataset[1], task.dataset[1]])
    assert int(batch.masks.min()) == 255  # not one label: only the teacher has something to say
    task = SegmentationTask(taught, labelled, labelled)
    terms = task.loss(model, batch)
    assert float(terms['teacher'].detach()) < 1e-6
    torch.manual_seed(8)
    other = task.build_model().train()
    terms = task.loss(other, batch)
    sum(terms.values()).backward()
    assert float(terms['teacher']) > 1e-6
    assert float(terms['cross_entropy']) == 0
    assert other.classify.bias.grad.abs().sum() > 0


def test_a_teacher_of_other_classes_is_refused(recipe):
    taught = dataclasses.replace(
        recipe, teacher=TeacherRecipe(bundle='resource/models/simulator_segmenter')
    )
    with pytest.raises(ValueError, match='teacher of the same classes'):
        Teacher(taught)
