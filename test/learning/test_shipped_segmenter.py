"""The segmenter that the package brings is complete, measured, and works here."""

from pathlib import Path

import pytest

from perception_nodes.evaluation.machine import multiplies_int8
from perception_nodes.inference.bundle import ModelBundle, read_bundle
from perception_nodes.learning.adaptation.norms import open_norms
from perception_nodes.learning.adaptation.statistics import kept_statistics, know_source
from perception_nodes.learning.adversarial.differentiable import network_of
from perception_nodes.learning.recipe import read_recipe
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.mapping import SIMULATOR_CLASSES
from perception_nodes.path import PathClasses
from perception_nodes.segmentation import Segmenter

ROOT = Path(__file__).parents[2]
PARTS = ('', '_whole', '_gpu', '_gpu_slower', '_tight', '_disturbed')
LEAST_MIOU = {'simulator_segmenter': 0.9, 'simulator_segmenter_disturbed': 0.88}
FORMS = [f'{name}{form}' for name in LEAST_MIOU for form in ('', '_int8')]


@pytest.fixture(scope='module', params=FORMS)
def bundle(request) -> ModelBundle:
    return read_bundle(ROOT / 'resource' / 'models' / request.param)


def test_shipped_bundle_agrees_with_its_golden_frame(bundle):
    if bundle.name.endswith('int8') and not multiplies_int8():
        pytest.skip('this processor has no instructions for 8-bit products')
    segmenter = Segmenter.load(bundle, device='cpu', threads=1)
    segmenter.verify()
    segmenter.close()


@pytest.mark.parametrize('part', PARTS)
def test_shipped_bundle_follows_its_recipes(bundle, part):
    recipe = read_recipe(
        ROOT / 'config' / 'recipes' / f'simulator_segmentation{part}.yaml', SegmentationRecipe
    )
    assert bundle.classes == recipe.classes
    assert bundle.spec.input.size_wh == recipe.input_wh


def test_map_and_path_know_its_classes(bundle):
    path = PathClasses()
    named = {*path.road, *path.markings, *path.blocking}
    assert named <= set(bundle.classes)
    assert set(bundle.classes) <= set(SIMULATOR_CLASSES.names)


def test_shipped_bundle_states_licence_origin_and_figures(bundle):
    figures = {metric.name: metric for metric in bundle.spec.metrics}
    assert bundle.spec.provenance.licence == 'Apache-2.0'
    assert 'held-out' in figures['mIoU'].data
    assert figures['mIoU'].value >= LEAST_MIOU[bundle.name.removesuffix('_int8')]
    if 'disturbed' in bundle.name:
        assert figures['mIoU_disturbed'].value >= 0.72
        assert figures['mIoU_worn'].value >= 0.72
    assert {f'IoU/{name}' for name in bundle.classes} <= set(figures)
    assert {'calibration_error', 'latency_ms'} <= set(figures)


@pytest.mark.parametrize('name', LEAST_MIOU)
def test_shipped_float_bundle_knows_its_source(name):
    bundle = read_bundle(ROOT / 'resource' / 'models' / name)
    opened = open_norms(network_of(bundle))
    know_source(opened, kept_statistics(bundle))
    variances = [norm.source[1] for norm in opened.norms.values()]
    assert all((variance > 0).all() for variance in variances)
