"""Labels by a model: the surest part of each class stays, the rest counts neither way."""

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.pseudo_label import pseudo_label
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.learning.pseudo_labels import write_pseudo_labels
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder, Frame


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
    labels = write_pseudo_labels(segmenter, frames, tmp_path, keep=0.6)
    found = open_masked_set(f'masks:{tmp_path}')
    masks = {item.path.stem: found.read_mask(item) for item in found.pictures}
    told = {name: set(np.unique(mask).tolist()) for name, mask in masks.items()}
    # Two of three are at least 0.6 of the red pixels; of floor and red none loses all.
    assert told['bright'] == told['clear'] == {1}
    assert told['dull'] == {255}
    assert told['darker'] == {0}
    assert labels.kept[1] == pytest.approx(2 / 3)
    assert np.isnan(labels.kept[2]), 'nothing blue was seen'
    assert not (tmp_path / 'doubts').exists()


def test_part_outside_its_bounds_and_no_pictures_are_refused(segmenter, tmp_path):
    with pytest.raises(ValueError, match=r'keep: 0\.0'):
        write_pseudo_labels(segmenter, [], tmp_path, keep=0.0)
    with pytest.raises(ValueError, match='not one picture'):
        write_pseudo_labels(segmenter, [], tmp_path, keep=0.5)


def test_command_writes_a_set_with_a_name_for_every_picture(segmenter, tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / 'same.png'), np.zeros((32, 64, 3), np.uint8))
    app = typer.Typer()
    app.command()(pseudo_label)
    model, out = str(segmenter.bundle.path), str(tmp_path / 'set')
    words = [str(tmp_path / 'a'), str(tmp_path / 'b'), '--model', model, '--out', out]
    result = CliRunner().invoke(app, [*words, '--device', 'cpu'])
    assert result.exit_code == 0, result.output
    names = [item.path.stem for item in open_masked_set(f'masks:{out}').pictures]
    assert names == ['same', 'same_2']
