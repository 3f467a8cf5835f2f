"""Parameters of ``camera_node``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perception_nodes.imaging.encodings import MAX_PIXELS
from perception_nodes.imaging.sources import FolderStamps
from perception_nodes.ros.lifecycle_node import LifecycleConfig
from perception_nodes.streaming import PacingMode
from perception_nodes.structures import check_settings, setting


class StampMode(str, Enum):
    """Values of the parameter ``stamp``."""

    NOW = 'now'
    SOURCE = 'source'


@dataclass(frozen=True, kw_only=True)
class CameraConfig(LifecycleConfig):
    """What to play and how."""

    source: str = setting(
        '',
        'Video, folder of pictures, bag (folder, .mcap, .db3), camera number, /dev/video*, '
        'rtsp:// or http:// address, or package://perception_suite/<path>',
    )
    bag_topic: str = setting('', 'Image topic of a bag; empty takes the only one')
    loop: bool = setting(False, 'Begin again at the end')
    pacing: str = setting(
        PacingMode.REAL_TIME.value,
        'real_time keeps the distances of the stamps, fixed_rate plays at rate_hz, on_demand '
        'waits for the detections of the previous frame',
        choices=tuple(item.value for item in PacingMode),
    )
    rate_hz: float = setting(
        10.0,
        'Frames per second of fixed_rate, and of folders whose stamps come from the rate',
        minimum=0.001,
        maximum=1000.0,
    )
    answer_timeout_s: float = setting(
        5.0,
        'Seconds after which on_demand gives a lost result up',
        minimum=0.01,
        maximum=3600.0,
    )
    stamp: str = setting(
        StampMode.NOW.value,
        'now stamps frames when they are published, source keeps the recorded stamps',
        choices=tuple(item.value for item in StampMode),
    )
    folder_stamps: str = setting(
        FolderStamps.RATE.value,
        'Stamps of a folder: by rate_hz from 1 s on, or from the times in the file names',
        choices=tuple(item.value for item in FolderStamps),
    )
    frame_id: str = setting(
        'camera_optical_frame', 'Optical frame of the camera; empty keeps what a bag says'
    )
    camera_info_url: str = setting(
        '',
        'Calibration file of camera_calibration: a path, file:// or package://; empty publishes '
        'an uncalibrated camera_info',
    )
    start_paused: bool = setting(False, 'Wait for the service ~/play before the first frame')
    wait_for_subscribers: int = setting(
        0,
        'Hold the first frame until this many image subscribers are there; 0 does not wait',
        minimum=0,
        maximum=100,
    )
    max_image_megapixels: float = setting(
        MAX_PIXELS / 1e6,
        'Larger pictures are skipped before memory is taken, in millions of pixels',
        minimum=0.001,
        maximum=1000.0,
    )
    jpeg_quality: int = setting(
        90, 'JPEG quality of image_raw/compressed', minimum=1, maximum=100, live=True
    )

    def __post_init__(self) -> None:
        """Refuse values outside their ranges."""
        check_settings(self)
