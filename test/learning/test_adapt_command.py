"""``perception adapt`` from pictures, a bag or a torch bundle to a bundle that verifies."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch
import typer
from safetensors.torch import save_file
from typer.testing import CliRunner

from perception_nodes.cli.adapt import STATISTICS, adapt_command
from perception_nodes.inference.bundle import placeholder_weights, read_bundle, write_bundle
from perception_nodes.inference.bundle_sections import (
    ArchitectureSpec,
    Calibration,
    DecoderSpec,
    InputSpec,
    Metric,
    Provenance,
)
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.learning.adaptation.bundles import keep_statistics
from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.segmentation import Segmenter

CLASSES = ['disc', 'ground']
SIZE_WH = (64, 64)
INPUT = InputSpec(size_wh=SIZE_WH, scale=1 / 255, mean=(0.5,) * 3, std=(0.5,) * 3)


def drawn(count: int, brightness: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, H, W, 3) uint8 pictures of discs and their (N, H, W) labels."""
    rng = np.random.default_rng(4)
    pixels = rng.integers(90, 130, (count, 64, 64, 3)).astype(np.uint8)
    labels = np.ones((count, 64, 64), np.uint8)
    for picture, mask in zip(pixels, labels, strict=True):
        x, y = (int(value) for value in rng.integers(20, 44, 2))
        cv2.circle(picture, (x, y), 16, (250, 250, 250), -1)
        cv2.circle(mask, (x, y), 16, 0, -1)
    return (brightness * pixels).astype(np.uint8), labels


