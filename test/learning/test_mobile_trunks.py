"""Networks on a MobileNetV3: squeeze-and-excite and hard-swish learn, are exported and shrink."""

import dataclasses
import json
import math
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from torch import nn

from perception_nodes.compression.int8 import Int8Writer
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.machine import multiplies_int8
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.adaptation.norms import open_norms
from perception_nodes.learning.adversarial.differentiable import network_of
from perception_nodes.learning.data.batches import normalised
from perception_nodes.learning.export import (
    DETECTOR_OUTPUTS,
    SEGMENTER_OUTPUTS,
    check_parity,
    export_onnx,
    trunk_in,
)
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.models import classifier, detector, segmenter
from perception_nodes.learning.models import path as path_model
from perception_nodes.learning.models.classifier import ClassifierNet
from perception_nodes.learning.models.detector import DetectorNet
from perception_nodes.learning.models.path import PathNet
from perception_nodes.learning.models.pretraining import PretrainingNet
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.learning.pruning import count_macs, pruned
from perception_nodes.learning.recipe import read_recipe, recipe_from_dict
from perception_nodes.learning.recipes.classification import ClassificationRecipe
from perception_nodes.learning.recipes.detection import DetectionRecipe
from perception_nodes.learning.recipes.path import PathRecipe
from perception_nodes.learning.recipes.pretraining import PretrainingRecipe
from perception_nodes.learning.recipes.pruning import PruningRecipe
from perception_nodes.learning.recipes.quantised import QuantisedRecipe
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.learning.segmenter_bundling import SegmenterBundler
from perception_nodes.learning.tasks.detection import DetectionTask
from perception_nodes.learning.tasks.segmentation import SegmentationTask
from perception_nodes.learning.trunk_export import write_trunk
from perception_nodes.learning.warm_start import load_exported, trunk_from
from perception_nodes.segmentation import Segmenter

TRUNK, OTHER = 'mobilenetv3_small_100', 'torchvision/mobilenet_v3_small'
SIZE_WH = (96, 64)
KINDS = {
    'detection': (DetectorNet, DetectionRecipe, DETECTOR_OUTPUTS, {'frozen_stages': 0}),
    'segmentation': (SegmenterNet, SegmentationRecipe, SEGMENTER_OUTPUTS, {'channels': 8}),
    'classification': (ClassifierNet, ClassificationRecipe, ('logits',), {}),
    'path': (PathNet, PathRecipe, ('path',), {}),
}
needs_int8 = pytest.mark.skipif(
    not multiplies_int8(), reason='the processor has no exact products of 8-bit numbers'
)


def recipe_of(kind: type, trunk: str = TRUNK, **model: object):
    values = {
        'name': 'mobile', 'classes': ['left', 'right'], 'input_wh': list(SIZE_WH),
        'model': {'trunk': trunk, 'pretrained': False, **model},
    }  # fmt: skip
    return recipe_from_dict(values, kind)


