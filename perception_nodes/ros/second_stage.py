"""Boxes named again by a bank of taught classes, beside the frame path."""

from __future__ import annotations

from rclpy.publisher import Publisher

from perception_nodes.ros.beside import Beside
from perception_nodes.ros.detections_conversion import named_boxes_to_msg
from perception_nodes.ros.frame_pipeline import FrameJob
from perception_nodes.second_stage import BoxClassifier
from perception_nodes.structures import Detections


class SecondStage:
    """
    Publishes what taught classes the boxes show, while somebody subscribes.

    It works on one picture at a time; those that come meanwhile are skipped, and the frame path
    waits for none.

    :param publisher: of vision_msgs/Detection2DArray.
    :param classifier: of boxes.
    """

    def __init__(self, publisher: Publisher, classifier: BoxClassifier) -> None:
        self._publisher, self._classifier = publisher, classifier
        self._beside: Beside[tuple[FrameJob, Detections]] = Beside('second stage', self._name)

    def offer(self, job: FrameJob, found: Detections) -> None:
        """Take a picture and its boxes, if anybody asks and none is being worked on."""
        if self._publisher.get_subscription_count():
            self._beside.offer((job, found))

    def close(self) -> None:
        """End the thread after the picture in work."""
        self._beside.close()

    def _name(self, item: tuple[FrameJob, Detections]) -> None:
        job, found = item
        named = self._classifier(job.frame, found)
        self._publisher.publish(named_boxes_to_msg(named, job.arrival.message.header))
