import json

import cv2
import numpy as np
import onnx
import pytest
import typer
from onnx import numpy_helper
from typer.testing import CliRunner

from perception_nodes.cli.blend import blend
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.inference.bundle_sections import Calibration, Metric, Provenance
from perception_nodes.learning.blending import blended_bundle, write_blend


@pytest.fixture
def pair(write_mask_bundle, tmp_path):
    """Return two bundles of one architecture: the second trusts colours twice as much."""
    return [write_mask_bundle(tmp_path / str(scale), scale=scale) for scale in (10.0, 20.0)]


def weights(bundle):
    stored = onnx.load(bundle.file(bundle.spec.weights.file)).graph.initializer
    return {item.name: numpy_helper.to_array(item) for item in stored}


@pytest.mark.parametrize('part', [0.0, 0.25, 1.0])
def test_weights_are_the_mean(pair, tmp_path, part):
    out = blended_bundle(*pair, tmp_path / 'out', part=part, open_model=lambda _: None)
    first, second, found = (weights(bundle) for bundle in (*pair, out))
    for name, value in found.items():
        assert value == pytest.approx((1 - part) * first[name] + part * second[name])
    spec = read_bundle(out.path).spec
    assert pair[0].spec.weights.sha256 in spec.provenance.initialisation
    assert not spec.metrics, 'figures of the first would be claimed for another network'


def test_figures_of_the_parts_are_not_said_of_the_mean(write_mask_bundle, pair, tmp_path):
    first = write_mask_bundle(
        tmp_path / 'measured', metrics=(Metric(name='mIoU', value=0.9, data='pictures'),),
        features={'mean': [1.0]}, calibration=Calibration(temperature=1.5),
        provenance=Provenance(details={'validation_mIoU': 0.9, 'minutes': 80.0}),
    )  # fmt: skip
    out = blended_bundle(first, pair[1], tmp_path / 'out', part=0.3, open_model=lambda _: None)
    spec = read_bundle(out.path).spec
    assert (spec.metrics, spec.features) == ((), None)
    assert spec.provenance.details == {
        'made_of': [
            {'name': 'colours', 'weights_sha256': first.spec.weights.sha256, 'part': 0.7},
            {'name': 'colours', 'weights_sha256': pair[1].spec.weights.sha256, 'part': 0.3},
        ],
        'calibration': 'of colours, not fitted to this network',
    }
    assert spec.calibration.temperature == 1.5


@pytest.fixture
def labelled(tmp_path):
    """Return the address of a set whose left half is more or less red, labelled by chance."""
    folder = tmp_path / 'set'
    (folder / 'images').mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number in range(6):
        pixels, mask = np.full((32, 64, 3), 20, np.uint8), np.zeros((32, 64), np.uint8)
        pixels[:, :32, 2] = rng.integers(90, 200, (32, 32))
        mask[:, :32] = rng.random((32, 32)) < 0.7
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    card = {'semantic_classes': ['floor', 'red', 'blue']}
    (folder / 'dataset.json').write_text(json.dumps(card))
    return f'masks:{folder}'


def test_temperature_is_fitted_to_the_mean(pair, labelled, tmp_path):
    found = {}
    for part in (0.0, 0.5, 1.0):
        out = blended_bundle(
            *pair, tmp_path / f'out_{part}', part=part, open_model=lambda _: None,
            labelled=labelled,
        )  # fmt: skip
        spec = read_bundle(out.path).spec
        found[part] = spec.calibration.temperature
        words = spec.provenance.details['calibration']
        assert words.startswith(f'fitted to this network on 6 pictures of {labelled}, expected')
    # Logits twice as large, with labels that are as uncertain.
    assert found[0.5] == pytest.approx(1.5 * found[0.0], rel=0.01)
    assert found[1.0] == pytest.approx(2 * found[0.0], rel=0.01)


def test_set_of_other_classes_calibrates_nothing(write_mask_bundle, labelled, tmp_path):
    first, second = (
        write_mask_bundle(tmp_path / name, classes=('floor', 'red', 'green')) for name in 'ab'
    )
    with pytest.raises(ValueError, match='the network is calibrated on labels of its own'):
        blended_bundle(
            first, second, tmp_path / 'out', part=0.5, open_model=lambda _: None,
            labelled=labelled,
        )  # fmt: skip
    assert not (tmp_path / 'out').exists()


def test_parts_are_not_replaced_by_the_mean(pair):
    for bundle in pair:
        with pytest.raises(ValueError, match='is the model that the new one is made from'):
            blended_bundle(*pair, bundle.path, part=0.5, open_model=lambda _: None)
        assert read_bundle(bundle.path) == bundle


def test_networks_of_another_architecture_are_refused(write_mask_bundle, pair, tmp_path):
    fine = write_mask_bundle(tmp_path / 'fine')
    path = fine.file(fine.spec.weights.file)
    model = onnx.load(path)
    model.graph.initializer[0].name = 'renamed'
    onnx.save(model, tmp_path / 'other.onnx')
    with pytest.raises(ValueError, match='has no tensor'):
        write_blend(path, tmp_path / 'other.onnx', tmp_path / 'out.onnx', 0.5)


def test_command_writes_a_calibrated_bundle(pair, labelled, tmp_path):
    app = typer.Typer()
    app.command()(blend)
    words = [str(bundle.path) for bundle in pair]
    words += ['--out', str(tmp_path / 'mean'), '--val', labelled]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert 'calibration: fitted to this network on 6 pictures' in ' '.join(result.output.split())
    assert read_bundle(tmp_path / 'mean').classes == pair[0].classes
