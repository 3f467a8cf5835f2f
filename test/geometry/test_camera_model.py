"""Pixels, rays and calibrations."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perception_nodes.geometry import (
    CameraModel,
    DistortionModel,
    centred_from_continuous,
    continuous_from_centred,
    points_of_depth,
)

ROUND_TRIP_PX = 0.01
K = (500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0)


def numbers(low, high):
    return st.floats(low, high, allow_nan=False)


def whole_picture(size_wh, step=16):
    columns = np.append(np.arange(0, size_wh[0], step), size_wh[0] - 1)
    rows = np.append(np.arange(0, size_wh[1], step), size_wh[1] - 1)
    return np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(float)


# Ranges of real calibrations: webcams and wide lenses down to 60° per 320 px, fisheyes to 190°.
PLUMB_BOB = ((-0.35, 0.3), (-0.1, 0.2), (-3e-3, 3e-3), (-3e-3, 3e-3), (-0.05, 0.05))
RATIONAL = (
    (0.0, 1.0), (-0.1, 0.3), (-1e-3, 1e-3), (-1e-3, 1e-3), (-0.02, 0.02), (0.0, 1.4), (0.0, 0.3),
    (-0.02, 0.02),
)  # fmt: skip
EQUIDISTANT = ((-0.05, 0.1), (-0.02, 0.05), (-0.01, 0.01), (-0.002, 0.002))
MODELS = [
    (DistortionModel.PLUMB_BOB, PLUMB_BOB, (380.0, 900.0)),
    (DistortionModel.RATIONAL_POLYNOMIAL, RATIONAL, (380.0, 900.0)),
    (DistortionModel.EQUIDISTANT, EQUIDISTANT, (240.0, 500.0)),
]


@pytest.mark.parametrize(('model', 'ranges', 'focal_range'), MODELS)
def test_pixel_to_ray_to_pixel_returns_over_the_whole_picture(model, ranges, focal_range):
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(
        st.tuples(*(numbers(*ends) for ends in ranges)), numbers(*focal_range),
        numbers(300, 340), numbers(220, 260),
    )  # fmt: skip
    def check(d, focal, cx, cy):
        k = (focal, 0, cx, 0, focal * 1.01, cy, 0, 0, 1)
        camera = CameraModel(size_wh=(640, 480), k=k, d=d, distortion_model=model)
        pixels = whole_picture(camera.size_wh)
        rays = camera.rays(pixels)
        seen = np.isfinite(rays).all(axis=1)
        assert np.allclose(np.linalg.norm(rays[seen], axis=1), 1.0)
        assert np.abs(camera.project(rays[seen] * 2.5) - pixels[seen]).max() <= ROUND_TRIP_PX

    check()


@pytest.mark.parametrize(('model', 'ranges', 'focal_range'), MODELS)
def test_ordinary_lens_has_a_ray_for_every_pixel(model, ranges, focal_range):
    """Counted over even draws: hypothesis prefers the ends, where lenses fold back."""
    rng = np.random.default_rng(0)
    pixels = whole_picture((640, 480))
    complete = 0
    for _ in range(60):
        d = tuple(rng.uniform(*ends) for ends in ranges)
        focal = rng.uniform(*focal_range)
        k = (focal, 0, 320, 0, focal, 240, 0, 0, 1)
        camera = CameraModel(size_wh=(640, 480), k=k, d=d, distortion_model=model)
        complete += bool(np.isfinite(camera.rays(pixels)).all())
    assert complete >= 51


@given(st.tuples(*[numbers(-1, 1)] * 3), numbers(0.5, 20))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_point_to_pixel_to_point_returns(direction, distance):
    camera = CameraModel(size_wh=(640, 480), k=K, d=(-0.28, 0.07, 0.001, -0.0005))
    point = np.array([[direction[0], direction[1], 1.5 + direction[2]]]) * distance
    pixel = camera.project(point)
    assume(np.isfinite(pixel).all())
    assert np.allclose(camera.points_at_depth(pixel, point[:, 2]), point, atol=1e-6 * distance)


@pytest.mark.parametrize('name', ['pinhole', 'plumb_bob', 'rational_polynomial'])
def test_projection_agrees_with_opencv(cameras, name):
    camera = cameras[name]
    points = np.random.default_rng(0).uniform((-1, -0.8, 1.6), (1, 0.8, 6), (500, 3))
    wanted = cv2.projectPoints(
        points, np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.d)
    )[0][:, 0]
    assert np.abs(camera.project(points) - wanted).max() < 1e-6


def test_fisheye_projection_agrees_with_opencv(cameras):
    camera = cameras['equidistant']
    points = np.random.default_rng(0).uniform((-4, -4, 0.5), (4, 4, 3), (500, 3))
    wanted = cv2.fisheye.projectPoints(
        points[None], np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.d)
    )[0][0]
    assert np.abs(camera.project(points) - wanted).max() < 1e-6


def test_depth_picture_becomes_the_points_of_its_pixels(camera):
    width, height = camera.size_wh
    depth_m = np.random.default_rng(0).uniform(0.2, 8, (height, width)).astype(np.float32)
    depth_m[10, 20] = np.nan
    points = points_of_depth(camera, depth_m)
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2)
    wanted = camera.points_at_depth(pixels, depth_m.ravel()).reshape(height, width, 3)
    assert points.dtype == np.float32
    assert np.isnan(points[10, 20]).all()
    assert np.allclose(points, wanted, rtol=1e-5, atol=1e-5, equal_nan=True)


def test_no_points_give_no_pixels(camera):
    assert camera.project(np.empty((0, 3))).shape == (0, 2)
    assert camera.rays(np.empty((0, 2))).shape == (0, 3)


def test_optical_axis_is_the_principal_point(camera):
    assert np.allclose(camera.project(np.array([[0, 0, 3.0]])), [camera.centre_uv])
    assert np.allclose(camera.rays(camera.centre_uv[None]), [[0, 0, 1]])


@pytest.mark.parametrize('name', ['pinhole', 'plumb_bob', 'rational_polynomial'])
def test_points_behind_the_camera_have_no_pixel(cameras, name):
    points = np.array([[0, 0, -1.0], [0.1, 0, -1.0], [0, 0, 0]])
    assert np.isnan(cameras[name].project(points)).all()


def test_fisheye_cannot_tell_the_direction_right_behind(cameras):
    points = np.array([[0, 0, -1.0], [0, 0, 0]])
    assert np.isnan(cameras['equidistant'].project(points)).all()


def test_fisheye_sees_beyond_ninety_degrees():
    camera = CameraModel(
        size_wh=(640, 640), k=(180, 0, 320, 0, 180, 320, 0, 0, 1), d=(0.0, 0.0, 0.0, 0.0),
        distortion_model=DistortionModel.EQUIDISTANT,
    )  # fmt: skip
    ray = camera.rays(np.array([[320 + 180 * np.radians(95), 320]]))
    assert ray[0] == pytest.approx([np.sin(np.radians(95)), 0, np.cos(np.radians(95))])
    assert camera.project(ray) == pytest.approx(np.array([[320 + 180 * np.radians(95), 320]]))


def test_point_beyond_the_fold_does_not_appear_in_the_picture():
    camera = CameraModel(size_wh=(640, 480), k=K, d=(-0.4, 0.0, 0, 0, 0))
    fold = 1 / np.sqrt(3 * 0.4)
    polynomial_px = 320 + 500 * 1.5 * (1 - 0.4 * 1.5**2)
    assert 0 < polynomial_px < 640  # the bare polynomial would show it
    assert np.isnan(camera.project(np.array([[1.5, 0, 1.0]]))).all()
    assert np.isfinite(camera.project(np.array([[fold * 0.99, 0, 1.0]]))).all()


def test_pixel_that_no_ray_reaches_is_nan():
    camera = CameraModel(size_wh=(640, 480), k=K, d=(-0.4, 0.0, 0, 0, 0))
    assert np.isnan(camera.rays(np.array([[320 + 500, 240]]))).all()


def test_conventions_differ_by_half_a_pixel():
    assert np.array_equal(continuous_from_centred(np.array([[0, 0]])), [[0.5, 0.5]])
    assert np.array_equal(centred_from_continuous(np.array([[0.5, 0.5]])), [[0.0, 0.0]])


@pytest.mark.parametrize(
    ('change', 'pixel_of'),
    [
        (lambda c: c.resized((320, 120)), lambda uv: (uv + 0.5) * (0.5, 0.25) - 0.5),
        (lambda c: c.cropped(100, 40, 300, 200), lambda uv: uv - (100, 40)),
        (lambda c: c.binned(2, 4), lambda uv: (uv + 0.5) / (2, 4) - 0.5),
    ],
    ids=['resized', 'cropped', 'binned'],
)
def test_changed_picture_keeps_the_directions(camera, change, pixel_of):
    pixels = whole_picture(camera.size_wh, 64)
    assert np.allclose(change(camera).rays(pixel_of(pixels)), camera.rays(pixels), atol=1e-9)


def test_resizing_there_and_back_is_the_same_camera(camera):
    back = camera.resized((320, 240)).resized(camera.size_wh)
    assert back.k == pytest.approx(camera.k)
    assert back.size_wh == camera.size_wh


def test_binned_pixel_is_the_mean_of_its_block():
    camera = CameraModel(size_wh=(640, 480), k=K)
    block = np.array([[10, 20], [11, 20], [10, 21], [11, 21]], float)
    middle = camera.project(camera.points_at_depth(block, np.ones(4)).mean(axis=0)[None])
    assert np.allclose(camera.binned(2, 2).rays(np.array([[5, 10]])), camera.rays(middle))


@pytest.mark.parametrize(
    'part', [(-1, 0, 10, 10), (0, 0, 641, 10), (600, 0, 41, 10), (0, 0, 0, 1)]
)
def test_crop_out_of_the_picture_is_refused(part):
    with pytest.raises(ValueError, match='not inside the picture of 640x480'):
        CameraModel(size_wh=(640, 480), k=K).cropped(*part)


def test_scaled_picture_has_the_scaled_camera(camera):
    assert camera.for_picture(camera.size_wh) is camera
    assert camera.for_picture((320, 240)) == camera.resized((320, 240))
    assert camera.for_picture((427, 320)).size_wh == (427, 320)  # rounded to whole pixels


def test_picture_of_other_proportions_is_refused(camera):
    with pytest.raises(ValueError, match='640x360 does not belong to a camera of 640x480'):
        camera.for_picture((640, 360))


def test_rectified_picture_has_the_projection_matrix():
    p = (450.0, 0, 318, 0, 0, 451.0, 238, 0, 0, 0, 1, 0)
    camera = CameraModel(size_wh=(640, 480), k=K, d=(-0.2, 0, 0, 0), p=p).rectified()
    assert (camera.k[0], camera.k[2], camera.k[4], camera.k[5]) == (450, 318, 451, 238)
    assert not any(camera.d)


def test_rectified_without_projection_matrix_is_refused():
    with pytest.raises(ValueError, match='no projection matrix'):
        CameraModel(size_wh=(640, 480), k=K).rectified()


def test_equal_cameras_are_one_key(camera):
    twin = CameraModel(**vars(camera))
    assert twin == camera
    assert hash(twin) == hash(camera)
