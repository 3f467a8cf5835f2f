"""Pixels on the ground: exactness, round trips, limits and honest uncertainty."""

import time

import numpy as np
import pytest

from perception_nodes.geometry import (
    CameraModel,
    DistortionModel,
    GroundNotVisibleError,
    GroundProjection,
    RigidTransform,
)
from perception_nodes.geometry.ground import _kept_lookup
from perception_nodes.geometry.pixel_rays import rays_of_picture

NO_DOUBT = {
    'pitch_sigma_rad': 0.0, 'roll_sigma_rad': 0.0, 'height_sigma_m': 0.0, 'pixel_sigma': 0.0,
}  # fmt: skip
SIGMA_RAD = np.radians(0.5)
IMU_SIGMA_RAD = np.radians(0.1)


def projection(camera, base_from_camera, **doubts):
    return GroundProjection(camera, base_from_camera, **{**NO_DOUBT, **doubts})


@pytest.mark.parametrize('pose', [{}, {'roll_deg': 7, 'yaw_deg': 20, 'pitch_deg': 25}])
def test_pixel_to_ground_to_pixel_returns(camera, mounted, pixels, pose):
    ground = projection(camera, mounted(**pose))
    points, _ = ground.to_ground(pixels)
    seen = np.isfinite(points).all(axis=1)
    assert seen.mean() > 0.3
    assert np.abs(ground.to_pixels(points[seen]) - pixels[seen]).max() <= 0.01


def test_ground_to_pixel_to_ground_returns(camera, mounted):
    ground = projection(camera, mounted(pitch_deg=20))
    points = np.random.default_rng(0).uniform((0.8, -0.4), (4, 0.4), (200, 2))
    pixels = ground.to_pixels(points)
    assert np.isfinite(pixels).all()
    assert np.abs(ground.to_ground(pixels)[0] - points).max() < 1e-6


def test_known_triangle(mounted):
    camera = CameraModel.pinhole((640, 480), 500, 500, 320, 240)
    ground = projection(camera, mounted(height_m=0.3, pitch_deg=0, x_m=0.1))
    points, _ = ground.to_ground(np.array([[320, 240 + 50], [320 + 100, 240 + 50]]))
    assert points == pytest.approx(np.array([[3.1, 0.0], [3.1, -0.6]]))


def test_at_and_above_the_horizon_there_is_no_ground(mounted):
    camera = CameraModel.pinhole((640, 480), 500, 500, 320, 240)
    ground = projection(camera, mounted(pitch_deg=0))
    points, sigma = ground.to_ground(np.array([[320, 240], [10, 100], [320, 241]]))
    assert np.isnan(points[:2]).all()
    assert np.isnan(sigma[:2]).all()
    assert np.isfinite(points[2]).all()
    assert np.isnan(ground.lookup()[0][:241]).all()
    assert np.isfinite(ground.lookup()[0][241:]).all()


def test_ground_behind_a_pinhole_has_no_pixel(mounted, cameras):
    assert np.isnan(
        projection(cameras['pinhole'], mounted()).to_pixels(np.array([[-2.0, 0]]))
    ).all()


def test_no_pixels_give_no_points(camera, mounted):
    points, sigma = projection(camera, mounted()).to_ground(np.empty((0, 2)))
    assert points.shape == (0, 2)
    assert sigma.shape == (0,)


def test_fisheye_sees_the_ground_beside_the_robot(mounted):
    camera = CameraModel(
        size_wh=(800, 400), k=(220, 0, 400, 0, 220, 300, 0, 0, 1), d=(0, 0, 0, 0),
        distortion_model=DistortionModel.EQUIDISTANT,
    )  # fmt: skip
    ground = projection(camera, mounted(pitch_deg=0, x_m=0.0))
    pixel = ground.to_pixels(np.array([[-0.02, 0.3]]))
    assert np.isfinite(pixel).all()
    assert ground.to_ground(pixel)[0] == pytest.approx(np.array([[-0.02, 0.3]]))


def test_lookup_is_to_ground_of_every_pixel(camera, mounted, pixels):
    doubts = {'pitch_sigma_rad': 0.01, 'roll_sigma_rad': 0.02, 'pixel_sigma': 0.5}
    ground = projection(camera, mounted(roll_deg=3), height_sigma_m=0.01, **doubts)
    points_xy, sigma_m = ground.lookup()
    assert points_xy.shape == (480, 640, 2)
    assert sigma_m.shape == (480, 640)
    assert points_xy.dtype == sigma_m.dtype == np.float32
    points, sigma = ground.to_ground(pixels)
    near = np.hypot(*points.T) < 10
    assert near.sum() > 50_000
    assert np.abs(points_xy.reshape(-1, 2)[near] - points[near]).max() < 1e-3
    assert np.abs(sigma_m.ravel()[near] / sigma[near] - 1).max() < 1e-2


@pytest.mark.parametrize('stride', [2, 7])
def test_stride_takes_what_slicing_takes(mounted, cameras, stride):
    ground = projection(cameras['plumb_bob'], mounted(), pitch_sigma_rad=0.01)
    for whole, part in zip(ground.lookup(), ground.lookup(stride), strict=True):
        assert np.array_equal(whole[::stride, ::stride], part, equal_nan=True)


