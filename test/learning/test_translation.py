"""Synthetic pictures learn to look like other ones: networks, task, command, bundle, set."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import typer
import yaml
from typer.testing import CliRunner

from perception_nodes.cli.train import app
from perception_nodes.cli.translate import translate
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.data.translation import cut_middle, fitted, frames_kept
from perception_nodes.learning.keeper import LabelKeeper
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.models.refiner import Critic, PictureHistory, Refiner
from perception_nodes.learning.picture_features import edge_agreement
from perception_nodes.learning.recipe import read_recipe, recipe_from_dict, recipe_to_dict
from perception_nodes.learning.recipes.translation import RefinerRecipe, TranslationRecipe
from perception_nodes.learning.tasks.translation import (
    TranslationTask,
    changed,
    planes,
    refined,
)
from perception_nodes.learning.translation_figures import translation_figures
from perception_nodes.learning.translator import Translator
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder, Frame

SIZE_WH = (64, 48)


def scene(seed: int, *, real: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a disc on a floor, (48, 64, 3) uint8 RGB, with its mask; real ones are bluish."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(110, 126, (48, 64, 3)).astype(np.uint8)
    mask = np.zeros((48, 64), np.uint8)
    place = int(rng.integers(14, 50)), int(rng.integers(14, 34))
    cv2.circle(pixels, place, 8, (200, 90, 60), -1)
    cv2.circle(mask, place, 8, 1, -1)
    if real:
        pixels = np.clip(pixels * np.array([0.7, 0.85, 1.4]), 0, 255).astype(np.uint8)
    return pixels, mask


@pytest.fixture(scope='module')
def synthetic(tmp_path_factory) -> Path:
    """Return a folder as ``perception synthesize --masks`` writes it: 24 pictures, boxes."""
    folder = tmp_path_factory.mktemp('synthetic')
    for name in ('images', 'masks'):
        (folder / name).mkdir()
    for number in range(24):
        pixels, mask = scene(number, real=False)
        cv2.imwrite(str(folder / 'images' / f'{number:06d}.png'), pixels[:, :, ::-1])
        cv2.imwrite(str(folder / 'masks' / f'{number:06d}.png'), mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': ['floor', 'disc']}))
    (folder / 'annotations.json').write_text('{}')
    return folder


@pytest.fixture(scope='module')
def real(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('real')
    for number in range(40):
        pixels, _ = scene(100 + number, real=True)
        cv2.imwrite(str(folder / f'{number:03d}.png'), pixels[:, :, ::-1])
    return folder


@pytest.fixture
def recipe() -> TranslationRecipe:
    """Return a recipe that trains in seconds."""
    return recipe_from_dict(
        {
            'name': 'drawn',
            'input_wh': list(SIZE_WH),
            'refiner': {'channels': 8, 'blocks': 1},
            'critic': {'channels': 8, 'layers': 2, 'history': 4},
            'data': {'crop_wh': [48, 48], 'workers': 0},
            'loss': {'content': 0.1, 'pixels': 0.05},
            'schedule': {
                'epochs': 2, 'epoch_pictures': 8, 'batch': 4, 'learning_rate': 0.004,
                'weight_decay': 0.0, 'warmup_steps': 0, 'momentum': 0.5, 'ema_decay': 0.5,
            },
        },
        TranslationRecipe,
    )  # fmt: skip


def task_of(recipe: TranslationRecipe, synthetic: Path, real: Path) -> TranslationTask:
    pictures = [item.path for item in open_masked_set(f'masks:{synthetic}').pictures]
    frames = [cv2.imread(str(path))[:, :, ::-1].copy() for path in sorted(real.glob('*.png'))]
    return TranslationTask(recipe, (pictures[:16], pictures[16:]), (frames[:28], frames[28:]))


def test_refiner_begins_as_the_identity_at_any_size():
    refiner = Refiner(RefinerRecipe())
    for shape in ((1, 3, 48, 64), (2, 3, 30, 50)):
        assert torch.equal(refiner(torch.randn(shape)), torch.zeros(shape))
    count = sum(item.numel() for item in refiner.parameters())
    assert 80_000 < count < 120_000


def test_change_stays_within_its_bounds():
    refiner = Refiner(RefinerRecipe(channels=4, blocks=1, largest_change=0.1))
    torch.nn.init.constant_(refiner.out.bias, 50.0)
    images = torch.full((1, 3, 8, 8), 250, dtype=torch.uint8)
    change = refiner(images.float())
    assert float(change.detach().max()) == pytest.approx(0.1)
    assert float(changed(images, change).detach().max()) == 255.0


def test_history_shows_earlier_crops_again():
    torch.manual_seed(0)
    history = PictureHistory(2, (4, 4))
    fresh = [torch.full((2, 3, 4, 4), n, dtype=torch.uint8) for n in range(1, 30)]
    shown = [history.exchanged(crops) for crops in fresh]
    assert torch.equal(shown[0], fresh[0]), 'there is nothing earlier yet'
    stale = [int((s != f).any(dim=(1, 2, 3)).sum()) for s, f in zip(shown, fresh, strict=True)]
    assert 0.3 < sum(stale) / 56 < 0.7
    assert torch.equal(PictureHistory(0, (4, 4)).exchanged(fresh[3]), fresh[3])


def test_critic_judges_patches(recipe):
    assert Critic(recipe)(torch.zeros(2, 3, 48, 48)).shape == (2, 1, 11, 11)


def test_frames_are_kept_at_equal_distances_in_the_wanted_shape():
    frames = (Frame(pixels=np.full((20, 60, 3), n, np.uint8)) for n in range(100))
    kept = frames_kept(frames, (16, 12), 10)
    assert [item.shape for item in kept] == [(12, 16, 3)] * 10
    levels = [int(item[0, 0, 0]) for item in kept]
    assert levels == sorted(levels)
    assert levels[0] == 0
    assert levels[-1] > 80


def test_middle_of_a_wide_picture_is_taken():
    pixels = np.zeros((12, 40, 3), np.uint8)
    pixels[:, 12:28] = 200
    found = fitted(Frame(pixels=pixels, color_order=ColorOrder.BGR), (16, 12))
    assert (found == 200).all()


def test_too_few_pictures_to_measure_with_are_refused():
    with pytest.raises(ValueError, match='19 real frames are too few'):
        cut_middle(range(19), part=0.3, gap=0, what='real frames')
    kept, cut = cut_middle(range(20), part=0.3, gap=2, what='real frames')
    assert len(cut) == 6
    assert not set(kept) & {*range(min(cut) - 2, max(cut) + 3)}


def test_recipe_that_cannot_work_is_refused():
    with pytest.raises(ValueError, match='larger than input_wh'):
        TranslationRecipe(name='x', input_wh=(64, 64))
    with pytest.raises(ValueError, match='keeper, bundle'):
        recipe_from_dict({'name': 'x', 'loss': {'labels': 1.0}}, TranslationRecipe)


def test_edges_that_stay_agree_and_edges_that_move_do_not():
    pixels = scene(3, real=False)[0]
    darker = (pixels * 0.6).astype(np.uint8)
    assert edge_agreement([pixels], [pixels]) == pytest.approx(1.0)
    assert edge_agreement([pixels], [darker]) > 0.95
    assert edge_agreement([pixels], [np.roll(pixels, 16, axis=1)]) < 0.4


def test_critic_gets_no_gradient_from_the_refiner_and_both_learn(
    recipe, synthetic, real, tmp_path
):
    trainer = Trainer(task_of(recipe, synthetic, real), tmp_path)
    batch = next(iter(trainer.task.batches(0)))
    before = [item.clone() for item in trainer.rival.network.parameters()]
    start = [item.clone() for item in trainer.model.parameters()]
    terms = trainer.train_step(batch, 0.0)
    assert set(terms) == {
        'adversarial', 'content', 'pixels', 'critic_real', 'critic_translated',
    }  # fmt: skip
    assert terms['content'] == terms['pixels'] == 0.0, 'nothing has changed before the first step'
    pairs = zip(before, trainer.rival.network.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in pairs)
    assert not any(item.requires_grad for item in trainer.rival.network.parameters())
    assert not torch.equal(start[-2], list(trainer.model.parameters())[-2])
    gradients = [item.grad for item in trainer.rival.network.parameters()]
    trainer.task.loss(trainer.model, batch)['adversarial'].backward()
    after = [item.grad for item in trainer.rival.network.parameters()]
    assert all(old is new for old, new in zip(gradients, after, strict=True))


def test_two_threads_take_the_step_of_one(recipe, synthetic, real, tmp_path):
    task = task_of(recipe, synthetic, real)
    batch = next(iter(task.batches(0)))
    steps = []
    for threads in (1, 2):
        trainer = Trainer(task, tmp_path / str(threads), threads=threads)
        steps.append([trainer.train_step(batch, 0.0) for _ in range(2)])
    for name, value in steps[0][0].items():
        assert steps[1][0][name] == pytest.approx(value, rel=1e-3), name


def test_resumed_run_takes_the_same_steps(recipe, synthetic, real, tmp_path):
    losses: dict[str, list] = {'whole': [], 'broken': []}

    def noting(name: str):
        return lambda now: losses[name].append((now.step, now.losses, now.figures))

    Trainer(task_of(recipe, synthetic, real), tmp_path / 'whole').run([noting('whole')])
    first = Trainer(task_of(recipe, synthetic, real), tmp_path / 'broken')
    first._run_epoch([])
    first.epoch += 1
    first._save({}, {})
    again = Trainer(task_of(recipe, synthetic, real), tmp_path / 'broken', resume=True)
    assert int(again.rival.network.history.count) == 4
    again.run([noting('broken')])
    assert losses['whole'][-3:] == losses['broken'][-3:]


def test_command_learns_leaves_a_bundle_and_translates_a_set(recipe, synthetic, real, tmp_path):
    values = recipe_to_dict(recipe)
    values['schedule'] |= {'epochs': 12, 'epoch_pictures': 32, 'validate_every': 6}
    path, out = tmp_path / 'recipe.yaml', tmp_path / 'run'
    path.write_text(yaml.safe_dump(json.loads(json.dumps(values))))
    words = ['translation', '--recipe', path, '--synthetic', f'masks:{synthetic}']
    words += ['--real', real, '--out', out, '--threads', 1, '--licence', 'Apache-2.0']
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 0, result.output + repr(result.exception)
    bundle = read_bundle(out / 'bundle')
    assert bundle.spec.task == 'translation'
    assert bundle.spec.provenance.source.startswith('perception train translation --recipe')
    figures = {item.name: item.value for item in bundle.spec.metrics}
    assert figures['frechet_after'] < 0.8 * figures['frechet_before']
    assert figures['edges'] > 0.8
    page = (out / 'report.html').read_text()
    assert page.count('<svg') == 2, 'loss and validation'
    assert 'Fréchet' in page
    record = json.loads((out / 'report.json').read_text())
    assert record['figures']['pictures'] == 7
    assert not record['figures']['is_collapsed']
    assert record['figures']['distances']['16']['after'] == pytest.approx(
        figures['frechet_after'], abs=1e-3
    )
    _check_translated_set(synthetic, tmp_path / 'set', out / 'bundle')


def _check_translated_set(synthetic: Path, out: Path, bundle: Path) -> None:
    command = typer.Typer()
    command.command()(translate)
    words = [f'masks:{synthetic}', '--model', str(bundle), '--out', str(out), '--device', 'cpu']
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output + repr(result.exception)
    before, after = open_masked_set(f'masks:{synthetic}'), open_masked_set(f'masks:{out}')
    record = json.loads((out / 'report.json').read_text())
    assert record['pictures'] == len(after.pictures)
    assert record['weights_sha256'] == read_bundle(bundle).spec.weights.sha256
    page = (out / 'report.html').read_text()
    assert page.count('data:image/jpeg') == 1, 'before and after'
    assert record['command'] in page
    assert after.classes == before.classes
    assert [p.path.name for p in after.pictures] == [p.path.name for p in before.pictures]
    blue = []
    for old, new in zip(before.pictures, after.pictures, strict=True):
        (first, mask), (second, same) = before.read(old), after.read(new)
        assert np.array_equal(mask, same)
        change = second.in_order(ColorOrder.RGB).astype(int) - first.in_order(ColorOrder.RGB)
        blue.append(change[..., 2].mean() - change[..., 0].mean())
    assert np.mean(blue) > 10, 'the real frames are bluish'
    assert (out / 'annotations.json').is_file()
    again = CliRunner().invoke(command, [*words[:4], str(synthetic), *words[5:]])
    assert isinstance(again.exception, ValueError)
    assert 'name another folder' in str(again.exception)


def test_change_of_a_large_picture_is_that_of_the_small_one(
    recipe, synthetic, real, tmp_path, write_translator_bundle
):
    translator = Translator.load(write_translator_bundle(tmp_path, SIZE_WH), device='cpu')
    flat = Frame(pixels=np.full((96, 128, 3), 100, np.uint8), stamp_ns=7)
    found = translator.translated(flat)
    assert found.size_wh == (128, 96)
    assert found.stamp_ns == 7
    assert (found.pixels == np.array([125, 100, 75])).all()
    odd = translator.translated(Frame(pixels=np.full((50, 33, 3), 250, np.uint8)))
    assert odd.pixels.shape == (50, 33, 3)
    assert (odd.pixels[..., 0] == 255).all()
    translator.close()


@pytest.fixture
def write_translator_bundle():
    """Return what writes a bundle whose network makes every pixel redder by a fixed amount."""
    from perception_nodes.inference.bundle_sections import Provenance
    from perception_nodes.learning.translation_figures import (
        StrideDistances,
        TranslationFigures,
    )
    from perception_nodes.learning.translator_bundling import write_translator

    class Redder(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            shift = torch.tensor([25.0, 0.0, -25.0]).view(1, 3, 1, 1) / 255
            return image * 0 + shift

    def write(folder: Path, size_wh: tuple[int, int]):
        figures = TranslationFigures(
            pictures=2, frames=2, spread=1.0, edges=1.0, change_levels=0.0, clipped=0.0,
            distances={16: StrideDistances(before=2.0, after=1.0, real=0.5)},
        )  # fmt: skip
        report = write_translator(
            Redder(),
            TranslationRecipe(name='redder', input_wh=size_wh, data=small_crops()),
            Provenance(),
            folder / 'redder',
            probes=[np.zeros((size_wh[1], size_wh[0], 3), np.uint8)],
            measure=lambda _opened: figures,
            words='nothing',
        )
        return report.bundle

    return write


def small_crops():
    from perception_nodes.learning.recipes.translation import PictureDataRecipe

    return PictureDataRecipe(crop_wh=(32, 32))


def test_figures_tell_what_a_segmenter_no_longer_sees(
    tmp_path, write_translator_bundle, write_mask_bundle
):
    for name in ('images', 'masks'):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(2)
    for number in range(3):
        pixels = rng.integers(58, 62, (32, 64, 3)).astype(np.uint8)
        pixels[:, :32] += 50  # 25 levels more of red, and the segmenter calls this half red
        cv2.imwrite(str(tmp_path / 'images' / f'{number}.png'), pixels)
        cv2.imwrite(str(tmp_path / 'masks' / f'{number}.png'), np.zeros((32, 64), np.uint8))
    (tmp_path / 'dataset.json').write_text(json.dumps({'semantic_classes': ['floor', 'red']}))
    labelled = open_masked_set(f'masks:{tmp_path}')
    real = [rng.integers(0, 255, (32, 64, 3)).astype(np.uint8) for _ in range(3)]
    translator = Translator.load(write_translator_bundle(tmp_path, (64, 32)), device='cpu')
    segmenter = Segmenter.load(write_mask_bundle(tmp_path / 'model'), device='cpu')
    found = translation_figures(translator, labelled, (real, real), segmenter)
    assert found.labels.mean_iou_before == 1.0
    assert found.labels.same == pytest.approx(0.54, abs=0.05)
    assert found.labels.mean_iou_after == pytest.approx(found.labels.same / 2, abs=1e-6)
    assert found.change_levels == pytest.approx(50 / 3)
    assert found.clipped == 0.0
    assert found.edges > 0.99
    assert {item.real for item in found.distances.values()} == {0.0}
    assert set(found.distances) == {8, 16, 32}
    names = {item.name for item in found.metrics('drawn')}
    assert names >= {'frechet_before', 'frechet_after', 'labels_same', 'mIoU_after'}
    assert not found.is_collapsed
    assert dataclasses.replace(found, spread=0.1).is_collapsed
    translator.close()
    segmenter.close()


def test_keeper_is_content_with_what_stays_and_pulls_back_what_does_not():
    keeper = LabelKeeper('resource/models/simulator_segmenter', width_px=320)
    images = planes([scene(1, real=False)[0][:32, :32]], torch.device('cpu'))
    assert keeper.logits(images).shape == (1, 9, 64, 64), 'enlarged as 320 pixels become 640'
    assert float(keeper.divergence(images, images.float())) == pytest.approx(0.0, abs=1e-6)
    assert keeper.agreement(images, images) == 1.0
    other = (255.0 - images.float()).requires_grad_()
    away = keeper.divergence(images, other)
    away.backward()
    assert float(away.detach()) > 1e-3
    assert float(other.grad.abs().sum()) > 0


def test_keeper_without_gradients_is_refused(write_mask_bundle, tmp_path):
    bundle = write_mask_bundle(tmp_path)
    with pytest.raises(ValueError, match='keeper, bundle'):
        LabelKeeper(str(bundle.path), width_px=64)


@pytest.mark.parametrize('name', ['donkeycar_translation', 'donkeycar_translation_gpu'])
def test_shipped_recipe_can_be_read(project_root, name):
    path = project_root / 'config' / 'recipes' / f'{name}.yaml'
    assert read_recipe(path, TranslationRecipe).name == name


def test_refined_pictures_keep_their_shape():
    pictures = [scene(1, real=False)[0]]
    found = refined(Refiner(RefinerRecipe(channels=4)), pictures, TranslationRecipe(name='x'))
    assert np.array_equal(found[0], pictures[0])


def test_border_of_a_flat_picture_does_not_show():
    torch.manual_seed(3)
    refiner = Refiner(RefinerRecipe(channels=8, blocks=2))
    torch.nn.init.normal_(refiner.out.weight, std=0.1)
    change = refiner(torch.full((1, 3, 24, 32), 0.4)).detach()
    assert float(change.abs().max()) > 1e-3
    assert torch.allclose(change, change[..., 12:13, 16:17].expand_as(change), atol=1e-5)
