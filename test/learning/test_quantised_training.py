"""Training in int8: what is learnt is what the written file says."""

import dataclasses
import json
import math
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from perception_nodes.compression.int8 import Int8Writer
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.machine import multiplies_int8
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.data.batches import normalised
from perception_nodes.learning.export import DETECTOR_OUTPUTS, SEGMENTER_OUTPUTS, export_onnx
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.models.detector import DetectorNet
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.learning.quantised.building import quantised
from perception_nodes.learning.quantised.network import QuantisedNetwork
from perception_nodes.learning.quantised.rounding import (
    ActivationRounding,
    rounded_bias,
    weight_steps,
)
from perception_nodes.learning.recipe import read_recipe, recipe_from_dict
from perception_nodes.learning.recipes.quantised import QuantisedRecipe
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.learning.segmenter_bundling import SegmenterBundler
from perception_nodes.learning.tasks.detection import DetectionTask
from perception_nodes.learning.tasks.segmentation import SegmentationTask
from perception_nodes.segmentation import Segmenter

RECIPES = Path(__file__).parents[2] / 'config' / 'recipes'
SIZE_WH = (96, 48)  # 48 / 32 is no whole number: the last enlarging is from 2 rows to 3
VALUES = {
    'name': 'halves',
    'classes': ['left', 'right'],
    'input_wh': list(SIZE_WH),
    'model': {'pretrained': False, 'channels': 8, 'output_stride': 4},
    'data': {'crop_wh': [64, 32], 'workers': 0, 'colour': 0.0},
    'quantised': {'form': 'int8', 'pictures': 4},
    'schedule': {
        'epochs': 2,
        'epoch_pictures': 8,
        'batch': 4,
        'learning_rate': 0.0001,
        'warmup_steps': 1,
        'validation_images': 2,
    },
}
needs_int8 = pytest.mark.skipif(
    not multiplies_int8(), reason='the processor has no exact products of 8-bit numbers'
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Return a set of six pictures, dark on the left and light on the right."""
    folder = tmp_path_factory.mktemp('halves')
    (folder / 'images').mkdir()
    rng = np.random.default_rng(2)
    for number in range(6):
        pixels = rng.integers(60, 90, (*SIZE_WH[::-1], 3)).astype(np.uint8)
        mask = np.zeros(SIZE_WH[::-1], np.uint8)
        edge = int(rng.integers(30, 66))
        pixels[:, edge:] += 90
        mask[:, edge:] = 1
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    card = json.dumps({'semantic_classes': VALUES['classes']})
    (folder / 'dataset.json').write_text(card)
    return folder


@pytest.fixture(scope='module')
def labelled(folder):
    return open_masked_set(f'masks:{folder}')


@pytest.fixture(scope='module')
def recipe() -> SegmentationRecipe:
    return recipe_from_dict(VALUES, SegmentationRecipe)


@pytest.fixture(scope='module')
def start(recipe, labelled, tmp_path_factory) -> Path:
    """Return the file of a float network with weights by chance that sees both classes."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp('start') / 'model.onnx'
    model = SegmenterNet(recipe).eval()
    with torch.no_grad():
        left, right = model(torch.from_numpy(np.concatenate(inputs(recipe, labelled)))).unbind(1)
        model.classify.bias[0] += (right - left).median()
    return export_onnx(model, path, size_wh=SIZE_WH, output_names=SEGMENTER_OUTPUTS)


@pytest.fixture(scope='module')
def task(recipe, labelled, start) -> SegmentationTask:
    return SegmentationTask(recipe, labelled, labelled, start)


@pytest.fixture(scope='module')
def network(task) -> QuantisedNetwork:
    return task.build_model()


def inputs(recipe, labelled) -> list[np.ndarray]:
    """Return the network's input of the pictures."""
    frames = [labelled.read(picture)[0].pixels[..., ::-1] for picture in labelled.pictures]
    tensors = [torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None] for rgb in frames]
    return [normalised(tensor, recipe).numpy() for tensor in tensors]