def test_stride_below_one_is_refused(mounted, cameras):
    with pytest.raises(ValueError, match='stride'):
        projection(cameras['pinhole'], mounted()).lookup(0)


def test_numpy_scalars_do_not_widen_the_lookup(mounted, cameras):
    doubts = {name: np.float64(0.01) for name in NO_DOUBT}
    ground = projection(cameras['pinhole'], mounted(), **doubts)
    tilted = ground.with_attitude(pitch_rad=np.float64(0.01), roll_rad=0.0, sigma_rad=0.001)
    assert {array.dtype for array in (*ground.lookup(), *tilted.lookup())} == {np.dtype('f4')}


def test_lookup_is_made_once_and_cannot_be_changed(mounted, cameras):
    first = projection(cameras['pinhole'], mounted()).lookup()
    again = projection(CameraModel(**vars(cameras['pinhole'])), mounted()).lookup()
    assert again[0] is first[0]
    with pytest.raises(ValueError, match='read-only'):
        first[0][0, 0] = 0


def test_changed_extrinsics_make_another_lookup(mounted, cameras):
    first = projection(cameras['pinhole'], mounted(pitch_deg=8)).lookup()
    other = projection(cameras['pinhole'], mounted(pitch_deg=9)).lookup()
    assert not np.array_equal(first[0], other[0], equal_nan=True)


def test_attitude_that_is_no_number_is_refused(mounted, cameras):
    ground = projection(cameras['pinhole'], mounted())
    with pytest.raises(ValueError, match='pitch_rad must be finite'):
        ground.with_attitude(pitch_rad=np.nan, roll_rad=0.0, sigma_rad=0.001)


def test_camera_under_the_ground_is_refused(mounted, cameras):
    with pytest.raises(GroundNotVisibleError, match=r'not above the ground.*inverse'):
        projection(cameras['pinhole'], mounted(height_m=-0.2))


def test_inverted_extrinsics_are_refused(mounted, cameras):
    with pytest.raises(GroundNotVisibleError):
        projection(cameras['pinhole'], mounted(pitch_deg=8).inverse())


def test_camera_that_sees_only_sky_is_refused(mounted, cameras):
    with pytest.raises(GroundNotVisibleError, match=r'only sky: its axis points 40\.0° above'):
        projection(cameras['pinhole'], mounted(pitch_deg=-40))


def test_body_frame_in_place_of_the_optical_frame_is_named(cameras):
    body = RigidTransform.from_rpy(translation_xyz=(0.1, 0, 0.3))
    with pytest.raises(GroundNotVisibleError, match='optical frame'):
        projection(cameras['pinhole'], body)


@pytest.mark.parametrize('name', list(NO_DOUBT))
@pytest.mark.parametrize('value', [-0.1, np.nan, np.inf])
def test_impossible_deviation_is_refused(mounted, cameras, name, value):
    with pytest.raises(ValueError, match=name):
        projection(cameras['pinhole'], mounted(), **{name: value})


def points_ahead(distance_m, count=1, y_m=0.0):
    """Return (count, 2) ground points at a distance from the camera's foot, which is x = 0.1."""
    return np.tile([0.1 + distance_m, y_m], (count, 1)).astype(float)


@pytest.mark.parametrize('distance_m', [0.5, 1.0, 2.0, 4.0])
def test_pitch_deviation_is_the_closed_formula_straight_ahead(mounted, cameras, distance_m):
    ground = projection(cameras['plumb_bob'], mounted(), pitch_sigma_rad=SIGMA_RAD)
    pixels = ground.to_pixels(points_ahead(distance_m))
    height = 0.3
    expected = (height**2 + distance_m**2) / height * SIGMA_RAD
    assert ground.to_ground(pixels)[1] == pytest.approx([expected], rel=1e-3)


DOUBTS = [
    ({'pitch_sigma_rad': 1e-4}, 'pitch'),
    ({'roll_sigma_rad': 1e-4}, 'roll'),
    ({'height_sigma_m': 1e-4}, 'height'),
    ({'pixel_sigma': 0.01}, 'pixel'),
]


@pytest.mark.parametrize(('doubt', 'kind'), DOUBTS, ids=[kind for _, kind in DOUBTS])
@pytest.mark.parametrize('place', [(1.1, 0.0), (1.6, 0.5), (2.1, -0.9)])
def test_every_deviation_agrees_with_drawn_errors(camera, mounted, doubt, kind, place):
    """Small errors, so that first order is exact: 1σ of the drawn distances is the reported."""
    rng = np.random.default_rng(7)
    nominal = projection(camera, mounted(pitch_deg=12), **doubt)
    truth = np.array([place])
    reported = nominal.to_ground(nominal.to_pixels(truth))[1][0]
    sigma = next(iter(doubt.values()))
    foot = np.array([0.1, 0.0])
    distances = []
    for error in rng.normal(0, sigma, 200):
        turned = mounted(pitch_deg=12)
        shift = np.zeros(2)
        if kind in ('pitch', 'roll'):
            turn = RigidTransform.from_rpy(**{f'{kind}_rad': error}) @ turned
            turned = RigidTransform(turn.rotation_xyzw, turned.translation_xyz)
        elif kind == 'height':
            turned = mounted(pitch_deg=12, height_m=0.3 + error)
        else:
            shift = rng.normal(0, sigma, 2)
        pixel = projection(camera, turned).to_pixels(truth) + shift
        distances.append(np.hypot(*(nominal.to_ground(pixel)[0][0] - foot)))
    assert np.std(distances) == pytest.approx(reported, rel=0.15, abs=1e-7)


