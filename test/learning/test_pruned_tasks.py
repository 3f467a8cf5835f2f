"""Detectors, classifiers and path networks do without some of their channels and weights."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from perception_nodes.evaluation.ground_truth import read_coco
from perception_nodes.evaluation.picture_folders import open_picture_folders
from perception_nodes.learning.data.path_sets import PathPicture, PathSet
from perception_nodes.learning.export import DETECTOR_OUTPUTS, check_parity, export_onnx
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.pruning import count_macs
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.classification import ClassificationRecipe
from perception_nodes.learning.recipes.path import PathRecipe
from perception_nodes.learning.recipes.pruning import PruningRecipe
from perception_nodes.learning.tasks.classification import ClassificationTask
from perception_nodes.learning.tasks.detection import DetectionTask
from perception_nodes.learning.tasks.path import PathTask

pytest.importorskip('torch_pruning', reason="pip install 'perception_suite[training]'")
SCHEDULE = {'epochs': 1, 'batch': 2, 'warmup_steps': 1, 'validation_images': 2}


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A task of tiny pictures: its recipe, how it is made of one, and its outputs."""

    recipe: Any
    make: Callable[..., Any]
    outputs: tuple[str, ...]

    def task(self, start: Path | None = None, **pruning):
        recipe = dataclasses.replace(self.recipe, pruning=PruningRecipe(**pruning))
        return self.make(recipe, start=start)

    def export(self, model: nn.Module, target: Path) -> Path:
        size_wh = self.recipe.input_wh
        return export_onnx(model, target, size_wh=size_wh, output_names=self.outputs)

    @property
    def image(self) -> torch.Tensor:
        torch.manual_seed(5)
        return torch.rand(2, 3, *self.recipe.input_wh[::-1])


@pytest.fixture
def detection(coco_folder, small_recipe) -> Case:
    truth = read_coco(coco_folder / 'annotations.json')
    return Case(
        dataclasses.replace(small_recipe, schedule=dataclasses.replace(
            small_recipe.schedule, **SCHEDULE
        )),
        lambda recipe, start: DetectionTask(recipe, truth, truth, start),
        DETECTOR_OUTPUTS,
    )  # fmt: skip


@pytest.fixture
def classification(tmp_path) -> Case:
    rng = np.random.default_rng(3)
    for name in ('dark', 'light'):
        (tmp_path / 'set' / name).mkdir(parents=True)
        for number in range(2):
            pixels = rng.integers(0, 90, (48, 48, 3)) + (150 if name == 'light' else 0)
            cv2.imwrite(str(tmp_path / 'set' / name / f'{number}.png'), pixels.astype(np.uint8))
    labelled = open_picture_folders(f'folder:{tmp_path / "set"}')
    recipe = {
        'name': 'light', 'classes': ['dark', 'light'], 'input_wh': [64, 64],
        'model': {'pretrained': False, 'stride': 16}, 'data': {'workers': 0}, 'schedule': SCHEDULE,
    }  # fmt: skip
    return Case(
        recipe_from_dict(recipe, ClassificationRecipe),
        lambda recipe, start: ClassificationTask(recipe, labelled, labelled, start),
        ('logits',),
    )


@pytest.fixture
def path(tmp_path) -> Case:
    arc_m, pictures = np.arange(0.0, 1.5, 0.1), []
    for number in range(2):
        file = tmp_path / f'{number}.png'
        cv2.imwrite(str(file), np.full((64, 96, 3), 70 + 90 * number, np.uint8))
        points = np.stack([arc_m, 0.3 * number * arc_m], axis=1)
        seen = np.ones(len(arc_m), bool)
        pictures.append(PathPicture(path=file, arc_m=arc_m, points_xy=points, seen=seen))
    labelled = PathSet(pictures=tuple(pictures))
    recipe = {
        'name': 'drawn', 'input_wh': [96, 64], 'stations_m': [0.3, 0.6, 0.9],
        'model': {'pretrained': False, 'channels': 16, 'hidden': 32}, 'data': {'workers': 0},
        'schedule': SCHEDULE,
    }  # fmt: skip
    return Case(
        recipe_from_dict(recipe, PathRecipe),
        lambda recipe, start: PathTask(recipe, labelled, labelled, start),
        ('path',),
    )


@pytest.fixture(params=['detection', 'classification', 'path'])
def case(request) -> Case:
    return request.getfixturevalue(request.param)


def parts(outputs) -> tuple[torch.Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def size_of(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def test_start_gives_the_function_of_the_file(case, tmp_path):
    whole = case.task().build_model().eval()
    start = case.export(whole, tmp_path / 'whole.onnx')
    again = case.task(start).build_model().eval()
    with torch.inference_mode():
        for first, second in zip(parts(whole(case.image)), parts(again(case.image)), strict=True):
            assert torch.allclose(first, second, rtol=1e-3, atol=1e-3)


def test_pruned_network_is_smaller_learns_resumes_and_is_exported(case, tmp_path):
    whole = case.task().build_model()
    start = case.export(whole, tmp_path / 'whole.onnx')
    task = case.task(start, macs=0.6, weights=0.7, batches=1, round_to=4)
    trainer = Trainer(task, tmp_path / 'run')
    assert size_of(trainer.model) < 0.8 * size_of(whole)
    assert count_macs(trainer.model, case.image[:1]) <= 0.61 * count_macs(whole, case.image[:1])
    before = [weight.detach().clone() for weight in trainer.model.parameters()]
    losses = trainer.train_step(next(iter(task.batches(0))), 0.0)
    assert all(np.isfinite(value) for value in losses.values())
    assert any(
        not torch.equal(old, new)
        for old, new in zip(before, trainer.model.parameters(), strict=True)
    )
    trainer._save({}, {})
    again = Trainer(task, tmp_path / 'run', resume=True)
    again.run()
    model = again.best_model()
    weights = [layer.weight.flatten() for layer in model.modules()
               if isinstance(layer, nn.Conv2d | nn.Linear)]  # fmt: skip
    assert 0.69 < float((torch.cat(weights) != 0).float().mean()) < 0.71

    file = case.export(model, tmp_path / 'pruned.onnx')
    first = lambda outputs: outputs[case.outputs[0]].argmax(-1)  # noqa: E731
    parity = check_parity(model, file, [case.image.numpy()], first)
    assert parity.agreement == 1.0
    loaded = case.task(file, of_start=True).build_model().eval()
    with torch.inference_mode():
        for one, other in zip(parts(model(case.image)), parts(loaded(case.image)), strict=True):
            assert torch.allclose(one, other, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match=r'pruned, set pruning\.of_start'):
        case.task(file).build_model()


def test_pruning_without_a_trained_network_is_refused(case):
    with pytest.raises(ValueError, match='only a trained network'):
        case.task(macs=0.5)
