"""The page of a training says what its energy stands for."""

import json

import pytest

from perception_nodes.cli.training_report import leave_report
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.bundling import BundleReport
from perception_nodes.learning.export import Parity
from perception_nodes.learning.recipe import read_recipe
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe


@pytest.mark.parametrize('kwh', [2.0, 0.0])
def test_co2_names_its_factor_with_source_and_year(project_root, tmp_path, kwh):
    bundle = read_bundle(project_root / 'resource' / 'models' / 'simulator_segmenter')
    path = project_root / 'config' / 'recipes' / 'simulator_segmentation.yaml'
    report = BundleReport(
        bundle=bundle,
        parity=Parity(differences={'logits': 0.0}, agreement=1.0, decisions=1, pictures=1),
        calibration_error=(0.1, 0.05),
        latency_ms=None,
    )
    record = tmp_path / 'metrics.jsonl'
    line = {'epoch': 1, 'minutes': 3.0, 'energy_kwh': kwh, 'cross_entropy': 0.5, 'mIoU': 0.5}
    record.write_text(json.dumps(line) + '\n')
    page = leave_report(report, read_recipe(path, SegmentationRecipe), record, tmp_path / 'out')
    cost = json.loads((tmp_path / 'out' / 'report.json').read_text())['cost']
    assert cost['co2_g'] == 473 * kwh
    assert (cost['co2_g_per_kwh'], 'Ember' in cost['co2_source']) == (473, True)
    told = '2.000 kWh at 473 g/kWh, mean of the world’s electricity in 2024 (Ember' in (
        page.read_text()
    )
    assert told == (kwh > 0)
