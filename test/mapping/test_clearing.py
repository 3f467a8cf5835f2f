"""What Nav2's voxel layer makes of the two clouds: nobody who has gone may stay in it."""

import numpy as np
import pytest
import yaml

from perception_nodes.mapping import SemanticMap

FLOOR, PERSON = 0, 3
CAMERA_XYZ = np.array([0.1, 0.0, 0.3])
STEP_M = 0.01


@pytest.fixture(scope='module')
def layer(project_root):
    """Return the parameters of the shipped voxel layer, with the costmap's cell."""
    text = (project_root / 'config' / 'nav2_voxel_layer.yaml').read_text()
    costmap = yaml.safe_load(text)['local_costmap']['local_costmap']['ros__parameters']
    return {**costmap['voxel_layer'], 'cell_m': costmap['resolution']}


def voxels(points, layer):
    """Return (N, 3) whole numbers of the voxels that hold points."""
    size = np.array([layer['cell_m'], layer['cell_m'], layer['z_resolution']])
    return np.floor((points - (0, 0, layer['origin_z'])) / size).astype(int)


def passed_by_rays(ends, source, layer):
    """Return the voxels between the camera and the points, as the layer walks them."""
    ways = ends - CAMERA_XYZ
    lengths = np.linalg.norm(ways, axis=1)
    steps = np.arange(0, source['raytrace_max_range'], STEP_M)
    walked = CAMERA_XYZ + ways[:, None] / lengths[:, None, None] * steps[None, :, None]
    return voxels(walked[steps[None] < lengths[:, None]], layer)


def kept(points, source):
    """Return the points that the layer's buffer lets through."""
    inside = points[:, 2] <= source['max_obstacle_height']
    return points[inside & (points[:, 2] >= source['min_obstacle_height'])]


@pytest.mark.parametrize('share', [0.25, 0.5, 0.75, 1.0])
def test_rays_to_the_floor_pass_where_somebody_stood(view, lookup, layer, share):
    """As far as anything is marked."""
    distance_m = CAMERA_XYZ[0] + share * layer['semantic']['obstacle_max_range']
    observer = SemanticMap().observer()
    foot = int(np.argmin(np.abs(lookup[0][view.first_row :, 320, 0] - distance_m)))
    mask = np.full((480, 640), FLOOR, np.uint8)
    free = observer.observe(mask, None, view)
    mask[: view.first_row + foot, 290:350] = PERSON
    taken = observer.observe(mask, None, view)
    marked = set(map(tuple, voxels(kept(taken.obstacles_xyz, layer['semantic']), layer)))
    assert marked
    cleared = passed_by_rays(kept(free.floor_xyz, layer['floor']), layer['floor'], layer)
    assert marked <= set(map(tuple, np.unique(cleared, axis=0)))
    alone = passed_by_rays(kept(free.obstacles_xyz, layer['semantic']), layer['semantic'], layer)
    assert not len(alone), 'the cloud of obstacles alone clears nothing here'
