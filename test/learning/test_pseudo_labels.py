"""Labels by a model: what it is sure of stays, the rest counts neither way."""

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli import pseudo_label as command
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.learning.pseudo_boxes import write_pseudo_boxes
from perception_nodes.learning.pseudo_masks import write_pseudo_masks
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder, Detections, Frame


@pytest.fixture(scope='module')
def segmenter(write_mask_bundle, tmp_path_factory):
    return Segmenter.load(write_mask_bundle(tmp_path_factory.mktemp('model')), device='cpu')


def picture(red: int) -> Frame:
    """Return a picture of one colour; the redder, the surer the model is that it is `red`."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[..., 0] = red
    return Frame(pixels=pixels, color_order=ColorOrder.RGB)


def test_surest_part_of_each_class_is_kept(segmenter, tmp_path):
    reds = {'bright': 250, 'clear': 220, 'dull': 170, 'dark': 5, 'darker': 0}
    frames = [(name, picture(red)) for name, red in reds.items()]
    labels = write_pseudo_masks(segmenter, frames, tmp_path, keep=0.6)
    found = open_masked_set(f'masks:{tmp_path}')
    masks = {item.path.stem: found.read_mask(item) for item in found.pictures}
    told = {name: set(np.unique(mask).tolist()) for name, mask in masks.items()}
    # Two of three are at least 0.6 of the red pixels; of floor and red none loses all.
    assert told['bright'] == told['clear'] == {1}
    assert told['dull'] == {255}
    assert told['darker'] == {0}
    assert labels.kept_share[1] == pytest.approx(2 / 3)
    assert labels.kept[1].sum() == 2 * labels.uncertain[1].sum() == 2 * 32 * 64
    assert np.isnan(labels.kept_share[2]), 'nothing blue was seen'
    assert np.isnan(labels.lowest[2])
    assert not (tmp_path / 'doubts').exists()


def test_part_outside_its_bounds_and_no_pictures_are_refused(segmenter, tmp_path):
    with pytest.raises(ValueError, match=r'keep: 0\.0'):
        write_pseudo_masks(segmenter, [], tmp_path, keep=0.0)
    with pytest.raises(ValueError, match='not one picture'):
        write_pseudo_masks(segmenter, [], tmp_path, keep=0.5)


SCORES = (0.95, 0.75, 0.65, 0.25, 0.15)
CLASSES = ('cone', 'box')


class ScriptedDetector:
    """Finds boxes of fixed scores, of a cone and a box in turn, side by side."""

    class_names = CLASSES
    description = 'scripted'

    def __call__(self, frame: Frame, config) -> Detections:
        self.config = config
        boxes = [[8 * n, 4, 8 * n + 6, 12] for n in range(len(SCORES))]
        found = Detections(np.array(boxes), np.array(SCORES), np.arange(len(SCORES)) % 2)
        return found[found.scores >= np.float32(config.score_threshold)]


def test_sure_boxes_are_objects_and_doubtful_ones_regions(tmp_path):
    frames = [('a', picture(3)), ('b', picture(9))]
    labels = write_pseudo_boxes(ScriptedDetector(), frames, tmp_path, confidence=0.7, doubt=0.2)
    truth = open_dataset(f'coco:{tmp_path}/annotations.json')
    assert [image.path.name for image in truth.images] == ['a.jpg', 'b.jpg']
    assert list(truth.category_ids) == list(CLASSES)
    boxes = truth.boxes_of(2)
    assert boxes.labels == ('cone', 'box', 'cone', 'box')
    assert boxes.crowd.tolist() == [False, False, True, True]
    assert boxes.xyxy[1].tolist() == [8, 4, 14, 12]
    scores = [item['score'] for item in truth.content['annotations'][:4]]
    assert scores == [0.95, 0.75, 0.65, 0.25]
    assert labels.kept.sum(axis=1).tolist() == [2, 2]
    assert labels.uncertain.sum(axis=1).tolist() == [2, 2]
    assert labels.kept_share.tolist() == [0.5, 0.5]
    assert labels.kept[0].argmax() == round(0.95 * 255)
    card = json.loads((tmp_path / 'dataset.json').read_text())
    assert (card['labelled_by'], card['confidence'], card['doubt']) == ('scripted', 0.7, 0.2)


def test_one_thing_gets_one_box(tmp_path):
    detector = ScriptedDetector()
    write_pseudo_boxes(detector, [('a', picture(3))], tmp_path, confidence=0.7, doubt=0.2)
    assert detector.config.nms_class_agnostic


def test_picture_without_boxes_stays_in_the_set(tmp_path):
    labels = write_pseudo_boxes(
        ScriptedDetector(), [('a', picture(3))], tmp_path, confidence=1.0, doubt=0.99
    )
    truth = open_dataset(f'coco:{tmp_path}/annotations.json')
    assert len(truth.images) == 1
    assert truth.boxes_of(1).labels == ()
    assert np.isnan(labels.lowest).all()


@pytest.mark.parametrize(('confidence', 'doubt'), [(0.2, 0.7), (0.5, 0.0), (1.1, 0.5)])
def test_scores_in_the_wrong_order_are_refused(tmp_path, confidence, doubt):
    with pytest.raises(ValueError, match=f'doubt {doubt} and confidence {confidence}'):
        write_pseudo_boxes(ScriptedDetector(), [], tmp_path, confidence=confidence, doubt=doubt)


def test_used_folder_is_refused_before_anything_is_written(segmenter, tmp_path):
    (tmp_path / 'old.png').touch()
    for write, options in (
        (lambda *a, **o: write_pseudo_boxes(ScriptedDetector(), *a, **o),
         {'confidence': 0.7, 'doubt': 0.2}),
        (lambda *a, **o: write_pseudo_masks(segmenter, *a, **o), {'keep': 0.5}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r'is not empty.*name another folder'):
            write([('a', picture(3))], tmp_path, **options)
    assert [path.name for path in tmp_path.iterdir()] == ['old.png']


def test_set_without_pictures_is_none(tmp_path):
    with pytest.raises(ValueError, match='not one picture'):
        write_pseudo_boxes(ScriptedDetector(), [], tmp_path, confidence=0.7, doubt=0.2)


def run(*words):
    app = typer.Typer()
    app.command()(command.pseudo_label)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folders(tmp_path) -> list[Path]:
    """Return two folders with a picture of the same name each."""
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / 'same.png'), np.zeros((32, 64, 3), np.uint8))
    return [tmp_path / 'a', tmp_path / 'b']


def test_command_writes_masks_and_a_page(segmenter, folders, tmp_path):
    out = tmp_path / 'set'
    words = [*folders, '--model', segmenter.bundle.path, '--out', out, '--device', 'cpu']
    result = run(*words)
    assert result.exit_code == 0, result.output + str(result.exception)
    names = [item.path.stem for item in open_masked_set(f'masks:{out}').pictures]
    assert names == ['same', 'same_2']
    page = (out / 'report.html').read_text()
    assert page.count('data:image/jpeg') == 2
    assert '<svg' in page
    record = json.loads((out / 'report.json').read_text())
    assert record['pictures'] == 2
    floor = record['classes']['floor']
    assert floor['kept'] == sum(floor['kept_by_confidence']) == 2 * 32 * 64
    assert record['classes']['blue']['confidence_from'] is None
    again = run(*words)
    assert 'is not empty' in str(again.exception)


def test_command_writes_boxes_and_a_page(monkeypatch, folders, tmp_path):
    class Scripted(ScriptedDetector, command.Detector):
        def __init__(self):
            """Need no bundle."""

        class_names, description = CLASSES, 'scripted'

        def close(self):
            """Hold nothing."""

    monkeypatch.setattr(command, 'resolve_model', lambda name: name)
    monkeypatch.setattr(command, 'open_model', lambda *_, **__: Scripted())
    out = tmp_path / 'set'
    words = ('--model', 'm', '--out', out, '--confidence', '0.9', '--doubt', '0.5')
    result = run(*folders, *words)
    assert result.exit_code == 0, result.output + str(result.exception)
    crowd = open_dataset(f'coco:{out}/annotations.json').boxes_of(1).crowd
    assert crowd.tolist() == [False, True, True]
    page = (out / 'report.html').read_text()
    assert page.count('data:image/jpeg') == 2
    assert '--confidence 0.9 --doubt 0.5' in page
    record = json.loads((out / 'report.json').read_text())
    assert record['classes']['cone']['kept'] == 2
    assert record['classes']['box'] == {
        'kept': 0, 'uncertain': 2, 'confidence_from': 0.9, 'kept_by_confidence': [0] * 256,
        'uncertain_by_confidence': [2 * (n == round(0.75 * 255)) for n in range(256)],
    }  # fmt: skip
    keep = run(*folders, '--model', 'm', '--out', tmp_path / 'other', '--keep', '0.5')
    assert 'a detector takes --confidence and --doubt' in str(keep.exception)


def test_options_of_another_model_and_other_tasks_are_refused(
    segmenter, monkeypatch, folders, tmp_path
):
    words = [*folders, '--model', segmenter.bundle.path, '--out', tmp_path / 'set']
    result = run(*words, '--doubt', '0.3')
    assert '--doubt is of another kind of model; a segmenter takes --keep' in str(result.exception)
    other = SimpleNamespace(
        task='classification', description='x', bundle=SimpleNamespace(name='signs')
    )
    monkeypatch.setattr(command, 'open_model', lambda *_, **__: other)
    assert 'signs: a model for classification writes no boxes' in str(run(*words).exception)
