"""Ground projection against the depth pictures and exact poses of the simulator."""

from statistics import NormalDist

import numpy as np
import pytest

from perception_nodes.geometry import (
    CameraModel,
    GroundProjection,
    RigidTransform,
    centred_from_continuous,
    continuous_from_centred,
)

# Ours first: it chooses how mujoco renders, which the import of mujoco settles.
pytest.importorskip(
    'perception_nodes.simulation', reason='mujoco is not installed: pip install .[simulation]'
)

from perception_nodes.simulation import PinholeCamera, SimulatedWorld, SimulationConfig
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context
from perception_nodes.simulation.camera import camera_pose
from perception_nodes.simulation.construction import StageDesign, Surface
from perception_nodes.simulation.renderer import LabelRenderer
from perception_nodes.simulation.stage import Light, Lighting, Stage

HEIGHT_M = 0.3
PITCH_RAD = np.radians(8.0)
FLOOR_M = 0.005  # the marked lane lies on the floor
RING_M = 0.1
DRAWS = 120
SIGMA_RAD = np.radians(0.5)
IMU_SIGMA_RAD = np.radians(0.1)


@pytest.fixture(scope='module')
def rendering():
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))


def model_of(camera: PinholeCamera) -> CameraModel:
    cx, cy = centred_from_continuous(np.array([camera.cx, camera.cy]))
    return CameraModel.pinhole(camera.size_wh, camera.fx, camera.fy, cx, cy)


def true_points(depth_m, camera, base_from_camera):
    """Return (H, W, 3) points of a depth picture in the base, by the simulator's own numbers."""
    rows, columns = np.indices(depth_m.shape)
    in_camera = np.stack(
        [
            (columns + 0.5 - camera.cx) / camera.fx * depth_m,
            (rows + 0.5 - camera.cy) / camera.fy * depth_m,
            depth_m,
        ],
        axis=-1,
    )
    return in_camera @ base_from_camera[:3, :3].T + base_from_camera[:3, 3]


def ring(points, foot_xy, distance_m):
    """Return the mask of floor points about this far from the foot of the camera."""
    distance = np.hypot(points[..., 0] - foot_xy[0], points[..., 1] - foot_xy[1])
    with np.errstate(invalid='ignore'):
        return (np.abs(distance - distance_m) < RING_M) & (np.abs(points[..., 2]) < FLOOR_M)


def projection_of(camera, base_from_camera, pitch_sigma_rad=0.0):
    return GroundProjection(
        model_of(camera), RigidTransform.from_matrix(base_from_camera),
        pitch_sigma_rad=pitch_sigma_rad, roll_sigma_rad=0.0, height_sigma_m=0.0, pixel_sigma=0.0,
    )  # fmt: skip


def test_camera_agrees_with_that_of_the_simulator():
    simulated = PinholeCamera.from_fovy((640, 480), 60.0)
    points = np.random.default_rng(1).uniform((-1, -1, 1), (1, 1, 5), (50, 3))
    pixels = continuous_from_centred(model_of(simulated).project(points))
    assert np.allclose(pixels, simulated.project(points))


def test_pose_of_the_simulated_camera_is_taken_over():
    pose = camera_pose((0.1, 0, 0.3), 0.2, 0.1, 0.05)
    assert np.allclose(RigidTransform.from_matrix(pose).matrix, pose)


@pytest.mark.parametrize(('distance_m', 'allowed_m'), [(2.0, 0.01), (4.0, 0.02)])
def test_projection_meets_the_rendered_floor(rendering, distance_m, allowed_m):
    config = SimulationConfig(things=8, walkers=0, clutter=0, seed=5, sensor_strength=0.0)
    world = SimulatedWorld.create(config)
    try:
        view, pose = world.render(), world.base_from_camera
    finally:
        world.close()
    assert pose[2, 3] == HEIGHT_M
    truth = true_points(view.depth_m, world.camera, pose)
    chosen = ring(truth, pose[:2, 3], distance_m)
    found = projection_of(world.camera, pose).lookup()[0]
    off = np.hypot(*(found - truth[..., :2])[chosen].T)
    assert chosen.sum() > 200
    assert np.median(off) <= allowed_m


