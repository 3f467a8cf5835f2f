"""Parameters of ``detection_node``."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.ros.detections_conversion import ClassIdFormat
from perception_nodes.ros.frame_node_config import MODEL_WORDS, FrameNodeConfig
from perception_nodes.second_stage import BoxClassifierConfig
from perception_nodes.structures import setting


@dataclass(frozen=True, kw_only=True)
class DetectionNodeConfig(DetectionConfig, BoxClassifierConfig, FrameNodeConfig):
    """The filters of detection, the model, the second stage, and how images come in."""

    model: str = setting(
        'package://perception_suite/resource/models/simulator_detector',
        MODEL_WORDS,
    )
    class_id_format: str = setting(
        ClassIdFormat.NAME.value,
        'What stands in hypothesis.class_id: the class name or its index',
        choices=tuple(item.value for item in ClassIdFormat),
    )

    def __post_init__(self) -> None:
        """Check every value."""
        DetectionConfig.__post_init__(self)
        BoxClassifierConfig.__post_init__(self)
