"""``perception robustness --attacks``: harm that is right, copies that stay, refusals."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import typer
from torch import nn
from typer.testing import CliRunner

from perception_nodes.cli import attacks
from perception_nodes.cli.robustness import robustness
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.learning.adversarial import differentiable as opening
from perception_nodes.learning.adversarial.config import AttackConfig, PatchConfig
from perception_nodes.robustness.attacking import AttackPlan
from perception_nodes.robustness.segmentation import SegmentationSubject
from perception_nodes.segmentation import Segmenter

APP = typer.Typer()
APP.command()(robustness)
CLASSES = ['blue', 'floor', 'red']  # in another order than the network's


class Colours(nn.Module):
    """The network of ``write_mask_bundle`` in torch."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        red, _, blue = nn.functional.avg_pool2d(batch, 8).unbind(1)
        return torch.stack([torch.zeros_like(red), 10 * red - 5, 10 * blue - 5], 1)


@pytest.fixture
def with_gradients(monkeypatch):
    """Open the bundles of colours for gradients."""
    monkeypatch.setattr(
        opening, 'differentiable',
        lambda bundle: opening.PictureNetwork(Colours(), bundle.spec.input).eval(),
    )  # fmt: skip


@pytest.fixture(scope='module')
def model(write_mask_bundle, tmp_path_factory) -> Path:
    return write_mask_bundle(tmp_path_factory.mktemp('model')).path


@pytest.fixture(scope='module')
def labelled(tmp_path_factory) -> Path:
    """Return a set whose left half is red; the border between the halves does not count."""
    folder = tmp_path_factory.mktemp('set')
    (folder / 'images').mkdir()
    for number in range(3):
        pixels, mask = np.full((32, 64, 3), 40, np.uint8), np.ones((32, 64), np.uint8)
        pixels[:, :32, 2], mask[:, :32] = 220, 2
        mask[:, 28:36] = 255
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': CLASSES}))
    return folder


