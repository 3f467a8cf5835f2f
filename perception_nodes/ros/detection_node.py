"""The detection node: camera images in, typed detections out."""

from __future__ import annotations

import sys
from typing import Any

from perception_nodes.detection import DetectionStage, Detector
from perception_nodes.inference.frame_stage import FrameStage
from perception_nodes.ros.detection_config import DetectionNodeConfig
from perception_nodes.ros.detection_outputs import DetectionOutputs
from perception_nodes.ros.detections_conversion import ClassIdFormat
from perception_nodes.ros.frame_node import FrameNode
from perception_nodes.ros.running import run_node
from perception_nodes.second_stage import BoxClassifier


class DetectionNode(FrameNode[DetectionNodeConfig]):
    """
    Find things in camera images; an image with nothing in it gets an empty answer.

    Publishes, beside the topics of :class:`FrameNode`:
      - ``~/detections`` (vision_msgs/Detection2DArray): boxes in pixels of the input image,
        highest score first
      - ``~/classified`` (vision_msgs/Detection2DArray): boxes whose ``results`` name a class of
        ``classifier_bank`` or ``classifier_model``, or ``unknown``; worked out beside the frame
        path, with the header of its image, only while somebody subscribes

    Parameters: the fields of :class:`DetectionNodeConfig`.
    """

    configuration_type = DetectionNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('detection_node', **node_options)

    def open_stage(self, configuration: DetectionNodeConfig, **where: Any) -> DetectionStage:
        """Return the detector with its thresholds."""
        return DetectionStage(Detector.load(configuration.model, **where), configuration)

    def make_outputs(self, stage: FrameStage, version: int) -> DetectionOutputs:
        """Return the topics of detections."""
        config = self.configuration
        classifier = BoxClassifier.open(config, stage.model.class_names)
        class_id_format = ClassIdFormat(config.class_id_format)
        return DetectionOutputs(self, stage.model, version, class_id_format, classifier)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(DetectionNode))


if __name__ == '__main__':
    main()
