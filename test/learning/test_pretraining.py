"""Features from frames without labels: loss, figures, collapse, and the whole command."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from perception_nodes.cli.main import build_app
from perception_nodes.learning.checkpoints import RECORD
from perception_nodes.learning.curve import read_record
from perception_nodes.learning.data.batches import normalised
from perception_nodes.learning.data.views import ViewDataset, fixed_views, whole_frames
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.models.path import PathNet
from perception_nodes.learning.models.pretraining import PretrainingNet, TrunkOnly
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.path import PathRecipe
from perception_nodes.learning.recipes.pretraining import PretrainingRecipe, ViewLossRecipe
from perception_nodes.learning.tasks.pretraining import (
    CollapseError,
    PretrainingTask,
    effective_rank,
    measure_norms,
    refuse_collapse,
    spread,
    view_match,
)
from perception_nodes.learning.trunk_export import write_trunk
from perception_nodes.learning.view_losses import lacking_variance, redundancy, view_loss
from perception_nodes.learning.warm_start import trunk_from

VALUES = {
    'name': 'scenes',
    'input_wh': [32, 32],
    'model': {'pretrained': False, 'stride': 8, 'width': 32},
    'data': {'workers': 0, 'area_min': 0.5, 'colour': 0.3},
    'schedule': {'epochs': 2, 'batch': 16, 'trunk_rate_factor': 1.0, 'warmup_steps': 2,
                 'learning_rate': 0.003, 'ema_decay': 0.5},
}  # fmt: skip

HASTE = {**VALUES['schedule'], 'epochs': 24, 'validate_every': 24, 'batch': 24,
         'learning_rate': 0.03, 'ema_decay': 0.0}  # fmt: skip
"""In which a network that nothing keeps from it collapses."""


@pytest.fixture
def recipe() -> PretrainingRecipe:
    return recipe_from_dict(VALUES, PretrainingRecipe)


def scenes(count: int, seed: int = 0) -> list[np.ndarray]:
    """Return pictures (40, 48, 3) uint8 of blobs."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (count, 5, 6, 3)).astype(np.uint8)
    return [cv2.resize(item, (48, 40), interpolation=cv2.INTER_CUBIC) for item in small]


class TestLoss:
    def test_equal_spread_independent_embeddings_cost_nothing(self):
        signs = torch.tensor([[2.0, 2.0], [2.0, -2.0], [-2.0, 2.0], [-2.0, -2.0]])
        assert all(float(term) == 0 for term in view_loss(signs, signs, ViewLossRecipe()).values())

    def test_the_terms_are_those_of_the_paper(self):
        """Worked out by hand: deviations √2 and 0, one covariance of 0."""
        first = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
        second = torch.tensor([[0.0, 1.0], [0.0, 3.0]])
        terms = view_loss(first, second, ViewLossRecipe())
        assert float(terms['invariance']) == pytest.approx(25 * (4 + 4) / 4)
        lacking = (0 + 1 - 1e-4**0.5) / 2
        assert float(terms['variance']) == pytest.approx(25 * lacking, rel=1e-5)
        assert float(terms['covariance']) == pytest.approx(0, abs=1e-6)

    def test_what_is_said_twice_costs(self):
        column = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
        twice = column.expand(-1, 3)
        # Six pairs of different dimensions, each with the covariance 4/3, by three dimensions.
        assert float(redundancy(twice)) == pytest.approx(6 * (4 / 3) ** 2 / 3)

    def test_embeddings_that_are_all_the_same_lack_all_variance(self):
        assert float(lacking_variance(torch.ones(4, 8))) == pytest.approx(0.99, abs=1e-3)