@pytest.fixture(scope='module')
def nodding(rendering):
    """Return a function that renders an empty floor by cameras whose pitch is off."""
    camera = PinholeCamera.from_fovy((160, 120), 50.0)
    gray = Surface(picture=np.full((16, 16, 3), 128, np.uint8))
    design = StageDesign(
        things=(), floor=gray, walls=gray, lane=gray, path=None,
        sky=np.full((6 * 8, 8, 3), 200, np.uint8), tape_colors=np.array([[1.0, 1.0, 0.0]] * 2),
    )  # fmt: skip
    stage = Stage(design, camera.size_wh)
    light = Light(directional=True, position=(0, 0, 5), direction=(0.5, 0.2, -0.8),
                  diffuse=(0.8, 0.8, 0.8))  # fmt: skip
    stage.set_lights(Lighting(lights=(light,), ambient=(0.3, 0.3, 0.3)))
    renderer = LabelRenderer(camera.size_wh)
    renderer.load(stage)

    def render(pose):
        return true_points(renderer.render(pose, camera).depth_m, camera, pose)

    yield camera, render
    renderer.close()


def pose_with(pitch_rad):
    """Return base_from_camera of a camera above the origin of the base."""
    return camera_pose((0.0, 0.0, HEIGHT_M), pitch_rad=pitch_rad)


def evenly_drawn(sigma, seed):
    """Return normal errors, one from each of equally likely parts: less chance, same law."""
    chances = (np.arange(DRAWS) + 0.5) / DRAWS
    errors = np.array([NormalDist(0, sigma).inv_cdf(chance) for chance in chances])
    return np.random.default_rng(seed).permutation(errors)


def one_point(truth, found, sigma, distance_m):
    """Return the error and the reported 1σ straight ahead at a distance."""
    column = truth.shape[1] // 2
    row = int(np.nanargmin(np.abs(truth[:, column, 0] - distance_m)))
    error = np.hypot(*(found[row, column] - truth[row, column, :2]))
    return error, sigma[row, column]


def check(pairs, sigma_rad, distance_m):
    errors, reported = np.array(pairs).T
    assert 0.63 <= np.mean(errors <= reported) <= 0.73
    bound = 1.1 * 0.67 * sigma_rad * (HEIGHT_M**2 + distance_m**2) / HEIGHT_M
    assert np.median(errors) <= bound


@pytest.mark.parametrize('distance_m', [2.0, 4.0])
def test_unobserved_nod_stays_within_the_reported_doubt(nodding, distance_m):
    camera, render = nodding
    nominal = pose_with(PITCH_RAD)
    found, sigma = projection_of(camera, nominal, SIGMA_RAD).lookup()
    pairs = [
        one_point(render(pose_with(PITCH_RAD + error)), found, sigma, distance_m)
        for error in evenly_drawn(SIGMA_RAD, seed=1)
    ]
    check(pairs, SIGMA_RAD, distance_m)


@pytest.mark.parametrize('distance_m', [2.0, 4.0])
def test_nod_measured_by_an_imu_stays_within_its_doubt(nodding, distance_m):
    camera, render = nodding
    nominal = pose_with(PITCH_RAD)
    ground = projection_of(camera, nominal, SIGMA_RAD)
    nods = np.random.default_rng(2).normal(0, np.radians(1.0), DRAWS)
    pairs = []
    for nod, noise in zip(nods, evenly_drawn(IMU_SIGMA_RAD, seed=3), strict=True):
        measured = ground.with_attitude(
            pitch_rad=nod + noise, roll_rad=0.0, sigma_rad=IMU_SIGMA_RAD
        )
        tilt = RigidTransform.from_rpy(pitch_rad=float(nod)).matrix
        found, sigma = measured.lookup()
        pairs.append(one_point(render(tilt @ nominal), found, sigma, distance_m))
    check(pairs, IMU_SIGMA_RAD, distance_m)
