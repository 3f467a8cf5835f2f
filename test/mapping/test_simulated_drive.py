"""A short drive through the simulator, mapped from its true mask, against its true depth."""

import pytest

from benchmarks.map_lap import BOUNDS, MappedDrive, Seeing, map_drive, projection_of
from perception_nodes.simulation import SimulatedWorld, SimulationConfig

WAY_M = 1.8


@pytest.fixture
def world(rendering):
    world = SimulatedWorld.create(
        SimulationConfig(course='s_curve', things=60, seed=3, walkers=0, odometry_noise=0.0)
    )
    yield world
    world.close()


@pytest.mark.slow
def test_maps_of_a_drive_agree_with_the_world(world):
    drives = [
        MappedDrive(Seeing(with_depth=with_depth), projection_of(world))
        for with_depth in (False, True)
    ]
    truth = map_drive(world, drives, way_m=WAY_M)
    for drive in drives:
        found = drive.agreement(truth)
        assert found.cells > 2000, drive.seeing.name
        assert found.free_iou >= BOUNDS['free_iou'], drive.seeing.name
        assert found.occupied_iou >= BOUNDS['occupied_iou'], drive.seeing.name
