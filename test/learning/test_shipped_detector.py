"""The bundle that the package brings is complete, small, measured, and works here."""

from pathlib import Path

import pytest

from perception_nodes.detection import Detector
from perception_nodes.inference.bundle import ModelBundle, read_bundle
from perception_nodes.learning.recipe import read_recipe
from perception_nodes.learning.recipes.detection import DetectionRecipe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def bundle() -> ModelBundle:
    return read_bundle(ROOT / 'resource' / 'models' / 'simulator_detector')


def test_shipped_bundle_agrees_with_its_golden_frame(bundle):
    detector = Detector.load(bundle, device='cpu', threads=1)
    detector.verify()
    detector.close()


def test_shipped_bundle_follows_its_recipe(bundle):
    recipe = read_recipe(ROOT / 'config' / 'recipes' / 'simulator_detector.yaml', DetectionRecipe)
    assert bundle.classes == recipe.classes
    assert bundle.spec.input.size_wh == recipe.input_wh
    assert bundle.spec.input.mean == pytest.approx(recipe.normalise_mean)


def test_shipped_bundle_is_small_enough_for_the_package(bundle):
    assert bundle.weights_path.stat().st_size < 6e6


def test_shipped_bundle_states_licence_origin_and_figures(bundle):
    figures = {metric.name: metric for metric in bundle.spec.metrics}
    assert bundle.spec.provenance.licence == 'Apache-2.0'
    assert 'efficientnet-lite0' in bundle.spec.provenance.initialisation
    assert figures['mAP50'].value >= 0.85
    assert 'held-out' in figures['mAP50'].data
    assert {f'AP50/{name}' for name in bundle.classes} <= set(figures)
    assert {'mAP50/small', 'mAP50/medium', 'mAP50/large', 'latency_ms'} <= set(figures)
