"""Attacks within the training loop: on a part of the batch, without a trace, off by default."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.learning.adversarial.training import FrameAttack, attacked_batch
from perception_nodes.learning.checkpoints import RECORD
from perception_nodes.learning.curve import read_record
from perception_nodes.learning.data.masks import MaskBatch, stack_masks
from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.recipe import read_recipe, recipe_from_dict, recipe_to_dict
from perception_nodes.learning.recipes.segmentation import AdversarialRecipe, SegmentationRecipe
from perception_nodes.learning.tasks.segmentation import SegmentationTask
from perception_nodes.structures import ColorOrder, Frame

RECIPES = Path(__file__).parents[2] / 'config' / 'recipes'
VALUES = {
    'name': 'halves',
    'classes': ['left', 'right'],
    'input_wh': [64, 32],
    'model': {'pretrained': False, 'channels': 8, 'output_stride': 4},
    'data': {'crop_wh': [64, 32], 'workers': 0, 'colour': 0.0},
    'adversarial': {'attack': 'segpgd', 'epsilon_levels': 4.0, 'iterations': 2, 'share': 0.5},
    'schedule': {
        'epochs': 1,
        'epoch_pictures': 8,
        'batch': 4,
        'warmup_steps': 1,
        'validation_images': 2,
    },
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Return a set of six pictures, dark on the left and light on the right."""
    folder = tmp_path_factory.mktemp('halves')
    (folder / 'images').mkdir()
    rng = np.random.default_rng(2)
    for number in range(6):
        pixels = rng.integers(60, 90, (32, 64, 3)).astype(np.uint8)
        mask = np.zeros((32, 64), np.uint8)
        edge = int(rng.integers(20, 44))
        pixels[:, edge:] += 90
        mask[:, edge:] = 1
        mask[:2] = 255
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    card = json.dumps({'semantic_classes': VALUES['classes']})
    (folder / 'dataset.json').write_text(card)
    return folder


@pytest.fixture(scope='module')
def recipe() -> SegmentationRecipe:
    return recipe_from_dict(VALUES, SegmentationRecipe)


@pytest.fixture(scope='module')
def task(folder, recipe) -> SegmentationTask:
    labelled = open_masked_set(f'masks:{folder}')
    return SegmentationTask(recipe, labelled, labelled)


@pytest.fixture(scope='module')
def batch(task):
    return stack_masks([task.dataset[index] for index in range(4)])


def test_a_part_of_the_batch_is_attacked_without_a_trace_in_the_model(task, batch, recipe):
    model = task.build_model().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = (attacked_batch(model, batch, recipe) for _ in range(2))
    change = (first.images - batch.images.float()).abs()
    assert torch.equal(first.images[2:], batch.images[2:].float())
    assert 3.9 < change[:2].max() <= 4.0 + 1e-3
    assert change[:2].mean() > 2
    assert torch.equal(first.images, second.images), 'equal batches meet equal random starts'
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize(
    ('share', 'pictures', 'threads', 'attacked'),
    [
        (0.5, 4, 4, [1, 0, 1, 0]),  # parts of one picture
        (0.5, 1, 1, [1]),
        (0.25, 4, 2, [1, 0]),
        (0.3, 4, 4, [1, 0, 0, 1]),  # 1.2 pictures are 2
        (1.0, 3, 2, [2, 1]),
    ],
)
def test_the_parts_of_a_batch_together_attack_its_share(
    task, batch, recipe, share, pictures, threads, attacked
):
    model = task.build_model()
    how = dataclasses.replace(
        recipe, adversarial=dataclasses.replace(recipe.adversarial, share=share)
    )
    some = MaskBatch(images=batch.images[:pictures], masks=batch.masks[:pictures])
    found = []
    for part in task.parts(some, threads):
        change = (attacked_batch(model, part, how).images - part.images.float()).abs()
        found.append(int((change.amax((1, 2, 3)) > 1).sum()))
    assert found == attacked


