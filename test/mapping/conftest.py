"""A camera over a flat floor, and a room of round things whose layout is known exactly."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from perception_nodes.geometry import CameraModel, GroundProjection, RigidTransform
from perception_nodes.mapping import Observation, PlanarPose, SemanticMap
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context

FLOOR, LANE, BOX, BACKGROUND = 0, 1, 5, 8
CAMERA_FORWARD_M = 0.1


def make_projection(size_wh) -> GroundProjection:
    """Return the simulator's camera: 0.3 m above the floor, looking down 8°, 60° high."""
    width, height = size_wh
    focal = height / 2 / np.tan(np.radians(30))
    camera = CameraModel.pinhole(size_wh, focal, focal, (width - 1) / 2, (height - 1) / 2)
    optical = RigidTransform.from_matrix(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]))
    mount = RigidTransform.from_rpy(
        pitch_rad=np.radians(8), translation_xyz=(CAMERA_FORWARD_M, 0.0, 0.3)
    )
    return GroundProjection(
        camera,
        mount @ optical,
        pitch_sigma_rad=np.radians(0.1),
        roll_sigma_rad=0.0,
        height_sigma_m=0.0,
        pixel_sigma=0.0,
    )


@dataclass(frozen=True)
class RoundRoom:
    """
    A lane in a ring on the floor of a round room with round pillars higher than the camera.

    :param pillars: x, y, radius in metres.
    """

    pillars: tuple[tuple[float, float, float], ...]
    wall_radius_m: float = 3.6
    ring_radius_m: float = 2.0
    lane_width_m: float = 0.5

    def mask(self, points_xy: np.ndarray, pose: PlanarPose, first_row: int) -> np.ndarray:
        """
        Return the (H, W) classes that a camera sees, by the places where its rays end.

        Above ``first_row`` everything is wall: out of range there.
        """
        end = pose.apply(points_xy[first_row:])
        start = pose.apply(np.array([CAMERA_FORWARD_M, 0.0], np.float32))
        radius_m = np.hypot(end[..., 0], end[..., 1])
        on_lane = np.abs(radius_m - self.ring_radius_m) <= self.lane_width_m / 2
        seen = np.where(on_lane, LANE, FLOOR)
        seen[~(radius_m < self.wall_radius_m)] = BACKGROUND
        for x_m, y_m, pillar_radius_m in self.pillars:
            pillar = np.array([x_m, y_m], np.float32)
            seen[_segment_distance(start, end, pillar) <= pillar_radius_m] = BOX
        mask = np.full(points_xy.shape[:2], BACKGROUND, np.uint8)
        mask[first_row:] = seen
        return mask

    def occupied(self, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
        """Return whether places are inside something."""
        found = np.hypot(x_m, y_m) >= self.wall_radius_m
        for px_m, py_m, radius_m in self.pillars:
            found |= np.hypot(x_m - px_m, y_m - py_m) <= radius_m
        return found


def _segment_distance(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return the distance of a point from the segments start..end; inf where end is NaN."""
    way_x, way_y = end[..., 0] - start[0], end[..., 1] - start[1]
    to_x, to_y = point - start
    along = np.clip((to_x * way_x + to_y * way_y) / (way_x**2 + way_y**2), 0, 1)
    return np.nan_to_num(np.hypot(along * way_x - to_x, along * way_y - to_y), nan=np.inf)


def cell_centres(grid) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y (N, N) of the middles of a grid's cells in odom."""
    side, cell_m = grid.config.size_cells, grid.config.resolution_m
    rows, columns = np.mgrid[:side, :side]
    left, low = grid.origin_xy
    return left + (columns + 0.5) * cell_m, low + (rows + 0.5) * cell_m


def look_at(x_m, y_m, class_id, weight=1.0, side_m=0.0, step_m=0.02) -> Observation:
    """Return an observation of one class at a place of base_link, or of a square around it."""
    offsets = np.arange(-side_m / 2, side_m / 2 + 1e-9, step_m)
    xs, ys = (values.ravel() for values in np.meshgrid(x_m + offsets, y_m + offsets))
    return Observation(
        points_xy=np.stack([xs, ys]).astype(np.float32),
        class_ids=np.full(len(xs), class_id, np.uint8),
        weights=np.full(len(xs), weight, np.float32),
        obstacles_xyz=np.zeros((0, 3), np.float32),
        obstacle_ids=np.zeros(0, np.uint8),
    )


@pytest.fixture(autouse=True)
def one_torch_thread():
    """Small grids gain nothing from a second thread, and wait for it on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='session')
def projection():
    """Return a function from a picture size to the projection of the test camera."""
    return make_projection


@pytest.fixture(scope='session')
def lookup():
    """Return (points_xy, sigma_m) of the test camera at 640×480."""
    return make_projection((640, 480)).lookup()


@pytest.fixture(scope='session')
def view(lookup):
    """Return the prepared ground view of the test camera at 640×480."""
    return SemanticMap().observer().prepare(*lookup)


@pytest.fixture(scope='session')
def room():
    """Return a room with seven pillars beside the ring."""
    places = [(0.3, 1.2, 0.15), (1.2, 2.8, 0.2), (2.4, 2.7, 0.12), (4.0, 2.9, 0.25)]
    places += [(4.9, 2.75, 0.15), (5.6, 2.6, 0.1), (3.2, 2.6, 0.15)]
    return RoundRoom(tuple((r * np.cos(a), r * np.sin(a), s) for a, r, s in places))


@pytest.fixture(scope='session')
def look():
    """Return the maker of hand-made observations."""
    return look_at


@pytest.fixture(scope='session')
def centres():
    """Return the function for the middles of a grid's cells."""
    return cell_centres


@pytest.fixture(scope='session')
def rendering() -> None:
    """Skip, with the reason, where OpenGL cannot render."""
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
