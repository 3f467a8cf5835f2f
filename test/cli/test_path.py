"""``perception path``: masks and learnt points become JSON lines and overlays."""

import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.path import as_document, path
from perception_nodes.cli.road import ground_of_options
from perception_nodes.path import Clothoid, PathEstimate, PathProblem

APP = typer.Typer()
APP.command()(path)
CAMERA = '0.3,0.1,20,60'
SIZE_WH = (256, 128)


def call(*words, exit_code=0):
    result = CliRunner().invoke(APP, [str(word) for word in words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


@pytest.fixture
def pictures(tmp_path):
    """Return a folder with a picture of a red lane, straight ahead, and one without."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    ground = ground_of_options(CAMERA, '', SIZE_WH)
    lane = np.full((128, 256, 3), 60, np.uint8)
    for x_m in np.arange(0.25, 6.0, 0.05):
        corners = [(x_m, 0.25), (x_m + 0.05, 0.25), (x_m + 0.05, -0.25), (x_m, -0.25)]
        corners_uv = np.rint(ground.to_pixels(np.array(corners))).astype(np.int32)
        cv2.fillConvexPoly(lane, corners_uv, (60, 60, 255))
    cv2.imwrite(str(folder / 'lane.png'), lane)
    cv2.imwrite(str(folder / 'none.png'), np.full((128, 256, 3), 100, np.uint8))
    return folder


def test_mask_model_finds_the_lane_and_says_where_there_is_none(
    pictures, write_mask_bundle, tmp_path
):
    out = tmp_path / 'out'
    call(
        pictures, '--model', write_mask_bundle(tmp_path / 'model', stride=1).path, '--out', out,
        '--road-class', 'red', '--camera', CAMERA, '--device', 'cpu',
    )  # fmt: skip
    lines = [json.loads(line) for line in (out / 'paths.jsonl').read_text().splitlines()]
    lane, none = lines
    assert lane['picture'].endswith('lane.png')
    assert lane['valid'], lane['reason']
    assert abs(lane['lateral_error_m']) < 0.03
    assert abs(lane['heading_error_rad']) < 0.06
    assert len(lane['points_xy']) == len(lane['sigma_m']) > 10
    assert not none['valid']
    assert none['reason'] == 'nothing_seen'
    assert none['lateral_error_m'] is None
    for name, drawn_px in (('lane', 100), ('none', 0)):
        overlay = cv2.imread(str(out / 'overlays' / f'{name}.jpg')).astype(int)
        source = cv2.imread(str(pictures / f'{name}.png')).astype(int)
        below_caption = (np.abs(overlay - source).max(axis=2) > 60)[40:]
        assert below_caption.sum() >= drawn_px
        assert drawn_px or not below_caption.any()


def test_overlays_can_be_left_out(pictures, write_mask_bundle, tmp_path):
    out = tmp_path / 'out'
    model = write_mask_bundle(tmp_path / 'model', stride=1).path
    call(pictures, '-m', model, '-o', out, '--road-class', 'red', '--no-overlays')
    assert [item.name for item in out.iterdir()] == ['paths.jsonl']


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (['--camera', '0.3,0.1'], 'height,forward,pitch,fovy'),
        (['--camera', '0.3,0.1,20,400'], '0 and 180'),
        (['--road', 'a,b,c'], 'column,row,left,right,line row'),
    ],
)
def test_camera_that_is_none_is_explained(pictures, write_mask_bundle, tmp_path, words, reason):
    model = write_mask_bundle(tmp_path / 'model', stride=1).path
    result = call(pictures, '-m', model, '--road-class', 'red', *words, exit_code=2)
    assert reason in result.output


def test_mask_without_a_class_of_a_path_names_its_classes(pictures, write_mask_bundle, tmp_path):
    model = write_mask_bundle(tmp_path / 'model', stride=1).path
    result = CliRunner().invoke(APP, [str(pictures), '-m', str(model)])
    assert isinstance(result.exception, ValueError)
    assert 'floor, red, blue' in str(result.exception)


def test_documents_hold_numbers_or_null():
    nothing = as_document(PathEstimate.invalid(PathProblem.TOO_SHORT, look_ahead_m=0.5))
    assert nothing['reason'] == 'too_short'
    assert nothing['lateral_sigma_m'] is None
    assert json.loads(json.dumps(nothing)) == nothing
    found = PathEstimate.along(Clothoid(), np.eye(4) * 1e-4, (0.0, 1.0), confidence=0.5)
    told = as_document(found)
    assert told['lateral_sigma_m'] == 0.01
    assert told['width_m'] is None
    assert told['points_xy'][-1] == [1.0, 0.0]
