"""Cameras that several tests look through."""

import numpy as np
import pytest

from perception_nodes.geometry import CameraModel, DistortionModel, RigidTransform

SIZE_WH = (640, 480)
PINHOLE_K = (500.0, 0.0, 320.3, 0.0, 505.0, 239.1, 0.0, 0.0, 1.0)
FISHEYE_K = (220.0, 0.0, 318.5, 0.0, 221.0, 241.2, 0.0, 0.0, 1.0)

CAMERAS = {
    'pinhole': CameraModel(size_wh=SIZE_WH, k=PINHOLE_K),
    'plumb_bob': CameraModel(
        size_wh=SIZE_WH, k=PINHOLE_K, d=(-0.28, 0.07, 0.001, -0.0005, 0.01)
    ),
    'rational_polynomial': CameraModel(
        size_wh=SIZE_WH, k=PINHOLE_K, d=(0.8, -0.4, 0.0005, -0.0003, -0.02, 1.1, -0.3, -0.1),
        distortion_model=DistortionModel.RATIONAL_POLYNOMIAL,
    ),
    'equidistant': CameraModel(
        size_wh=SIZE_WH, k=FISHEYE_K, d=(-0.02, 0.01, -0.005, 0.001),
        distortion_model=DistortionModel.EQUIDISTANT,
    ),
}  # fmt: skip

BODY_FROM_OPTICAL = RigidTransform.from_matrix(np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]]))


@pytest.fixture(params=sorted(CAMERAS))
def camera(request) -> CameraModel:
    """Return one camera of each kind."""
    return CAMERAS[request.param]


@pytest.fixture
def cameras() -> dict[str, CameraModel]:
    """Return all cameras by name."""
    return CAMERAS


@pytest.fixture
def mounted():
    """Return a function that makes base_from_camera of a camera looking ahead and down."""

    def make(height_m=0.3, pitch_deg=8.0, roll_deg=0.0, yaw_deg=0.0, x_m=0.1):
        roll, pitch, yaw = np.radians([roll_deg, pitch_deg, yaw_deg])
        pose = RigidTransform.from_rpy(roll, pitch, yaw, (x_m, 0.0, height_m))
        return pose @ BODY_FROM_OPTICAL

    return make


def all_pixels(size_wh) -> np.ndarray:
    """Return (H·W, 2) centres of all pixels, row by row."""
    grid = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    return np.stack(grid, axis=-1).reshape(-1, 2).astype(np.float64)


@pytest.fixture
def pixels() -> np.ndarray:
    """Return all pixels of the cameras above."""
    return all_pixels(SIZE_WH)