def call(labelled, model, out, *words, exit_code=0):
    base = ['--data', f'masks:{labelled}', '--model', model, '--out', out, '--device', 'cpu']
    words = [*base, '--corruption', 'none', *words]
    result = CliRunner().invoke(APP, [str(word) for word in words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def figures_in(out: Path) -> dict:
    (found,) = json.loads((out / 'metrics.json').read_text())['models']
    return found['under_attack']


def test_attacks_turn_what_noise_of_their_size_does_not(with_gradients, labelled, model, tmp_path):
    # Red is told by 0.86 against 0.5: 93 grey levels. The floor becomes blue or red at 88.
    call(labelled, model, tmp_path, '--attacks', 'noise,fgsm,pgd', '--epsilon', 100)
    found = figures_in(tmp_path)
    assert found['agreement'] == 1
    assert found['clean']['mean_iou'] == pytest.approx(1.0)
    by_attack = {name: stand['mean_iou'] for name, stand in found['by_attack'].items()}
    assert by_attack == {'noise': 1.0, 'fgsm': 0.0, 'pgd': 0.0}
    assert found['worst']['mean_iou'] == 0.0
    assert found['worst_by'] == {'fgsm': 3}
    assert found['attacks']['pgd']['epsilon_levels'] == 100
    page = (tmp_path / 'report.html').read_text()
    assert 'under attack' in page
    assert 'fgsm, 1.png: 100.0% wrong' in page
    call(labelled, model, tmp_path, '--attacks', 'noise,fgsm,pgd', '--epsilon', 80)
    assert {stand['mean_iou'] for stand in figures_in(tmp_path)['by_attack'].values()} == {1.0}


def test_the_step_is_that_of_the_call_and_is_named(with_gradients, labelled, model, tmp_path):
    # Two steps of 50 do not bring red down by 93 from where chance starts; two of 100 do.
    words = ['--attacks', 'pgd', '--epsilon', 100, '--iterations', 2, '--restarts', 2]
    for step, is_left in ((50, True), (100, False)):
        call(labelled, model, tmp_path, *words, '--step', step)
        found = figures_in(tmp_path)
        assert (found['by_attack']['pgd']['mean_iou'] > 0.5) == is_left
        how = found['attacks']['pgd']
        assert (how['step_levels'], how['iterations'], how['restarts']) == (step, 2, 2)
        page = (tmp_path / 'report.html').read_text()
        assert f'2 steps of {step} from each of 2 starts' in page
    call(labelled, model, tmp_path, *words)
    assert figures_in(tmp_path)['attacks']['pgd']['step_levels'] == 125


def test_the_worst_is_chosen_for_every_picture_apart(with_gradients, labelled, model, tmp_path):
    call(labelled, model, tmp_path, '--attacks', 'noise,fgsm', '--epsilon', 100)
    kept = tmp_path / 'attacked' / '0'
    # As if the noise had spoilt one picture, and FGSM had failed there.
    first, second = (kept / name / 'images' / '1.png' for name in ('noise', 'fgsm'))
    harmless, harmful = first.read_bytes(), second.read_bytes()
    first.write_bytes(harmful)
    second.write_bytes(harmless)
    call(labelled, model, tmp_path, '--attacks', 'noise,fgsm', '--epsilon', 100)
    found = figures_in(tmp_path)
    assert found['worst_by'] == {'fgsm': 2, 'noise': 1}
    assert found['worst']['mean_iou'] == 0.0
    assert all(stand['mean_iou'] > 0.1 for stand in found['by_attack'].values())


def test_copies_are_sets_and_stay_until_something_changes(
    with_gradients, labelled, model, tmp_path
):
    words = ['--attacks', 'fgsm', '--epsilon', 100]
    call(labelled, model, tmp_path, *words)
    folder = tmp_path / 'attacked' / '0' / 'fgsm'
    attacked, clean = (open_masked_set(f'masks:{path}') for path in (folder, labelled))
    for one, other in zip(attacked.pictures, clean.pictures, strict=True):
        (frame, truth), (before, labels) = attacked.read(one), clean.read(other)
        change = np.abs(frame.pixels.astype(int) - before.pixels)
        assert change.max() <= 100
        assert np.array_equal(truth, labels)
    segmenter = Segmenter.load(str(model), device='cpu')
    assert SegmentationSubject(model=segmenter, labelled=attacked).stand().score == 0.0
    segmenter.close()
    picture = folder / 'images' / '0.png'
    (folder / 'images' / '2.png').unlink()
    picture_bytes = (labelled / 'images' / '0.png').read_bytes()
    picture.write_bytes(picture_bytes)
    call(labelled, model, tmp_path, *words)
    assert (folder / 'images' / '2.png').is_file(), 'what was missing is made'
    assert figures_in(tmp_path)['by_attack']['fgsm']['mean_iou'] > 0.1, 'the rest is kept'
    copy = shutil.copytree(labelled, tmp_path / 'copy')
    call(copy, model, tmp_path, *words)
    assert figures_in(tmp_path)['by_attack']['fgsm']['mean_iou'] > 0.1, 'the same at a new place'
    write_index_png(copy / 'masks' / '1.png', np.full((32, 64), 2, np.uint8))
    call(copy, model, tmp_path, *words)
    assert (folder / 'images' / '0.png').read_bytes() != picture_bytes, 'rendered anew in place'
    picture.write_bytes(picture_bytes)
    call(copy, model, tmp_path, '--attacks', 'fgsm', '--epsilon', 101)
    assert figures_in(tmp_path)['by_attack']['fgsm']['mean_iou'] == 0.0, 'another budget'


def test_pixels_below_a_patch_do_not_count_and_learning_goes_on(
    with_gradients, labelled, model, tmp_path, monkeypatch
):
    small = AttackPlan(
        names=('patch', 'noise_patch'), patch=PatchConfig(side=0.5, texels=8, steps=4)
    )
    monkeypatch.setattr(attacks, 'planned', lambda *_: small)
    monkeypatch.setattr('perception_nodes.cli.robustness.planned', lambda *_: small)
    call(labelled, model, tmp_path, '--attacks', 'patch,noise_patch')
    kept = tmp_path / 'attacked' / '0'
    clean = open_masked_set(f'masks:{labelled}')
    masks = {}
    for name in small.names:
        attacked = open_masked_set(f'masks:{kept / name}')
        masks[name] = [attacked.read_mask(item) for item in attacked.pictures]
        for item, before in zip(attacked.pictures, clean.pictures, strict=True):
            frame, truth = attacked.read(item)
            old, labels = clean.read(before)
            changed = (frame.pixels != old.pixels).any(-1)
            assert changed.any()
            assert (truth[changed] == 255).all()
            assert np.array_equal(truth[truth != 255], labels[truth != 255])
    assert all(map(np.array_equal, *masks.values())), 'the control lies where the patch lies'
    learnt = (kept / 'patch' / 'patch_1.png').read_bytes()
    (kept / 'patch' / 'patch_1.png').unlink()
    (kept / 'patch' / 'images' / '0.png').unlink()
    call(labelled, model, tmp_path, '--attacks', 'patch,noise_patch')
    assert (kept / 'patch' / 'patch_1.png').read_bytes() == learnt


def test_a_model_without_gradients_is_refused_before_anything_is_measured(
    labelled, model, tmp_path
):
    result = call(labelled, model, tmp_path, '--attacks', 'fgsm', exit_code=1)
    assert '--surrogate' in str(result.exception)
    assert not (tmp_path / 'metrics.json').exists()


def test_gradients_of_another_model_reach_one_that_has_none(
    labelled, model, tmp_path, monkeypatch, write_mask_bundle
):
    other = write_mask_bundle(tmp_path / 'other', scale=8.0)

    def opened(bundle):
        if bundle.spec.weights.sha256 != other.spec.weights.sha256:
            raise opening.NotDifferentiableError('no gradients here')
        return opening.PictureNetwork(Colours(), bundle.spec.input).eval()

    monkeypatch.setattr(opening, 'differentiable', opened)
    words = ['--attacks', 'fgsm', '--epsilon', 100, '--surrogate', other.path]
    call(labelled, model, tmp_path / 'out', *words)
    found = figures_in(tmp_path / 'out')
    assert found['gradients_of'] == other.spec.weights.sha256
    assert found['by_attack']['fgsm']['mean_iou'] == 0.0


def test_a_network_that_decides_otherwise_is_refused(labelled, model, tmp_path, monkeypatch):
    class Blind(Colours):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return super().forward(batch).flip(1)

    monkeypatch.setattr(
        opening, 'differentiable',
        lambda bundle: opening.PictureNetwork(Blind(), bundle.spec.input).eval(),
    )  # fmt: skip
    result = call(labelled, model, tmp_path, '--attacks', 'fgsm', exit_code=1)
    assert 'of the pixels of 0.png' in str(result.exception)


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'names': ('fgsm', 'magic')}, 'segpgd, patch'),
        ({'names': ()}, 'at least one'),
        ({'names': ('pgd', 'pgd')}, 'distinct'),
        ({'names': ('pgd',), 'strength': AttackConfig(epsilon_levels=1.5)}, 'whole'),
    ],
)
def test_nonsense_is_refused(values, named):
    with pytest.raises(ValueError, match=named):
        AttackPlan(**values)
