"""Parameters of ``segmentation_node``."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.ros.frame_node_config import MODEL_WORDS, FrameNodeConfig
from perception_nodes.segmentation import SegmentationConfig
from perception_nodes.structures import setting


@dataclass(frozen=True, kw_only=True)
class SegmentationNodeConfig(SegmentationConfig, FrameNodeConfig):
    """The filters of segmentation, the model, and how images come in."""

    model: str = setting(
        'package://perception_suite/resource/models/simulator_segmenter',
        MODEL_WORDS,
    )
