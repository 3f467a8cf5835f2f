"""Parameters of nodes that take masks: where the camera is, and what belongs to a mask."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.ros.lifecycle_node import LifecycleConfig
from perception_nodes.structures import setting

DEPTH_SOURCES = ('none', 'depth', 'points')
ATTITUDE_SOURCES = ('none', 'imu', 'odometry', 'tf')


@dataclass(frozen=True, kw_only=True)
class MaskInputConfig(LifecycleConfig):
    """What is waited for beside a mask, and how well its place is known."""

    base_frame: str = setting('base_link', 'Frame of the robot, with z = 0 on the floor')
    depth_source: str = setting(
        'none',
        'Where distance comes from: none (the floor alone), a depth image, an organised cloud',
        choices=DEPTH_SOURCES,
    )
    use_confidence: bool = setting(True, 'Wait for confidence beside each mask')
    sync_tolerance_s: float = setting(
        0.0, 'Largest difference of the stamps of mask, confidence and depth', minimum=0.0
    )
    extrinsics_source: str = setting(
        'tf',
        'Where the camera is: from tf at the stamp of the mask, or from the two parameters below',
        choices=('tf', 'parameters'),
    )
    camera_xyz_m: tuple[float, ...] = setting(
        (0.0, 0.0, 0.3), 'Place of the camera in the base frame, with extrinsics_source parameters'
    )
    camera_rpy_deg: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), 'Roll, pitch (positive looks down) and yaw of the camera body in degrees'
    )
    attitude_source: str = setting(
        'none', 'What measures pitch and roll of the base', choices=ATTITUDE_SOURCES
    )
    attitude_sigma_deg: float = setting(
        0.1, 'Standard deviation of measured pitch and roll', minimum=0.0, maximum=45.0
    )
    pitch_sigma_deg: float = setting(
        0.2, 'Standard deviation of the pitch that nobody measures', minimum=0.0, maximum=45.0
    )
    roll_sigma_deg: float = setting(
        0.2, 'Standard deviation of the roll that nobody measures', minimum=0.0, maximum=45.0
    )
    height_sigma_m: float = setting(
        0.005, 'Standard deviation of the height of the camera', minimum=0.0
    )
    pixel_sigma: float = setting(
        0.5, 'Standard deviation of the border of a mask in pixels', minimum=0.0
    )
    patience_s: float = setting(
        0.5,
        'Steady seconds that a mask waits for transform, calibration and labels',
        minimum=0.0,
        maximum=60.0,
    )
    stale_after_s: float = setting(
        2.0,
        'Seconds without a mask, or with one in work, before diagnostics complain',
        minimum=0.1,
        maximum=3600.0,
        live=True,
    )

    def check_mount(self) -> None:
        """Refuse a mounting that is not three and three numbers."""
        for name in ('camera_xyz_m', 'camera_rpy_deg'):
            if len(getattr(self, name)) != 3:
                raise ValueError(f'{name}: needs 3 numbers, got {list(getattr(self, name))}')