def seen_by_pitched_camera(camera, base_from_camera, truth, pitch_errors_rad):
    """
    Return the pixels of points when the base nods about the foot of the camera.

    Written without the code under test: the rotation matrix is spelled out.
    """
    pixels = []
    for point, error in zip(truth, pitch_errors_rad, strict=True):
        cos, sin = np.cos(error), np.sin(error)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        rotation = turn @ base_from_camera.rotation
        pixels.append(rotation.T @ (np.array([*point, 0.0]) - base_from_camera.translation))
    return camera.project(np.array(pixels))


DRAWS = 4000


@pytest.mark.parametrize('distance_m', [1.0, 2.0, 4.0])
def test_unobserved_pitch_lies_inside_the_reported_interval(mounted, cameras, distance_m):
    camera, pose = cameras['plumb_bob'], mounted()
    ground = projection(camera, pose, pitch_sigma_rad=SIGMA_RAD)
    truth = points_ahead(distance_m, DRAWS)
    errors = np.random.default_rng(3).normal(0, SIGMA_RAD, DRAWS)
    points, sigma = ground.to_ground(seen_by_pitched_camera(camera, pose, truth, errors))
    off = np.hypot(*(points - truth).T)
    assert 0.63 <= np.mean(off <= sigma) <= 0.73
    expected = SIGMA_RAD * (0.3**2 + distance_m**2) / 0.3
    assert np.median(off) <= 1.1 * 0.67 * expected


@pytest.mark.parametrize('distance_m', [2.0, 4.0])
def test_measured_pitch_lies_inside_the_interval_of_the_imu(mounted, cameras, distance_m):
    """The base nods with 2°; the IMU measures that with 0.1°."""
    camera, pose = cameras['plumb_bob'], mounted(x_m=0.0)
    ground = projection(camera, pose, pitch_sigma_rad=SIGMA_RAD)
    rng = np.random.default_rng(4)
    nods, noise = rng.normal(0, np.radians(2), 400), rng.normal(0, IMU_SIGMA_RAD, 400)
    truth = np.tile([distance_m, 0.0], (400, 1))
    off, sigma = [], []
    for point, nod, error in zip(truth, nods, noise, strict=True):
        true_pose = RigidTransform.from_rpy(pitch_rad=nod) @ pose
        pixel = projection(camera, true_pose).to_pixels(point[None])
        measured = ground.with_attitude(
            pitch_rad=nod + error, roll_rad=0.0, sigma_rad=IMU_SIGMA_RAD
        )
        found, one_sigma = measured.to_ground(pixel)
        off.append(np.hypot(*(found[0] - point)))
        sigma.append(one_sigma[0])
    assert 0.63 <= np.mean(np.array(off) <= np.array(sigma)) <= 0.73
    expected = IMU_SIGMA_RAD * (0.3**2 + distance_m**2) / 0.3
    assert np.median(off) <= 1.1 * 0.67 * expected


def test_attitude_is_that_of_the_base_about_its_origin(mounted, cameras):
    level = projection(cameras['pinhole'], mounted())
    tilted = level.with_attitude(pitch_rad=0.05, roll_rad=-0.03, sigma_rad=0.001)
    tilt = RigidTransform.from_rpy(-0.03, 0.05, 0)
    same = projection(cameras['pinhole'], tilt @ mounted())
    assert np.array_equal(tilted.lookup()[0], same.lookup()[0], equal_nan=True)
    assert tilted.pitch_sigma_rad == tilted.roll_sigma_rad == 0.001


def test_straight_down_has_finite_doubt(mounted, cameras):
    ground = projection(
        cameras['pinhole'], mounted(pitch_deg=90), pitch_sigma_rad=0.01, pixel_sigma=0.5
    )
    points, sigma = ground.to_ground(cameras['pinhole'].centre_uv[None])
    assert points == pytest.approx(np.array([[0.1, 0.0]]), abs=1e-9)
    assert 0.3 * 0.01 * 0.9 < sigma[0] < 0.01


def test_lookup_stays_cheap(mounted, cameras):
    rays_of_picture.cache_clear()
    _kept_lookup.cache_clear()
    ground = projection(cameras['plumb_bob'], mounted(), pitch_sigma_rad=SIGMA_RAD)
    started = time.perf_counter()
    ground.lookup()
    built = time.perf_counter()
    for _ in range(100):
        ground.lookup()
    per_frame_s = (time.perf_counter() - built) / 100
    assert built - started < 10  # about 0.4 s on one core
    assert per_frame_s < 1e-3
