"""Calibration files are read completely, or refused naming the field."""

import pytest
import yaml

from perception_nodes.imaging.calibration import CameraCalibration, read_calibration

GOOD = {
    'image_width': 640,
    'image_height': 480,
    'camera_name': 'front',
    'camera_matrix': {'rows': 3, 'cols': 3, 'data': [500, 0, 320, 0, 501, 240, 0, 0, 1]},
    'distortion_model': 'plumb_bob',
    'distortion_coefficients': {'rows': 1, 'cols': 5, 'data': [0.1, -0.2, 0, 0, 0]},
    'rectification_matrix': {'rows': 3, 'cols': 3, 'data': [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    'projection_matrix': {
        'rows': 3,
        'cols': 4,
        'data': [500, 0, 320, 0, 0, 501, 240, 0, 0, 0, 1, 0],
    },
}


def written(tmp_path, document):
    path = tmp_path / 'front.yaml'
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return path


def test_uncalibrated_camera_has_zero_matrices():
    calibration = CameraCalibration(size_wh=(4, 3))
    assert not calibration.calibrated
    assert (len(calibration.k), len(calibration.r), len(calibration.p)) == (9, 9, 12)


def test_file_of_the_calibration_tool_is_read(tmp_path):
    calibration = read_calibration(written(tmp_path, GOOD))
    assert calibration.calibrated
    assert calibration.size_wh == (640, 480)
    assert (calibration.k[0], calibration.k[4]) == (500.0, 501.0)
    assert calibration.d == (0.1, -0.2, 0.0, 0.0, 0.0)
    assert calibration.p[6] == 240.0


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'image_width': 0}, 'image_width and image_height'),
        ({'image_width': 'wide'}, 'invalid literal'),
        ({'distortion_model': 'fisheye'}, r"'fisheye' is not one of plumb_bob"),
        ({'camera_matrix': {'data': [1, 2]}}, 'camera_matrix needs 9'),
        ({'camera_matrix': {'data': [0] * 9}}, 'focal lengths'),
        ({'projection_matrix': {'data': [float('nan')] * 12}}, 'projection_matrix needs 12'),
        ({'distortion_coefficients': {'data': ['a'] * 5}}, 'could not convert'),
        ({'distortion_coefficients': None}, 'distortion_coefficients'),
    ],
)
def test_wrong_field_is_refused_by_name(tmp_path, change, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_calibration(written(tmp_path, {**GOOD, **change}))
    assert "'front.yaml'" in str(caught.value)


@pytest.mark.parametrize('field', [name for name in GOOD if name != 'camera_name'])
def test_missing_field_is_named(tmp_path, field):
    with pytest.raises(ValueError, match=f"'{field}' is missing"):
        read_calibration(written(tmp_path, {k: v for k, v in GOOD.items() if k != field}))


@pytest.mark.parametrize('text', ['', '[1, 2]', 'a: [', '\x00'])
def test_file_that_is_no_mapping_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match='camera_calibration tool'):
        read_calibration(written(tmp_path, text))
