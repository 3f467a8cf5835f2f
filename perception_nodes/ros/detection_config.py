"""Parameters of ``detection_node``."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.imaging.encodings import MAX_PIXELS
from perception_nodes.ros.detections_conversion import ClassIdFormat
from perception_nodes.ros.frame_subscription import ImageTransport
from perception_nodes.ros.lifecycle_node import LifecycleConfig
from perception_nodes.ros.qos import ImageReliability
from perception_nodes.structures import setting


@dataclass(frozen=True, kw_only=True)
class DetectionNodeConfig(DetectionConfig, LifecycleConfig):
    """The filters of detection, the model, and how images come in."""

    model: str = setting(
        'package://perception_suite/resource/models/simulator_detector',
        'Model bundle: a folder, or a package://, file:// or torchvision:// URI',
    )
    device: str = setting('auto', 'Where the network runs: auto, cpu, cuda or cuda:N')
    precision: str = setting('fp32', 'Number format of the network', choices=('fp32', 'fp16'))
    threads: int = setting(
        0, 'CPU threads of the network; 0 lets the library choose', minimum=0, maximum=256
    )
    verify_golden: bool = setting(
        True, 'Compare the golden frame of the bundle with its expected result at configure'
    )
    image_transport: str = setting(
        ImageTransport.RAW.value,
        'raw subscribes to image, compressed to image/compressed',
        choices=tuple(item.value for item in ImageTransport),
    )
    image_reliability: str = setting(
        ImageReliability.AUTO.value,
        'auto matches what the publishers offer; best_effort suits Wi-Fi',
        choices=tuple(item.value for item in ImageReliability),
    )
    max_image_megapixels: float = setting(
        MAX_PIXELS / 1e6,
        'Larger images are refused before memory is taken, in millions of pixels',
        minimum=0.001,
        maximum=1000.0,
    )
    class_id_format: str = setting(
        ClassIdFormat.NAME.value,
        'What stands in hypothesis.class_id: the class name or its index',
        choices=tuple(item.value for item in ClassIdFormat),
    )
    stale_after_s: float = setting(
        2.0,
        'Seconds without an image, or with one image in work, before diagnostics complain',
        minimum=0.1,
        maximum=3600.0,
        live=True,
    )
    overlay_jpeg_quality: int = setting(
        80, 'JPEG quality of the compressed overlay', minimum=1, maximum=100, live=True
    )
