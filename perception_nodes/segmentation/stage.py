"""Segmentation as a stage of the frame path."""

from __future__ import annotations

from perception_nodes.inference.frame_stage import FrameStage
from perception_nodes.segmentation.config import SegmentationConfig
from perception_nodes.segmentation.segmenter import Segmenter
from perception_nodes.structures import SegmentationMask


class SegmentationStage(FrameStage[SegmentationConfig, SegmentationMask]):
    """
    A :class:`~perception_nodes.streaming.stage.Stage` from ``Frame`` to ``SegmentationMask``.

    :param segmenter: an opened model.
    :param config: settings; None takes those of the model bundle.
    """

    def __init__(self, segmenter: Segmenter, config: SegmentationConfig | None = None) -> None:
        super().__init__(segmenter, SegmentationConfig() if config is None else config)