def test_the_attack_raises_the_loss_that_is_learnt_from(task, batch, recipe):
    torch.manual_seed(0)
    model = task.build_model().eval()
    strong = dataclasses.replace(recipe.adversarial, share=1.0, iterations=5)
    plain = dataclasses.replace(recipe, adversarial=AdversarialRecipe())
    losses = []
    for how in (plain, dataclasses.replace(recipe, adversarial=strong)):
        task.recipe = how
        losses.append(float(task.loss(model, batch)['cross_entropy'].detach()))
    task.recipe = recipe
    assert losses[1] > losses[0] + 1e-4


def test_nothing_is_attacked_unless_the_recipe_says_so(task, batch, recipe):
    plain = dataclasses.replace(recipe, adversarial=AdversarialRecipe())
    assert attacked_batch(task.build_model(), batch, plain) is batch
    standard = read_recipe(RECIPES / 'camvid_segmentation_gpu.yaml', SegmentationRecipe)
    assert not standard.adversarial.is_on


def test_a_frame_of_another_size_is_attacked_in_its_own_pixels(task, recipe):
    model = task.build_model().eval()
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    frame = Frame(pixels=rgb[..., ::-1].copy(), color_order=ColorOrder.BGR)
    truth = np.zeros((40, 50), np.uint8)
    changed = FrameAttack(model, recipe)(frame, truth).in_order(ColorOrder.RGB)
    change = changed.astype(int) - rgb
    assert np.abs(change).max() == 4
    assert np.abs(change).mean() > 1.5


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'attack': 'patch'}, 'none, noise, fgsm, pgd, segpgd'),
        ({'attack': 'pgd', 'share': 0.0}, 'attacks no picture'),
        ({'attack': 'pgd', 'epsilon_levels': 0.0157}, 'below the minimum'),
        ({'attack': 'pgd', 'strength': 3}, 'allowed are'),
    ],
)
def test_nonsense_in_the_section_is_named(values, words):
    with pytest.raises(ValueError, match=words):
        recipe_from_dict({**VALUES, 'adversarial': values}, SegmentationRecipe)


def test_shipped_recipe_goes_on_from_the_standard_one():
    standard, adversarial = (
        read_recipe(RECIPES / f'camvid_segmentation_{name}.yaml', SegmentationRecipe)
        for name in ('gpu', 'adversarial')
    )
    assert adversarial.adversarial.is_on
    same = dataclasses.replace(adversarial.model, frozen_stages=standard.model.frozen_stages)
    assert same == standard.model, 'weights of the one fit the other'
    assert adversarial.data == standard.data
    assert (adversarial.classes, adversarial.input_wh) == (standard.classes, standard.input_wh)
    assert recipe_from_dict(recipe_to_dict(adversarial), SegmentationRecipe) == adversarial


def test_the_loop_goes_on_from_a_standard_network_under_attack(folder, recipe, task, tmp_path):
    start = export_onnx(
        task.build_model(), tmp_path / 'start.onnx', size_wh=(64, 32), output_names=('logits',)
    )
    labelled = open_masked_set(f'masks:{folder}')
    runs = []
    for threads, name in ((2, 'first'), (2, 'again')):
        begun = SegmentationTask(recipe, labelled, labelled, start)
        trainer = Trainer(begun, tmp_path / name, threads=threads)
        trainer.run()
        assert trainer.history()['validation_mIoU_attacked'] == round(trainer.best.figure, 4)
        runs.append(read_record(tmp_path / name / RECORD))
    first, again = runs
    assert [line['step'] for line in first] == [2]
    assert all(np.isfinite(line['cross_entropy']) for line in first)
    assert all(0 < line['mIoU_attacked'] <= 1 for line in first)
    same = ('cross_entropy', 'lovasz', 'mIoU', 'mIoU_attacked')
    assert [[line[key] for key in same] for line in first] == [
        [line[key] for key in same] for line in again
    ]
