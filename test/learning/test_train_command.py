"""The whole command, from labelled pictures to a bundle, on four drawn pictures."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from perception_nodes.cli.train import app
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.recipe import recipe_to_dict


@pytest.fixture
def recipe_file(small_recipe, tmp_path: Path) -> Path:
    values = recipe_to_dict(small_recipe)
    values['schedule'] |= {'epochs': 30, 'learning_rate': 0.01}
    plain = {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(plain))
    return path


def call(*words: object):
    return CliRunner().invoke(app, ['detection', *map(str, words)])


def test_command_leaves_bundle_record_and_curve(recipe_file, coco_folder, tmp_path: Path):
    data = f'coco:{coco_folder / "annotations.json"}'
    out = tmp_path / 'run'
    words = ['--recipe', recipe_file, '--data', data, '--val', data, '--out', out]
    result = call(*words, '--held-out', data, '--threads', 1, '--licence', 'Apache-2.0')
    assert result.exit_code == 0, result.output + str(result.exception)
    bundle = read_bundle(out / 'bundle')
    assert bundle.spec.provenance.source.startswith('perception train detection --recipe')
    assert f'--held-out {data}' in bundle.spec.provenance.source
    assert '--threads 1' in bundle.spec.provenance.source
    assert {metric.name for metric in bundle.spec.metrics} >= {'mAP50', 'AP50/square'}
    assert len((out / 'metrics.jsonl').read_text().splitlines()) == 30
    assert (out / 'curve.png').stat().st_size > 1000
    page = (out / 'report.html').read_text()
    assert page.count('<svg') == 5, 'loss, validation, precision, calibration, referral'
    for words in (
        'Precision over recall',
        'Is the score honest?',
        'Most wrong boxes',
        'mAP50',
        'Apache-2.0',
        'square',
        'learning_rate',
        bundle.spec.weights.sha256,
    ):
        assert words in page
    report = json.loads((out / 'report.json').read_text())
    assert len(report['epochs']) == 30
    assert report['cost']['minutes'] > 0
    assert report['data']['learnt from'] == data
    assert report['model']['licence'] == 'Apache-2.0'


def test_unknown_kind_of_data_is_refused_before_training(recipe_file, tmp_path: Path):
    result = call('--recipe', recipe_file, '--data', 'x', '--val', 'x', '--out', tmp_path / 'run')
    assert isinstance(result.exception, ValueError)
    assert 'coco' in str(result.exception)
    assert not (tmp_path / 'run').exists()


def test_early_end_is_told(recipe_file, coco_folder, tmp_path: Path):
    values = yaml.safe_load(recipe_file.read_text())
    values['schedule'] |= {'learning_rate': 0.0, 'patience': 1}
    recipe_file.write_text(yaml.safe_dump(values))
    data, out = f'coco:{coco_folder / "annotations.json"}', tmp_path / 'run'
    result = call('--recipe', recipe_file, '--data', data, '--val', data, '--out', out)
    epochs = len((out / 'metrics.jsonl').read_text().splitlines())
    assert 2 <= epochs < 30
    words = f'ended early after epoch {epochs} of 30: no better mAP50 for a patience of 1'
    assert words in ' '.join(result.output.split())


def test_bundle_that_would_replace_something_else_is_refused_before_training(
    recipe_file, coco_folder, tmp_path: Path
):
    data, out = f'coco:{coco_folder / "annotations.json"}', tmp_path / 'run'
    words = ['--recipe', recipe_file, '--data', data, '--val', data, '--out', out]
    result = call(*words, '--bundle', coco_folder)
    assert 'holds annotations.json, which belongs to no bundle' in str(result.exception)
    start = coco_folder / 'model.onnx'
    start.write_bytes(b'not read before the training')
    result = call(*words, '--bundle', coco_folder, '--start', start)
    assert 'is the model that the new one is made from' in str(result.exception)
    assert not out.exists()
