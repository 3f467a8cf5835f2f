"""The segmentation node: camera images in, masks with their confidence out."""

from __future__ import annotations

import sys
from typing import Any

from perception_nodes.inference.frame_stage import FrameStage
from perception_nodes.ros.frame_node import FrameNode
from perception_nodes.ros.running import run_node
from perception_nodes.ros.segmentation_config import SegmentationNodeConfig
from perception_nodes.ros.segmentation_outputs import SegmentationOutputs
from perception_nodes.segmentation import SegmentationStage, Segmenter


class SegmentationNode(FrameNode[SegmentationNodeConfig]):
    """
    Say of every pixel of camera images what it shows, and how sure that is.

    Masks and confidence have the size and the header of the image. 255 in a mask is unlabelled:
    outside the region of interest, less sure than ``min_confidence``, or not to be told.

    Publishes, beside the topics of :class:`FrameNode`:
      - ``~/mask`` (sensor_msgs/Image): class numbers, mono8, 255 is unlabelled
      - ``~/confidence`` (sensor_msgs/Image): probability of the class, mono8, 255 is certain, 0
        where unlabelled
      - ``~/mask/compressed`` (sensor_msgs/CompressedImage): the mask as PNG, without loss, only
        while somebody subscribes

    Parameters: the fields of :class:`SegmentationNodeConfig`.
    """

    configuration_type = SegmentationNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('segmentation_node', **node_options)

    def open_stage(self, configuration: SegmentationNodeConfig, **where: Any) -> SegmentationStage:
        """Return the segmenter with its filters."""
        return SegmentationStage(Segmenter.load(configuration.model, **where), configuration)

    def make_outputs(self, stage: FrameStage, version: int) -> SegmentationOutputs:
        """Return the topics of masks."""
        names = stage.model.classes_under(self.configuration)
        return SegmentationOutputs(self, stage.model, version, names)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(SegmentationNode))


if __name__ == '__main__':
    main()