def with_statistics(model: nn.Module) -> nn.Module:
    """Return the model in eval mode, with norms that do something."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval()


def pictures(count: int = 4) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(1, 3, *SIZE_WH[::-1]) for _ in range(count)]


def decided(outputs) -> np.ndarray:
    return next(iter(outputs.values())).argmax(1)


def outputs_of(model: nn.Module, batch: torch.Tensor) -> list[torch.Tensor]:
    found = model(batch)
    return [found] if isinstance(found, torch.Tensor) else list(found)


@pytest.mark.parametrize('trunk', [TRUNK, OTHER])
@pytest.mark.parametrize('task', KINDS)
def test_every_task_learns_exports_and_starts_from_its_file(task, trunk, tmp_path):
    kind, recipe_kind, names, sizes = KINDS[task]
    recipe = recipe_of(recipe_kind, trunk, **sizes)
    torch.manual_seed(0)
    model = with_statistics(kind(recipe, learns_norms=True))
    sum(part.square().mean() for part in outputs_of(model, pictures()[0])).backward()
    assert all(weight.grad is not None for weight in model.trunk.parameters())
    path = export_onnx(model, tmp_path / 'model.onnx', size_wh=SIZE_WH, output_names=names)
    check_parity(model, path, [picture.numpy() for picture in pictures()], decided)
    written = onnx.load(path)
    assert trunk_in(written) == trunk
    assert [item.name for item in written.graph.initializer if item.name.startswith('trunk.')]
    other = load_exported(kind(recipe), path, pictures()).eval()
    for mine, theirs in zip(
        outputs_of(other, pictures()[0]), outputs_of(model, pictures()[0]), strict=True
    ):
        assert torch.allclose(mine, theirs, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ('name', 'kind'), [('segmentation', SegmentationRecipe), ('detector', DetectionRecipe)]
)
def test_the_mobile_recipes_differ_in_the_trunk_alone(name, kind, project_root):
    folder = project_root / 'config' / 'recipes'
    mobile = read_recipe(folder / f'simulator_{name}_mobilenet.yaml', kind)
    whole = read_recipe(folder / f'simulator_{name}.yaml', kind)
    assert mobile.model.trunk.startswith('mobilenet')
    assert mobile.normalise_mean == (0.485, 0.456, 0.406)
    same = dataclasses.replace(
        mobile, name=whole.name, normalise_mean=whole.normalise_mean,
        normalise_std=whole.normalise_std,
        model=dataclasses.replace(mobile.model, trunk=whole.model.trunk),
    )  # fmt: skip
    assert same == whole


def test_a_pretrained_trunk_is_for_its_own_kind_alone(tmp_path):
    torch.manual_seed(0)
    recipe = recipe_of(PretrainingRecipe)
    model = with_statistics(PretrainingNet(recipe))
    frames = [np.random.default_rng(0).integers(0, 255, (64, 96, 3)).astype(np.uint8)] * 2
    path = tmp_path / 'trunk.onnx'
    assert write_trunk(model, path, recipe, frames) < 1e-3
    other = trunk_from(SegmenterNet(recipe_of(SegmentationRecipe)).eval(), path)
    with torch.no_grad():
        wanted, found = (net.trunk(pictures()[0])[-1] for net in (model, other))
    assert torch.allclose(found, wanted, atol=1e-4)
    for another in (OTHER, 'efficientnet_lite0'):
        strange = SegmenterNet(recipe_of(SegmentationRecipe, another))
        with pytest.raises(ValueError, match=rf'{TRUNK}, the recipe says {another}|no trunk that'):
            trunk_from(strange, path)


LAST_LAYERS = {
    'detection': detector.LAST_LAYERS, 'segmentation': segmenter.LAST_LAYERS,
    'classification': classifier.LAST_LAYERS, 'path': path_model.LAST_LAYERS,
}  # fmt: skip


@pytest.mark.parametrize('task', LAST_LAYERS)
def test_channels_go_and_the_file_is_written_and_read(task, tmp_path):
    kind, recipe_kind, names, sizes = KINDS[task]
    recipe, example = recipe_of(recipe_kind, **sizes), torch.zeros(1, 3, *SIZE_WH[::-1])
    torch.manual_seed(0)
    model = with_statistics(kind(recipe))
    whole = count_macs(model, example)

    def loss(net: nn.Module, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        return {'size': sum(part.square().mean() for part in outputs_of(net, batch))}

    how = PruningRecipe(macs=0.8, batches=2)
    pruned(model, how, pictures(), loss, example=example, fixed=LAST_LAYERS[task])
    assert count_macs(model, example) <= 0.8 * whole
    path = export_onnx(model.eval(), tmp_path / 'small.onnx', size_wh=SIZE_WH, output_names=names)
    check_parity(model, path, [picture.numpy() for picture in pictures()], decided)
    loaded = load_exported(kind(recipe), path, pictures(), narrower=True).eval()
    assert count_macs(loaded, example) == count_macs(model, example)


@needs_int8
@pytest.mark.parametrize('task', ['detection', 'segmentation'])
def test_int8_says_nearly_what_float_says(task, tmp_path):
    import onnxruntime

    kind, recipe_kind, names, sizes = KINDS[task]
    torch.manual_seed(0)
    model = with_statistics(kind(recipe_of(recipe_kind, **sizes)))
    if task == 'detection':  # whose logits begin nearly equal everywhere
        nn.init.normal_(model.head.classify.weight)
    batches = [picture.numpy() for picture in pictures()]
    path = export_onnx(model, tmp_path / 'float.onnx', size_wh=SIZE_WH, output_names=names)
    with Int8Writer(path, batches) as writer:
        written = writer.write(tmp_path / 'int8.onnx')
    assert 'QuantizeLinear' in {node.op_type for node in onnx.load(written).graph.node}
    runs = [
        onnxruntime.InferenceSession(str(file), providers=['CPUExecutionProvider']).run(
            [names[0]], {'image': batches[0]}
        )[0]
        for file in (path, written)
    ]
    assert np.abs(runs[0] - runs[1]).mean() < 0.1 * runs[0].std()


@pytest.fixture
def labelled(tmp_path) -> MaskedSet:
    """Return four pictures, dark on the left and light on the right."""
    folder = tmp_path / 'halves'
    (folder / 'images').mkdir(parents=True)
    rng = np.random.default_rng(2)
    for number in range(4):
        pixels = rng.integers(60, 90, (*SIZE_WH[::-1], 3)).astype(np.uint8)
        mask = np.zeros(SIZE_WH[::-1], np.uint8)
        pixels[:, 40 + number :] += 90
        mask[:, 40 + number :] = 1
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': ['left', 'right']}))
    return open_masked_set(f'masks:{folder}')


@pytest.fixture
def mask_recipe() -> SegmentationRecipe:
    recipe = recipe_of(SegmentationRecipe, channels=8, output_stride=4)
    data = dataclasses.replace(recipe.data, crop_wh=(64, 64), workers=0)
    schedule = dataclasses.replace(recipe.schedule, epochs=1, batch=2, warmup_steps=1)
    return dataclasses.replace(recipe, data=data, schedule=schedule)


@torch.no_grad()
def see_both_classes(model: nn.Module, labelled: MaskedSet, recipe: SegmentationRecipe) -> None:
    """Shift the classes so that each is seen in half of the cells."""
    frames = [labelled.read(picture)[0].pixels[..., ::-1] for picture in labelled.pictures]
    images = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    left, right = model.eval()(normalised(images, recipe)).unbind(1)
    model.classify.bias[0] += (right - left).median()


def test_from_nothing_norms_learn_and_the_bundle_wants_what_the_trunk_wants(
    labelled, mask_recipe, tmp_path
):
    task = SegmentationTask(mask_recipe, labelled, labelled)
    trainer = Trainer(task, tmp_path / 'run')
    norms = [m for m in trainer.model.trunk.modules() if isinstance(m, nn.BatchNorm2d)]
    before = norms[0].weight.detach().clone()
    assert all(map(math.isfinite, trainer.train_step(next(iter(task.batches(0))), 0.0).values()))
    assert not torch.equal(norms[0].weight, before)
    see_both_classes(trainer.model, labelled, mask_recipe)
    SegmenterBundler(recipe=mask_recipe, validation=labelled, threads=1).write(
        trainer.model, tmp_path / 'bundle'
    )
    bundle = read_bundle(tmp_path / 'bundle')
    assert bundle.spec.input.mean == pytest.approx((0.485, 0.456, 0.406))
    assert bundle.spec.input.std == pytest.approx((0.229, 0.224, 0.225))
    opened = Segmenter.load(bundle, device='cpu', threads=1)
    opened.verify()
    opened.close()
    network = network_of(bundle).eval()
    assert network.trunk.name == TRUNK
    with torch.no_grad():
        wanted, found = (net.eval()(pictures()[0]) for net in (trainer.model, network))
    assert torch.allclose(found, wanted, atol=1e-3)
    started = SegmentationTask(mask_recipe, labelled, labelled, bundle.weights_path)
    assert not [m for m in started.build_model().trunk.modules() if isinstance(m, nn.BatchNorm2d)]


def test_statistics_of_squeeze_and_excite_are_not_adapted():
    torch.manual_seed(0)
    model = with_statistics(SegmenterNet(recipe_of(SegmentationRecipe, channels=8)))
    with torch.no_grad():
        expected = model(pictures()[0])
        opened = open_norms(model)
        assert not [name for name in opened.norms if '.se.' in name]
        assert torch.allclose(opened.logits(pictures()[0]), expected, atol=1e-4)


@needs_int8
@pytest.mark.parametrize('trunk', [TRUNK, OTHER, 'resnet18'])
def test_segmenters_learn_in_int8(trunk, labelled, mask_recipe, tmp_path):
    recipe = dataclasses.replace(
        mask_recipe,
        model=dataclasses.replace(mask_recipe.model, trunk=trunk),
        quantised=QuantisedRecipe(form='int8', pictures=2),
    )
    torch.manual_seed(0)
    start = export_onnx(
        with_statistics(SegmenterNet(recipe)), tmp_path / 'start.onnx',
        size_wh=SIZE_WH, output_names=SEGMENTER_OUTPUTS,
    )  # fmt: skip
    learn_a_step_and_compare(SegmentationTask(recipe, labelled, labelled, start), tmp_path)


@needs_int8
def test_detectors_learn_in_int8(coco_folder, small_recipe, tmp_path):
    recipe = dataclasses.replace(
        small_recipe,
        model=dataclasses.replace(small_recipe.model, trunk=TRUNK),
        quantised=QuantisedRecipe(form='int8', pictures=2),
    )
    torch.manual_seed(0)
    start = export_onnx(
        with_statistics(DetectorNet(recipe)), tmp_path / 'start.onnx',
        size_wh=recipe.input_wh, output_names=DETECTOR_OUTPUTS,
    )  # fmt: skip
    truth = open_dataset(f'coco:{coco_folder / "annotations.json"}')
    learn_a_step_and_compare(DetectionTask(recipe, truth, truth, start), tmp_path)


def learn_a_step_and_compare(task: SegmentationTask | DetectionTask, folder: Path) -> None:
    """Learn a step in int8, and compare the written file with what is learnt."""
    import onnxruntime

    trainer = Trainer(task, folder / 'run')
    assert all(map(math.isfinite, trainer.train_step(next(iter(task.batches(0))), 0.0).values()))
    network = trainer.model.eval()
    path = network.write(folder / 'int8.onnx')
    width, height = task.recipe.input_wh
    image = np.random.default_rng(0).normal(size=(1, 3, height, width)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    with torch.inference_mode():
        said = outputs_of(network, torch.from_numpy(image))
    for first, second in zip(said, session.run(None, {'image': image}), strict=True):
        step = np.diff(np.unique(second)).min(initial=np.inf)
        assert np.abs(first.numpy() - second).mean() < step
