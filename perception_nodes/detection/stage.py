"""Detection as a stage of the frame path."""

from __future__ import annotations

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.detection.detector import Detector
from perception_nodes.inference.frame_stage import FrameStage
from perception_nodes.structures import Detections


class DetectionStage(FrameStage[DetectionConfig, Detections]):
    """
    A :class:`~perception_nodes.streaming.stage.Stage` from ``Frame`` to ``Detections``.

    :param detector: an opened model.
    :param config: settings; None takes those of the model bundle.
    """

    def __init__(self, detector: Detector, config: DetectionConfig | None = None) -> None:
        super().__init__(detector, DetectionConfig() if config is None else config)