def run(path: Path, batch: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    return session.run(None, {'image': batch})


def test_rounding_is_that_of_the_levels_and_passes_gradients_within_the_range():
    rounding = ActivationRounding(0.5, 10, rate_factor=1.0)
    values = torch.tensor([-20.0, -5.1, 0.0, 0.3, 122.4, 130.0], requires_grad=True)
    rounded = rounding(values)
    assert rounded.tolist() == [-5.0, -5.0, 0.0, 0.5, 122.5, 122.5]
    rounded.sum().backward()
    assert values.grad.tolist() == [0, 1, 1, 1, 1, 0]
    # In levels × step, the step's logarithm moves: the limit beyond the range, the error within.
    expected = -5.0 + 0.1 + 0.0 + 0.2 + 0.1 + 122.5
    assert float(rounding.stretch.grad) == pytest.approx(expected / math.sqrt(255 * 6), rel=1e-4)


def test_range_that_is_too_wide_is_learnt():
    torch.manual_seed(0)
    values = torch.rand(4000)
    rounding = ActivationRounding(0.1, 0, rate_factor=10.0)
    optimiser = torch.optim.Adam(rounding.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        (rounding(values) - values).square().mean().backward()
        optimiser.step()
    assert 0.8 / 255 < float(rounding.step) < 2 / 255
    fixed = ActivationRounding(0.1, 0, rate_factor=0.0)
    assert not fixed.stretch.requires_grad


def test_channel_of_tiny_weights_gets_steps_with_which_its_bias_fits():
    weight, bias = torch.tensor([[1e-9], [1.0], [0.0]]), torch.tensor([5.0, 5.0, 0.0])
    steps = weight_steps(weight, bias, torch.tensor(0.01))
    assert float(steps[1]) == pytest.approx(1 / 127)
    assert (bias / (0.01 * steps)).abs().max() < 2**31
    assert rounded_bias(bias, 0.01 * steps).tolist() == pytest.approx(bias.tolist(), abs=1e-4)


def test_untrained_network_writes_what_the_quantiser_writes(recipe, labelled, start, tmp_path):
    batches = inputs(recipe, labelled)
    with Int8Writer(start, batches) as writer:
        before = onnx.load(writer.write(tmp_path / 'before.onnx'))
        stored = onnx.load(writer.prepared).graph.initializer
    weights = {item.name: onnx.numpy_helper.to_array(item) for item in stored}
    after = onnx.load(QuantisedNetwork(before, weights, 10.0).write(tmp_path / 'after.onnx'))
    assert before.graph.node == after.graph.node
    for old, new in zip(before.graph.initializer, after.graph.initializer, strict=True):
        old, new = (onnx.numpy_helper.to_array(item) for item in (old, new))
        assert (old.dtype, old.shape) == (new.dtype, new.shape)
        if old.dtype.kind == 'f':
            np.testing.assert_allclose(new, old, rtol=1e-5)
        else:
            assert np.abs(old.astype(int) - new).max(initial=0) <= 1


@needs_int8
def test_written_file_says_what_the_network_says(network, recipe, labelled, start, tmp_path):
    path = network.write(tmp_path / 'int8.onnx')
    differences, errors = [], []
    for batch in inputs(recipe, labelled):
        with torch.inference_mode():
            said = network.eval()(torch.from_numpy(batch)).numpy()
        differences.append(np.abs(said - run(path, batch)[0]).mean())
        errors.append(np.abs(said - run(start, batch)[0]).mean())
    assert np.mean(differences) < 0.2 * np.mean(errors)


def test_crops_of_another_size_are_enlarged_by_whole_factors(network):
    found = [
        network.eval()(torch.zeros(2, 3, height, width)).shape[2:]
        for width, height in ((64, 32), SIZE_WH, (128, 96))
    ]
    assert [tuple(shape) for shape in found] == [(8, 16), (12, 24), (24, 32)]


def test_worst_convolutions_can_stay_in_float(
    recipe, labelled, start, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    # Looking for the worst is tested with the writer, and takes as long as all tests here.
    monkeypatch.setattr(Int8Writer, 'gains', lambda self, _: dict.fromkeys(self.convolutions, 0))
    how = dataclasses.replace(recipe.quantised, kept_float=2)
    task = SegmentationTask(dataclasses.replace(recipe, quantised=how), labelled, labelled, start)
    network = task.build_model()
    assert len(network.kept_float) == 2
    stored = onnx.load(network.write(tmp_path / 'int8.onnx')).graph.initializer
    floats = [item.name for item in stored if item.data_type == 1 and len(item.dims) == 4]
    assert len(floats) == 2
    assert all(isinstance(network.get_parameter(name), torch.nn.Parameter) for name in floats)


@needs_int8
def test_the_loop_learns_in_int8_and_leaves_a_bundle(task, recipe, labelled, tmp_path):
    begun = {name: value.clone() for name, value in task.build_model().state_dict().items()}
    trainer = Trainer(task, tmp_path / 'run', threads=2)
    losses = []
    trainer.run([lambda now: losses.append(now.losses['cross_entropy'])])
    # Another build, whose export numbers its tensors anew.
    resumed = Trainer(task, tmp_path / 'run', resume=True)
    assert resumed.step == trainer.step == 4
    model = trainer.best_model()
    learnt = model.state_dict()
    moved = {name for name, value in learnt.items() if not torch.equal(value, begun[name])}
    assert any('stretch' in name for name in moved)
    assert any(name.startswith('trunk.') for name in moved)
    for name, value in learnt.items():
        if name.endswith(('.scale', '.zero_point')):
            assert torch.allclose(value, begun[name], rtol=1e-5), 'averaging moves what stays'
    assert np.isfinite(losses).all()
    report = SegmenterBundler(recipe=recipe, validation=labelled, threads=1).write(
        model, tmp_path / 'bundle'
    )
    bundle = read_bundle(tmp_path / 'bundle')
    assert report.parity.agreement >= 0.98
    kinds = {node.op_type for node in onnx.load(bundle.weights_path).graph.node}
    assert 'QuantizeLinear' in kinds
    assert bundle.spec.provenance.details['quantised'] == 'int8, trained'
    assert bundle.spec.source_statistics is None
    opened = Segmenter.load(bundle, device='cpu', threads=1)
    opened.verify()
    opened.close()


@needs_int8
def test_detector_learns_in_int8_too(coco_folder, small_recipe, tmp_path):
    torch.manual_seed(1)
    start = export_onnx(
        DetectorNet(small_recipe), tmp_path / 'start.onnx',
        size_wh=small_recipe.input_wh, output_names=DETECTOR_OUTPUTS,
    )  # fmt: skip
    how = QuantisedRecipe(form='int8', pictures=2)
    recipe = dataclasses.replace(small_recipe, quantised=how)
    truth = open_dataset(f'coco:{coco_folder / "annotations.json"}')
    trainer = Trainer(DetectionTask(recipe, truth, truth, start), tmp_path / 'run')
    batch = next(iter(trainer.task.batches(0)))
    assert all(map(math.isfinite, trainer.train_step(batch, 0.0).values()))
    network = trainer.model.eval()
    path = network.write(tmp_path / 'int8.onnx')
    image = np.random.default_rng(0).normal(size=(2, 3, 128, 160)).astype(np.float32)
    with torch.inference_mode():
        said = network(torch.from_numpy(image))
    for first, second in zip(said, run(path, image), strict=True):
        step = np.diff(np.unique(second)).min(initial=np.inf)
        assert np.abs(first.numpy() - second).mean() < 0.5 * step


def test_off_by_default_and_the_shipped_recipe_fits_its_start(task, recipe):
    standard = read_recipe(RECIPES / 'simulator_segmentation.yaml', SegmentationRecipe)
    assert not standard.quantised.is_on
    model = SegmenterNet(recipe)
    assert quantised(model, recipe, QuantisedRecipe(), [], SEGMENTER_OUTPUTS) is model
    shipped = read_recipe(RECIPES / 'simulator_segmentation_int8.yaml', SegmentationRecipe)
    assert shipped.quantised.is_on
    same = dataclasses.replace(shipped.model, pretrained=True, frozen_stages=2)
    assert same == standard.model
    assert (shipped.classes, shipped.input_wh) == (standard.classes, standard.input_wh)


def test_without_a_trained_network_nothing_is_rounded(recipe, labelled):
    with pytest.raises(ValueError, match='--start'):
        SegmentationTask(recipe, labelled, labelled)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'form': 'int4'}, 'none, int8'),
        ({'form': 'int8', 'pictures': 0}, 'below the minimum'),
        ({'form': 'int8', 'bits': 8}, 'allowed are'),
    ],
)
def test_nonsense_in_the_section_is_named(values, words):
    with pytest.raises(ValueError, match=words):
        recipe_from_dict({**VALUES, 'quantised': values}, SegmentationRecipe)


def test_operator_that_is_not_trained_is_named(network):
    odd = onnx.ModelProto()
    odd.CopyFrom(network._template)
    odd.graph.node[-1].op_type = 'Softplus'
    with pytest.raises(ValueError, match='Softplus is not trained'):
        QuantisedNetwork(odd, {}, 10.0)
