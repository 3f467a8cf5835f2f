"""Fields of camera_info, good and broken."""

import numpy as np
import pytest

from perception_nodes.geometry import (
    CameraModel,
    UncalibratedCameraError,
    camera_model_from_info_fields,
)
from perception_nodes.imaging.calibration import read_calibration

K = (500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0)


def test_zero_k_says_uncalibrated_and_the_cure():
    with pytest.raises(UncalibratedCameraError, match=r'uncalibrated.*camera_calibration'):
        camera_model_from_info_fields(
            size_wh=(640, 480), distortion_model='', d=(), k=[0.0] * 9, r=[0.0] * 9, p=[0.0] * 12
        )


@pytest.mark.parametrize('model', ['', 'none', 'plumb_bob', 'rational_polynomial', 'equidistant'])
def test_all_zero_coefficients_pass_through(model):
    camera = camera_model_from_info_fields(
        size_wh=(640, 480), distortion_model=model, d=[0.0] * 5, k=K
    )
    assert np.array_equal(camera.project(np.array([[1.0, 0.0, 2.0]])), [[570.0, 240.0]])


def test_trailing_zeros_of_a_driver_are_cut():
    camera = camera_model_from_info_fields(
        size_wh=(640, 480), distortion_model='rational_polynomial',
        d=[0.1, 0.01, 0, 0, 0, 0.1, 0, 0, 0, 0, 0, 0, 0, 0], k=K,
    )  # fmt: skip
    assert len(camera.d) == 8


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'distortion_model': 'ftheta', 'd': [1.0]}, "'ftheta' is not one of plumb_bob"),
        ({'d': [0.1, 0, 0, 0, 0, 0.2]}, 'd has 6 coefficients, plumb_bob takes 5'),
        ({'d': [np.nan, 0, 0, 0, 0]}, 'finite'),
        ({'k': (500, 0, 1, 0, -5, 1, 0, 0, 1)}, 'focal lengths above 0'),
        ({'k': (500, 3, 1, 0, 5, 1, 0, 0, 1)}, 'must read'),
        ({'k': (500, 0, 1)}, 'k needs 9'),
        ({'size_wh': (0, 480)}, 'at least 1x1'),
    ],
)
def test_broken_fields_are_named(fields, message):
    given_fields = {'size_wh': (640, 480), 'distortion_model': 'plumb_bob', 'd': [], 'k': K}
    with pytest.raises(ValueError, match=message):
        camera_model_from_info_fields(**{**given_fields, **fields})


def test_region_comes_before_binning():
    camera = camera_model_from_info_fields(
        size_wh=(640, 480), distortion_model='plumb_bob', d=(), k=K, roi_xywh=(100, 40, 400, 200),
        binning_xy=(2, 2),
    )  # fmt: skip
    assert camera.size_wh == (200, 100)
    assert camera.focal_xy == pytest.approx([250, 250])
    full = CameraModel(size_wh=(640, 480), k=K)
    assert np.allclose(camera.rays(np.array([[0, 0]])), full.rays(np.array([[100.5, 40.5]])))


def test_calibration_file_gives_the_model(tmp_path):
    path = tmp_path / 'camera.yaml'
    path.write_text(
        'image_width: 640\nimage_height: 480\ndistortion_model: plumb_bob\n'
        'camera_matrix: {rows: 3, cols: 3, data: [500, 0, 320, 0, 500, 240, 0, 0, 1]}\n'
        'distortion_coefficients: {rows: 1, cols: 5, data: [-0.2, 0.05, 0, 0, 0]}\n'
        'rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n'
        'projection_matrix: {rows: 3, cols: 4, data: [450,0,320,0,0,450,240,0,0,0,1,0]}\n'
    )
    camera = camera_model_from_info_fields(**vars(read_calibration(path)))
    assert camera.d[0] == -0.2
