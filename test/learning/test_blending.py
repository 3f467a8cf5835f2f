import onnx
import pytest
import typer
from onnx import numpy_helper
from typer.testing import CliRunner

from perception_nodes.cli.blend import blend
from perception_nodes.inference.bundle import read_bundle
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


def test_networks_of_another_architecture_are_refused(write_mask_bundle, pair, tmp_path):
    fine = write_mask_bundle(tmp_path / 'fine')
    path = fine.file(fine.spec.weights.file)
    model = onnx.load(path)
    model.graph.initializer[0].name = 'renamed'
    onnx.save(model, tmp_path / 'other.onnx')
    with pytest.raises(ValueError, match='has no tensor'):
        write_blend(path, tmp_path / 'other.onnx', tmp_path / 'out.onnx', 0.5)


def test_command_writes_a_bundle(pair, tmp_path):
    app = typer.Typer()
    app.command()(blend)
    words = [str(bundle.path) for bundle in pair]
    result = CliRunner().invoke(app, [*words, '--out', str(tmp_path / 'mean')])
    assert result.exit_code == 0, result.output
    assert read_bundle(tmp_path / 'mean').classes == pair[0].classes
