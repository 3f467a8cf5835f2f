"""Task, command and bundle of the segmenter on a few drawn pictures."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn
from typer.testing import CliRunner

from perception_nodes.cli.train import app
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.adaptation.norms import open_norms
from perception_nodes.learning.adaptation.statistics import kept_statistics, know_source
from perception_nodes.learning.adversarial.differentiable import network_of
from perception_nodes.learning.data.masks import ZoomedMaskCrop, cut_by_time, stack_masks
from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.pruning import count_macs
from perception_nodes.learning.recipe import recipe_to_dict
from perception_nodes.learning.recipes.pruning import PruningRecipe
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe, SegmentationRecipe
from perception_nodes.learning.tasks.segmentation import SegmentationTask
from perception_nodes.segmentation import Segmenter


@pytest.fixture
def labelled(masks_folder: Path) -> MaskedSet:
    return open_masked_set(f'masks:{masks_folder}')


def crop(recipe: MaskDataRecipe, labelled: MaskedSet, mask_recipe: SegmentationRecipe):
    """Return one sample that only the crop has changed."""
    task = SegmentationTask(mask_recipe, labelled, labelled)
    task.dataset.transform = ZoomedMaskCrop(recipe)
    return task.dataset[0]


def test_mask_stays_on_the_picture(labelled, mask_recipe):
    recipe = MaskDataRecipe(crop_wh=(96, 64), scale_min=0.9, scale_max=1.6)
    torch.manual_seed(1)
    for _ in range(5):
        sample = crop(recipe, labelled, mask_recipe)
        image, mask = sample['image'].numpy(), sample['mask'][0].numpy()
        assert image.shape == (3, 64, 96)
        assert mask.shape == (64, 96)
        red = (image[0] > 180) & (image[2] < 90)  # the disc, in RGB
        assert (mask[red] == 0).mean() > 0.98 if red.any() else True


def test_what_lies_beyond_the_picture_is_ignored(labelled, mask_recipe):
    recipe = MaskDataRecipe(crop_wh=(128, 96), scale_min=0.5, scale_max=0.5, stretch=1.0)
    mask = crop(recipe, labelled, mask_recipe)['mask'][0]
    assert 0.7 < float((mask == 255).float().mean()) < 0.8


def test_epoch_is_drawn_anew_and_equal_epochs_are_equal(labelled, mask_recipe):
    task = SegmentationTask(mask_recipe, labelled, labelled)
    task.dataset.transform = lambda sample: sample
    epochs = []
    for epoch in (0, 0, 1):
        batches = list(task.batches(epoch))
        assert [len(batch.images) for batch in batches] == [4, 4]
        epochs.append(torch.cat([batch.images for batch in batches]))
    assert torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[0], epochs[2])


def test_parts_hold_the_whole_batch(labelled, mask_recipe):
    task = SegmentationTask(mask_recipe, labelled, labelled)
    batch = stack_masks([task.dataset[index] for index in range(3)])
    parts = task.parts(batch, 2)
    assert torch.equal(torch.cat([part.masks for part in parts]), batch.masks)


def test_other_classes_than_the_labels_have_are_refused(labelled, mask_recipe):
    other = dataclasses.replace(mask_recipe, classes=('disc', 'square', 'sky'))
    with pytest.raises(ValueError, match='labels have disc, square, ground'):
        SegmentationTask(other, labelled, labelled)


def test_set_too_short_to_cut_is_refused(labelled):
    few = dataclasses.replace(labelled, pictures=labelled.pictures[:5])
    with pytest.raises(ValueError, match='of its own to choose with'):
        cut_by_time(few, part=0.2, gap=1)


def test_resumed_run_takes_the_same_steps(labelled, mask_recipe, tmp_path: Path):
    losses: dict[str, list] = {'whole': [], 'broken': []}

    def noting(name: str):
        return lambda now: losses[name].append((now.step, now.losses, now.figures))

    task = SegmentationTask(mask_recipe, labelled, labelled)
    Trainer(task, tmp_path / 'whole').run([noting('whole')])
    first = Trainer(task, tmp_path / 'broken')
    first._run_epoch([noting('broken')])
    first.epoch += 1
    first._save({}, {})
    Trainer(task, tmp_path / 'broken', resume=True).run([noting('broken')])
    assert [item for item in losses['whole'] if item[0] > 2][-3:] == losses['broken'][-3:]


@pytest.fixture
def trained(labelled, mask_recipe, tmp_path: Path) -> Path:
    """Return the ONNX file of a network of the recipe."""
    model = SegmentationTask(mask_recipe, labelled, labelled).build_model()
    target = tmp_path / 'whole.onnx'
    return export_onnx(model, target, size_wh=mask_recipe.input_wh, output_names=('logits',))


def test_pruned_network_learns_resumes_and_is_exported(labelled, mask_recipe, trained, tmp_path):
    pruning = PruningRecipe(macs=0.6, weights=0.7, batches=1, round_to=4)
    recipe = dataclasses.replace(mask_recipe, pruning=pruning)
    task = SegmentationTask(recipe, labelled, labelled, start=trained)
    trainer = Trainer(task, tmp_path / 'run')
    trainer._run_epoch([])
    trainer.epoch += 1
    trainer._save({}, {})
    again = Trainer(task, tmp_path / 'run', resume=True)
    again.run()
    model, example = again.best_model(), torch.zeros(1, 3, 64, 96)
    whole = SegmentationTask(mask_recipe, labelled, labelled, start=trained).build_model()
    assert count_macs(model, example) <= 0.6 * count_macs(whole, example)
    kept = [layer.weight != 0 for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert 0.69 < float(torch.cat([part.flatten() for part in kept]).float().mean()) < 0.71
    file = export_onnx(
        model, tmp_path / 'pruned.onnx', size_wh=mask_recipe.input_wh, output_names=('logits',)
    )
    further = dataclasses.replace(mask_recipe, pruning=PruningRecipe(of_start=True))
    loaded = SegmentationTask(further, labelled, labelled, start=file).build_model().eval()
    image = torch.rand(1, 3, 96, 128)
    with torch.inference_mode():
        assert torch.allclose(loaded(image), model.eval()(image), atol=1e-3)


def test_pruning_without_a_trained_network_is_refused(labelled, mask_recipe):
    recipe = dataclasses.replace(mask_recipe, pruning=PruningRecipe(macs=0.5))
    with pytest.raises(ValueError, match='only a trained network'):
        SegmentationTask(recipe, labelled, labelled)


def test_command_learns_cuts_resumes_and_leaves_a_bundle(
    masks_folder, mask_recipe, tmp_path: Path
):
    values = recipe_to_dict(mask_recipe)
    values['schedule'] |= {'epochs': 25, 'validate_every': 5}
    path, out = tmp_path / 'recipe.yaml', tmp_path / 'run'
    path.write_text(yaml.safe_dump(json.loads(json.dumps(values))))
    data = f'masks:{masks_folder}'
    words = ['segmentation', '--recipe', path, '--data', data, '--out', out, '--cut', 0.2]
    words += ['--gap', 1, '--held-out', data, '--threads', 1, '--licence', 'Apache-2.0']
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 0, result.output + str(result.exception)
    bundle = read_bundle(out / 'bundle')
    figures = {metric.name: metric.value for metric in bundle.spec.metrics}
    assert figures['mIoU'] > 0.6
    assert set(figures) >= {'IoU/disc', 'IoU/ground', 'calibration_error', 'latency_ms'}
    assert bundle.spec.golden.expected.endswith('.png')
    know_source(open_norms(network_of(bundle)), kept_statistics(bundle))  # perception adapt can
    page = (out / 'report.html').read_text()
    assert page.count('<svg') == 4, 'loss, validation, confusion, calibration'
    assert page.count('data:image/jpeg') == 8, 'the pictures with most wrong pixels'
    segmenter = Segmenter.load(bundle, device='cpu', threads=1)
    segmenter.verify()
    segmenter.close()
    lines = [json.loads(line) for line in (out / 'metrics.jsonl').read_text().splitlines()]
    assert [line['epoch'] for line in lines if 'mIoU' in line] == [5, 10, 15, 20, 25]
    again = CliRunner().invoke(app, [*map(str, words), '--resume'])
    assert again.exit_code == 0, again.output
    assert read_bundle(out / 'bundle').spec.weights.sha256 == bundle.spec.weights.sha256
    with pytest.raises(ValueError, match=r'data was .*--cut 0\.2 --gap 1, is .*--cut 0\.3 '):
        CliRunner().invoke(
            app, [*map(str, words), '--cut', '0.3', '--resume'], catch_exceptions=False
        )