class TestFigures:
    def test_own_views_are_found(self):
        torch.manual_seed(0)
        features = torch.randn(20, 16)
        assert view_match(features, features + 0.01 * torch.randn(20, 16)) == 1.0

    def test_features_that_are_all_the_same_find_one(self):
        assert view_match(torch.ones(20, 16), torch.ones(20, 16)) == pytest.approx(1 / 20)

    def test_spread_is_the_deviation_at_most_one_wherever_the_mean_is(self):
        columns = torch.tensor([[9.0, 0.5], [-9.0, -0.5]]) / 2**0.5
        assert spread(columns + 100) == pytest.approx((1 + 0.5) / 2, abs=1e-4)
        assert spread(torch.full((10, 64), 7.0)) == 0

    def test_effective_rank_counts_directions(self):
        signs = torch.tensor([[1.0, 0], [-1.0, 0], [0, 1.0], [0, -1.0]])
        assert effective_rank(signs) == pytest.approx(2.0, rel=1e-4)
        assert effective_rank(signs[:, :1] * torch.ones(1, 5)) == pytest.approx(1.0, rel=1e-4)

    def test_collapse_is_refused_with_its_figure(self):
        refuse_collapse({'spread': 0.9})
        for value in (0.09, float('nan')):
            with pytest.raises(CollapseError, match=r'loss\.variance'):
                refuse_collapse({'spread': value})


