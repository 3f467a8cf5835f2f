"""A short drive through the simulator, mapped from its true mask, against its true depth."""

import numpy as np
import pytest

from perception_nodes.geometry import CameraModel, GroundProjection, RigidTransform
from perception_nodes.mapping import (
    SIMULATOR_CLASSES,
    PlanarPose,
    SemanticMap,
    UpdateStatus,
)
from perception_nodes.simulation import PathDriver, SimulatedWorld, SimulationConfig

FRAMES = 30
STEP_S = 0.2
LOW_M = 0.15
"""What is lower than this stands where it is seen; higher parts may hang over."""
FREE_BELOW, OCCUPIED_FROM = 25, 65


def projection_of(world) -> GroundProjection:
    """Return the ground projection of the simulated camera."""
    camera = world.camera
    model = CameraModel.pinhole(
        camera.size_wh, camera.fx, camera.fy, camera.cx - 0.5, camera.cy - 0.5
    )
    return GroundProjection(
        model,
        RigidTransform.from_matrix(world.base_from_camera),
        pitch_sigma_rad=np.radians(0.1),
        roll_sigma_rad=0.0,
        height_sigma_m=0.0,
        pixel_sigma=0.5,
    )


def cloud_of(view, projection) -> np.ndarray:
    """Return the (H, W, 3) points of the true depth in base_link."""
    height, width = view.depth_m.shape
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2)
    points = projection.camera.points_at_depth(pixels, view.depth_m.ravel())
    return projection.base_from_camera.apply(points).reshape(height, width, 3).astype(np.float32)


class TrueCells:
    """Cells of odom that things stand in, by depth, and those where only floor was seen."""

    def __init__(self, resolution_m=0.05):
        self.resolution_m = resolution_m
        self.standing, self.floor = set(), set()

    def add(self, mask, cloud, pose, max_range_m=3.5):
        points = cloud.reshape(-1, 3)
        near = np.hypot(points[:, 0], points[:, 1]) <= max_range_m
        ground = np.isin(mask.ravel(), np.flatnonzero(SIMULATOR_CLASSES.ground))
        c, s = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
        places = points[:, :2] @ np.array([[c, s], [-s, c]]) + (pose.x_m, pose.y_m)
        for cells, chosen in (
            (self.floor, near & ground),
            (self.standing, near & ~ground & (points[:, 2] < LOW_M)),
        ):
            found = np.unique(np.floor(places[chosen] / self.resolution_m).astype(int), axis=0)
            cells.update(map(tuple, found.tolist()))

    def window(self, grid) -> np.ndarray:
        """Return the (N, N) cells of the grid's window in which something stands."""
        side = grid.config.size_cells
        left, low = np.rint(np.array(grid.origin_xy) / self.resolution_m).astype(int)
        found = np.zeros((side, side), bool)
        for column, row in self.standing:
            if 0 <= column - left < side and 0 <= row - low < side:
                found[row - low, column - left] = True
        return found


@pytest.fixture
def world(rendering):
    world = SimulatedWorld.create(
        SimulationConfig(course='s_curve', things=80, seed=3, walkers=0, odometry_noise=0.0)
    )
    yield world
    world.close()


def drive(world, seen_cells, truth, *, with_depth=False):
    """Return the map after a short drive along the course."""
    driver, projection = PathDriver(world.path, speed_m_s=0.5), projection_of(world)
    grid = SemanticMap()
    observer = grid.observer()
    view = observer.prepare(*projection.lookup())
    for _ in range(FRAMES):
        world.command(*driver.command(world.pose), world.time_ns)
        world.advance(STEP_S)
        rendered = world.render()
        cloud = cloud_of(rendered, projection)
        if with_depth:
            seen = observer.observe_points(rendered.class_ids, None, cloud)
        else:
            seen = observer.observe(rendered.class_ids, None, view)
        pose = PlanarPose(**vars(world.pose))
        result = grid.update(seen, pose.matrix, world.time_ns)
        assert result.status is UpdateStatus.FUSED, result
        seen_cells.add(seen, pose)
        truth.add(rendered.class_ids, cloud, pose)
    return grid


@pytest.mark.slow
@pytest.mark.parametrize('with_depth', [False, True], ids=['one eye', 'with depth'])
def test_map_of_a_drive_agrees_with_the_world(world, seen_cells, iou, with_depth):
    truth = TrueCells()
    grid = drive(world, seen_cells, truth, with_depth=with_depth)
    occupancy, seen = grid.occupancy(), seen_cells.window(grid)
    standing = truth.window(grid)
    free = (occupancy >= 0) & (occupancy <= FREE_BELOW)
    occupied = occupancy >= OCCUPIED_FROM
    assert seen.sum() > 3000
    assert iou(free, ~standing, seen) >= 0.92
    assert iou(occupied, standing, seen) >= 0.80
