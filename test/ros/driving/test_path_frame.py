"""Messages that do not belong together are refused, with the cure."""

import array

import numpy as np
import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header

from perception_nodes.geometry import CameraModel, RigidTransform
from perception_nodes.ros.grid_conversion import cloud_msg
from perception_nodes.ros.mask_conversion import map_frame_from
from perception_nodes.ros.mask_source import PlacedMask
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig
from perception_nodes.ros.path_frame import path_frame_from
from perception_nodes.simulation.camera import camera_pose

W, H = 160, 120
OPTICAL, BODY = 'camera_optical_frame', 'camera_link'
CAMERA = CameraModel.pinhole((W, H), 104.0, 104.0, 79.5, 59.5)
BASE_FROM_CAMERA = RigidTransform.from_matrix(camera_pose((0.1, 0.0, 0.3), pitch_rad=0.35))
LABELS = {0: 'floor', 1: 'lane', 2: 'tape'}


def image(pixels: np.ndarray, encoding: str = 'mono8', frame_id: str = OPTICAL) -> Image:
    height, width = pixels.shape
    return Image(
        header=Header(frame_id=frame_id), width=width, height=height, encoding=encoding,
        step=width * pixels.itemsize, data=array.array('B', pixels.tobytes()),
    )  # fmt: skip


def floor_depth(pitch_rad: float) -> np.ndarray:
    """Return (H, W) float32 metres to a bare floor, seen by a base whose nose dips so much."""
    level_from_camera = RigidTransform.from_rpy(pitch_rad=pitch_rad) @ BASE_FROM_CAMERA
    v, u = np.mgrid[:H, :W]
    rays = np.stack([(u - 79.5) / 104.0, (v - 59.5) / 104.0, np.ones((H, W))], axis=2)
    down = -rays @ level_from_camera.rotation[2]
    height_m = level_from_camera.translation_xyz[2]
    return np.where(down > 0.01, height_m / np.maximum(down, 0.01), np.nan).astype(np.float32)


def placed(**changes) -> PlacedMask:
    values = {
        'mask': image(np.ones((H, W), np.uint8)),
        'confidence': image(np.full((H, W), 255, np.uint8)),
        'depth': None,
        'labels': LABELS,
        'camera': CAMERA,
        'base_from_camera': BASE_FROM_CAMERA,
        'odom_from_base': RigidTransform(),
        'roll_pitch_rad': None,
    }
    return PlacedMask(**{**values, **changes})


def config(**settings) -> PathFollowingNodeConfig:
    return PathFollowingNodeConfig(**settings)


def with_depth(**settings) -> PathFollowingNodeConfig:
    return config(depth_source='depth', obstacle_sources=('depth',), **settings)


def test_a_mask_alone_is_enough():
    frame = path_frame_from(placed(confidence=None), config())
    assert frame.mask.shape == (H, W)
    assert frame.confidence is None
    assert frame.standing_xy is None


def wall_ahead(frame_id: str) -> PointCloud2:
    """Return an organised cloud of a wall 1 m ahead, in body axes: x forward, z up."""
    y, z = np.meshgrid(np.linspace(0.5, -0.5, W), np.linspace(0.3, 0.0, H))
    points = np.stack([np.ones((H, W)), y, z], axis=2).astype(np.float32)
    return cloud_msg(points, Header(frame_id=frame_id))


@pytest.mark.parametrize('convert', [path_frame_from, map_frame_from])
@pytest.mark.parametrize(
    'depth', [wall_ahead(BODY), image(floor_depth(0.0), '32FC1', BODY)], ids=['cloud', 'image']
)
def test_depth_in_another_frame_than_the_mask_is_refused(convert, depth):
    with pytest.raises(ValueError, match=f"'{BODY}', the mask in '{OPTICAL}': give depth regist"):
        convert(placed(depth=depth), with_depth())


@pytest.mark.parametrize('dips_deg', [-2.0, 0.0, 2.0])
def test_floor_stays_floor_for_a_nose_that_dips_and_says_so(dips_deg):
    dips_rad = np.radians(dips_deg)
    depth = image(floor_depth(dips_rad), '32FC1')
    measured = placed(depth=depth, roll_pitch_rad=(0.0, dips_rad))
    assert len(path_frame_from(measured, with_depth()).standing_xy) == 0
    unknown = placed(depth=depth)
    stands = path_frame_from(unknown, with_depth()).standing_xy
    assert (len(stands) > 0) == (dips_deg > 0), 'what is not measured cannot be taken out'


def test_what_stands_is_told_in_the_levelled_frame():
    depth = floor_depth(np.radians(2.0))
    depth[40:80, 70:90] = 1.0
    frame = path_frame_from(
        placed(depth=image(depth, '32FC1'), roll_pitch_rad=(0.0, np.radians(2.0))), with_depth()
    )
    assert len(frame.standing_xy)
    assert np.abs(frame.standing_xy[:, 1]).max() < 0.15
    assert 0.8 < frame.standing_xy[:, 0].min() < frame.standing_xy[:, 0].max() < 1.3


def test_confidence_of_another_size_is_refused():
    small = image(np.full((H // 2, W // 2), 255, np.uint8))
    with pytest.raises(ValueError, match='confidence is 80x60, the mask 160x120: give both in'):
        path_frame_from(placed(confidence=small), config())


@pytest.mark.parametrize(
    ('mode', 'labels', 'needs'),
    [
        ('region', {0: 'floor', 2: 'tape'}, 'road_classes: lane'),
        ('markings', {0: 'floor', 1: 'lane'}, 'marking_classes: tape'),
        ('line', {0: 'floor', 1: 'lane'}, 'marking_classes: tape'),
        ('line', {}, 'the classes none'),
    ],
)
def test_labels_without_what_the_mode_looks_for_are_refused(mode, labels, needs):
    with pytest.raises(
        ValueError, match=f'mode {mode} looks for .*{needs.split(": ")[-1]}'
    ) as error:
        path_frame_from(placed(labels=labels), config(mode=mode))
    assert needs in str(error.value)
    assert 'or another mode' in str(error.value)


@pytest.mark.parametrize('mode', ['region', 'markings', 'line'])
def test_labels_with_what_the_mode_looks_for_are_taken(mode):
    assert path_frame_from(placed(), config(mode=mode)).labels == LABELS