def written(folder, brightness=1.0, count=6):
    """Write pictures and masks as ``perception synthesize`` does, and return the folder."""
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True)
    for number, (picture, mask) in enumerate(zip(*drawn(count, brightness), strict=True)):
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), picture)
        cv2.imwrite(str(folder / 'masks' / f'{number}.png'), mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': CLASSES}))
    return folder


@pytest.fixture(scope='module')
def bundle(tmp_path_factory):
    """Return a bundle of a small network that has learnt a little."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    recipe = recipe_from_dict(
        {'name': 'discs', 'classes': CLASSES, 'input_wh': list(SIZE_WH),
         'model': {'pretrained': False, 'channels': 8, 'output_stride': 4}},
        SegmentationRecipe,
    )  # fmt: skip
    model = SegmenterNet(recipe).train()
    pictures, labels = drawn(6, 1.0)
    x = torch.from_numpy(pictures[..., ::-1].copy()).permute(0, 3, 1, 2) / 127.5 - 1
    truth = torch.from_numpy(labels[:, 2::4, 2::4].astype(np.int64))
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x), truth).backward()
        optimiser.step()
    folder = tmp_path_factory.mktemp('discs')
    weights = export_onnx(
        model.eval(), folder / 'model.onnx', size_wh=SIZE_WH, output_names=('logits',)
    )
    spec = ModelSpec(
        name='discs', task='segmentation', weights=placeholder_weights('model.onnx'), input=INPUT,
        decoder=DecoderSpec(name='semantic_logits'), classes=tuple(CLASSES),
        calibration=Calibration(temperature=1.1), provenance=Provenance(data='drawn discs'),
        metrics=(Metric(name='mIoU', value=0.9, data='drawn discs'),), features={'mean': [1.0]},
    )  # fmt: skip
    return write_bundle(folder / 'discs', spec, weights)


def run(*words):
    app = typer.Typer()
    app.command()(adapt_command)
    return CliRunner().invoke(app, [*map(str, words), '--device', 'cpu', '--threads', '1'])


def test_command_adapts_scores_and_leaves_a_bundle_that_verifies(bundle, tmp_path):
    source, dark = written(tmp_path / 'source'), written(tmp_path / 'dark', 0.4)
    out = tmp_path / 'out'
    words = [bundle.path, '--pictures', dark / 'images', '--source', source / 'images']
    words += ['--method', 'entropy', '--steps', 4, '--prior', 2, '--out', out]
    words += ['--least-agreement', 0, '--labelled', f'masks:{dark}']
    result = run(*words)
    assert result.exit_code == 0, result.output + str(result.exception)
    record = json.loads((out / 'adapt.json').read_text())
    assert record['pictures'] == 6
    assert record['scores']['after']['mIoU'] > record['scores']['before']['mIoU']
    assert len(record['steps']['entropy']) == 4
    assert '6 labelled pictures' in (out / 'report.html').read_text()
    found = read_bundle(out / 'bundle')
    spec = found.spec
    assert bundle.spec.weights.sha256 in spec.provenance.initialisation
    assert f'adapted to 6 pictures without labels, {dark / "images"}' in spec.provenance.data
    assert spec.provenance.details['adaptation']['method'] == 'entropy'
    assert spec.provenance.details['parity']['pictures'] == 4
    assert not spec.metrics, 'they are figures of another network'
    assert spec.features is None
    assert spec.calibration.temperature >= 1.1
    segmenter = Segmenter.load(found, device='cpu', threads=1)
    segmenter.verify()
    segmenter.close()
    # The kept statistics stand for the pictures of the source.
    again = run(*words[:3], '--source', out / STATISTICS, *words[5:-6], '--out', tmp_path / 'two',
                '--least-agreement', 0)  # fmt: skip
    assert again.exit_code == 0, again.output + str(again.exception)
    twin = read_bundle(tmp_path / 'two' / 'bundle')
    assert twin.spec.weights.sha256 == spec.weights.sha256


def test_a_merged_network_without_its_source_is_refused_with_the_cure(bundle, tmp_path):
    dark = written(tmp_path / 'dark', 0.4)
    result = run(bundle.path, '--pictures', dark / 'images', '--out', tmp_path / 'out')
    assert isinstance(result.exception, ValueError)
    assert '--source' in str(result.exception)
    assert not (tmp_path / 'out' / 'bundle').exists()


def test_a_bundle_that_keeps_its_statistics_needs_no_source(bundle, tmp_path):
    source, dark = written(tmp_path / 'source'), written(tmp_path / 'dark', 0.7)
    knowing = shutil.copytree(bundle.path, tmp_path / 'knowing')
    adapting = ['--pictures', dark / 'images', '--least-agreement', 0]
    told = run(bundle.path, *adapting, '--source', source / 'images', '--out', tmp_path / 'told')
    assert told.exit_code == 0, told.output + str(told.exception)
    kept = run(knowing, '--source', source / 'images', '--keep', '--out', tmp_path / 'kept')
    assert kept.exit_code == 0, kept.output + str(kept.exception)
    assert not (tmp_path / 'kept' / 'bundle').exists(), 'nothing to adapt to'
    spec = read_bundle(knowing).spec
    assert replace(spec, source_statistics=None) == bundle.spec
    alone = run(knowing, *adapting, '--out', tmp_path / 'alone')
    assert alone.exit_code == 0, alone.output + str(alone.exception)
    first, second = (read_bundle(tmp_path / name / 'bundle').spec for name in ('told', 'alone'))
    assert second.weights == first.weights
    assert second.source_statistics is None, 'they are of another network'


def test_statistics_of_another_network_are_not_kept(bundle, tmp_path):
    save_file({'trunk': torch.zeros(2, 3)}, tmp_path / STATISTICS, {'weights_sha256': '0' * 64})
    with pytest.raises(ValueError, match='statistics of weights 000000000000'):
        keep_statistics(bundle, tmp_path / STATISTICS)
    result = run(bundle.path, '--keep', '--out', tmp_path / 'out')
    assert 'Give --source' in str(result.exception)
    result = run(bundle.path, '--out', tmp_path / 'out')
    assert 'give --pictures' in str(result.exception)


def test_a_torch_bundle_knows_its_source(tmp_path):
    smp = pytest.importorskip('segmentation_models_pytorch')
    options = {'encoder_name': 'mobilenet_v2', 'decoder_channels': [16, 16, 8, 8, 8]}
    torch.manual_seed(0)
    model = smp.Unet(encoder_weights=None, classes=2, **options).train()
    x = torch.from_numpy(drawn(4, 1.0)[0][..., ::-1].copy()).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        for _ in range(30):
            model(x)  # the norms take their statistics
        offset = model.eval()(x).mean((0, 2, 3))
        model.segmentation_head[0].bias.sub_(offset)  # both classes are seen
    weights = tmp_path / 'model.safetensors'
    safetensors.torch.save_file(model.state_dict(), str(weights))
    spec = ModelSpec(
        name='unet', task='segmentation', weights=placeholder_weights('model.safetensors'),
        architecture=ArchitectureSpec(name='smp:Unet', options=options), input=INPUT,
        decoder=DecoderSpec(name='semantic_logits'), classes=tuple(CLASSES),
    )  # fmt: skip
    bundle = write_bundle(tmp_path / 'unet', spec, weights)
    dark = written(tmp_path / 'dark', 0.5)
    out = tmp_path / 'out'
    result = run(bundle.path, '--pictures', dark / 'images', '--out', out, '--least-agreement', 0)
    assert result.exit_code == 0, result.output + str(result.exception)
    found = read_bundle(out / 'bundle')
    assert found.spec.architecture == bundle.spec.architecture
    assert found.spec.weights.sha256 != bundle.spec.weights.sha256