def test_two_views_differ_and_come_again(recipe):
    dataset = ViewDataset(scenes(3), recipe)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    views = fixed_views(dataset, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    again = fixed_views(dataset, seed=1)
    assert views.first.shape == (3, 3, 32, 32)
    assert views.first.dtype == torch.uint8
    assert torch.equal(views.first, again.first)
    assert not torch.equal(views.first, views.second)


def test_a_view_without_changes_is_the_whole_frame(recipe):
    still = replace(recipe.data, area_min=1.0, colour=0.0, flip=False)
    torch.manual_seed(0)
    frame = np.full((40, 48, 3), (200, 100, 50), np.uint8)
    sample = ViewDataset([frame], replace(recipe, data=still))[0]
    assert np.allclose(sample['first'].float().mean((1, 2)), (200, 100, 50), atol=2)


def test_parts_keep_enough_frames_together(recipe):
    task = PretrainingTask(recipe, scenes(4), scenes(16, 1))
    for frames, count, wanted in ((16, 4, [16]), (70, 4, [35, 35]), (64, 1, [64])):
        batch = fixed_views(ViewDataset(scenes(frames), recipe), 0)
        parts = task.parts(batch, count)
        assert [len(part.first) for part in parts] == wanted
        assert torch.equal(torch.cat([part.second for part in parts]), batch.second)


def test_too_few_frames_are_refused(recipe):
    with pytest.raises(ValueError, match='15 held out'):
        PretrainingTask(recipe, scenes(4), scenes(15))


@pytest.mark.parametrize(
    ('section', 'values', 'words'),
    [
        ('model', {'stride': 12}, 'stride: 12'),
        ('schedule', {'batch': 1}, 'nothing to differ from'),
        ('data', {'area_min': 0.0}, 'area_min'),
        ('loss', {'variance': -1.0}, 'variance'),
    ],
)
def test_values_out_of_range_are_refused(section, values, words):
    with pytest.raises(ValueError, match=words):
        recipe_from_dict({**VALUES, section: values}, PretrainingRecipe)


def test_training_brings_the_loss_down(recipe, tmp_path):
    pace = replace(recipe.schedule, epochs=6, validate_every=6, batch=32)
    trainer = Trainer(
        PretrainingTask(replace(recipe, schedule=pace), scenes(64), scenes(16, 1)), tmp_path
    )
    trainer.run()
    record = read_record(tmp_path / RECORD)
    first, last = (
        sum(line[name] for name in ('invariance', 'variance', 'covariance'))
        for line in (record[0], record[-1])
    )
    assert last < 0.8 * first
    assert 0 <= record[-1]['view_match'] <= 1


def test_the_file_gives_a_network_of_another_task_the_same_features(recipe, tmp_path):
    torch.manual_seed(0)
    model = PretrainingNet(replace(recipe, model=replace(recipe.model, stride=16)))
    for module in model.trunk.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    model.eval()
    path = tmp_path / 'trunk.onnx'
    sixteen = replace(recipe, model=replace(recipe.model, stride=16))
    assert write_trunk(model, path, sixteen, scenes(3)) < 1e-3
    other = PathNet(recipe_from_dict(
        {'name': 'p', 'input_wh': [32, 32], 'model': {'pretrained': False}}, PathRecipe
    )).eval()  # fmt: skip
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = model.trunk(image)[0]
        assert not torch.allclose(other.trunk(image)[0], wanted, atol=1e-2)
        found = trunk_from(other, path).trunk(image)[0]
    assert torch.allclose(found, wanted, atol=1e-4)
    names = dict(TrunkOnly(model.trunk).named_parameters())
    assert names.keys() == {f'trunk.{name}' for name, _ in other.trunk.named_parameters()}


def test_norms_take_the_statistics_of_the_pictures(recipe):
    model = PretrainingNet(recipe)
    norm = model.trunk.parts[0][1]
    images = whole_frames(scenes(6), recipe)
    measure_norms(model, images, recipe)
    with torch.no_grad():
        inputs = model.trunk.parts[0][0](normalised(images, recipe))
    assert torch.allclose(norm.running_mean, inputs.mean((0, 2, 3)), atol=1e-4)
    assert norm.momentum == 0.1
    assert not model.training


def test_whole_frames_have_the_size_of_the_input(recipe):
    assert whole_frames(scenes(2), recipe).shape == (2, 3, 32, 32)


class TestCommand:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / 'frames'
        folder.mkdir()
        for number, pixels in enumerate(scenes(48)):
            cv2.imwrite(str(folder / f'{number:03d}.png'), pixels)
        return folder

    def call(self, tmp_path: Path, *words: object, **changes: object):
        file = tmp_path / 'recipe.yaml'
        file.write_text(yaml.safe_dump({**VALUES, **changes}))
        out = tmp_path / 'run'
        line = ['pretrain', '--recipe', file, '--out', out, '--threads', 1, *words]
        return CliRunner().invoke(build_app('pretrain'), [str(word) for word in line]), out

    def test_leaves_trunk_figures_and_neighbours(self, folder, tmp_path):
        words = ('--pictures', folder, '--cut', 0.4, '--seed', 3, '--licence', 'MIT')
        result, out = self.call(tmp_path, *words)
        assert result.exit_code == 0, result.output + str(result.exception)
        report = json.loads((out / 'pretraining.json').read_text())
        assert (report['frames'], report['held_out_frames']) == (25, 19), 'two on each side'
        assert report['figures'].keys() >= {'view_match', 'view_match_before', 'spread'}
        no_gain = report['figures']['view_match'] <= report['figures']['view_match_before']
        assert ('no gain' in result.output) == no_gain
        source = report['provenance']['source']
        assert source.startswith('perception pretrain --recipe')
        assert ' --cut 0.4 --gap 2 --seed 3 ' in source
        assert report['provenance']['initialisation'] == 'random'
        assert cv2.imread(str(out / 'neighbours.jpg')).shape[0] == 6 * 76
        assert (out / 'curve.png').exists()
        page = (out / 'report.html').read_text()
        assert page.count('<svg') == 2, 'loss and validation'
        assert page.count('data:image/jpeg') == 1, 'the neighbours'
        assert f'{report["figures"]["view_match"]:.3f}' in page
        assert report['machine']['Processor'] in page
        record = [json.loads(line) for line in (out / 'metrics.jsonl').read_text().splitlines()]
        assert {'invariance', 'variance', 'covariance', 'view_match'} <= record[-1].keys()
        other = PathRecipe(name='p', input_wh=(32, 32))
        trunk_from(PathNet(other), out / 'trunk.onnx')

    def test_frames_that_choose_may_be_named(self, folder, tmp_path):
        result, out = self.call(tmp_path, '--pictures', folder, '--val', folder)
        assert result.exit_code == 0, result.output + str(result.exception)
        report = json.loads((out / 'pretraining.json').read_text())
        assert (report['frames'], report['held_out_frames']) == (48, 48)

    def test_too_few_frames_to_choose_with_are_refused_before_training(self, folder, tmp_path):
        result, out = self.call(tmp_path, '--pictures', folder, '--cut', 0.1)
        assert isinstance(result.exception, ValueError)
        assert '5 held out' in str(result.exception)
        assert not out.exists()

    def test_a_collapsed_run_writes_no_trunk(self, folder, tmp_path):
        result, out = self.call(
            tmp_path, '--pictures', folder, '--cut', 0.4,
            loss={'variance': 0.0, 'covariance': 0.0}, schedule=HASTE,
        )  # fmt: skip
        assert isinstance(result.exception, CollapseError)
        assert not (out / 'trunk.onnx').exists()
