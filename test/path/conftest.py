"""Masks of floors that are painted by geometry alone: every pixel asks where it lies."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from numpy.random import Generator

from perception_nodes.geometry import CameraModel, GroundProjection, RigidTransform
from perception_nodes.path import Clothoid

LABELS = {0: 'floor', 1: 'lane', 2: 'tape', 3: 'person', 8: 'background'}
FLOOR, LANE, TAPE, PERSON, BACKGROUND = LABELS
SIZE_WH = (320, 240)
LANE_M, TAPE_M = 0.5, 0.05
NEAREST_M = 0.2
"""Just ahead of the camera, below the picture."""


def ground_of(pitch_deg: float = 20.0) -> GroundProjection:
    """Return the floor of a camera 0.3 m high and 0.1 m ahead of base_link."""
    focal = SIZE_WH[1] / 2 / np.tan(np.radians(30.0))
    camera = CameraModel.pinhole(SIZE_WH, focal, focal, (SIZE_WH[0] - 1) / 2, (SIZE_WH[1] - 1) / 2)
    body = RigidTransform.from_rpy(0.0, np.radians(pitch_deg), 0.0).rotation
    optical = body @ np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    matrix = np.block([[optical, np.array([[0.1], [0], [0.3]])], [0, 0, 0, 1]])
    return GroundProjection(
        camera, RigidTransform.from_matrix(matrix), pitch_sigma_rad=np.radians(0.3),
        roll_sigma_rad=np.radians(0.2), height_sigma_m=0.003, pixel_sigma=0.5,
    )  # fmt: skip


GROUND = ground_of()


def painted(
    *curves: Clothoid,
    ground: GroundProjection = GROUND,
    begins_m: Sequence[float] = (),
    lane_m: float = LANE_M,
    wobble_px: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """
    Return the mask of lanes along curves, later ones crossing the tapes of earlier ones.

    :param begins_m: arc length at which each lane begins, by default behind the robot.
    :param wobble_px: 1σ by which borders err, alike in neighbourhoods of some pixels, as those
        of networks do.
    """
    rng = np.random.default_rng(seed)
    mask = np.full(SIZE_WH[::-1], BACKGROUND, np.uint8)
    mask[int(ground.to_pixels(np.array([[50.0, 0.0]]))[0, 1]) :] = FLOOR
    borders = [
        _borders(curve, begin_m, lane_m / 2, ground, wobble_px, rng)
        for curve, begin_m in zip(curves, begins_m or [-1.2] * len(curves), strict=True)
    ]
    for value, left, right in ((TAPE, 0, 3), (LANE, 1, 2)):
        for lines in borders if value == TAPE or lane_m else ():
            strip = np.stack(
                [lines[left][:-1], lines[left][1:], lines[right][1:], lines[right][:-1]], axis=1
            )
            strip = strip[np.isfinite(strip).all(axis=(1, 2))]
            for corners in np.rint(strip * 16).astype(np.int32):
                cv2.fillConvexPoly(mask, corners, value, shift=4)
    return mask


def _borders(
    curve: Clothoid,
    begin_m: float,
    half_m: float,
    ground: GroundProjection,
    wobble_px: float,
    rng: Generator,
) -> list[np.ndarray]:
    """Return pixels along the outer left, inner left, inner right and outer right border."""
    samples = curve.sampled(-1.2, 4.0, 0.03)
    normal = np.stack([-np.sin(samples.heading_rad), np.cos(samples.heading_rad)], axis=1)
    lines = []
    for left_m in (half_m + TAPE_M, half_m, -half_m, -half_m - TAPE_M):
        line = samples.xy + left_m * normal
        line[(line[:, 0] < NEAREST_M) | (samples.arc_m < begin_m - 1e-9)] = np.nan
        noise = cv2.GaussianBlur(rng.normal(0, 1, (len(line), 1)), (1, 0), 1.0, sigmaY=1.0)
        lines.append(ground.to_pixels(line) + wobble_px * noise / noise.std() * (1.0, 0.0))
    return lines


@pytest.fixture(scope='session')
def paint() -> Callable[..., np.ndarray]:
    """Return :func:`painted`."""
    return painted


@pytest.fixture(scope='session')
def ground() -> GroundProjection:
    """Return the floor of the usual camera."""
    return GROUND


@pytest.fixture(scope='session')
def labels() -> dict[int, str]:
    """Return the class name of each mask value."""
    return LABELS
