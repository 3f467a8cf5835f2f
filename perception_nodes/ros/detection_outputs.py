"""The topics of a detection node."""

from __future__ import annotations

from rclpy.node import Node
from vision_msgs.msg import Detection2DArray

from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.ros.detection_config import DetectionNodeConfig
from perception_nodes.ros.detections_conversion import ClassIdFormat, DetectionMessages
from perception_nodes.ros.frame_outputs import FrameOutputs
from perception_nodes.ros.frame_pipeline import FrameJob
from perception_nodes.ros.second_stage import SecondStage
from perception_nodes.second_stage import BoxClassifier
from perception_nodes.structures import Detections, Frame
from perception_nodes.visualization import draw_detections


class DetectionOutputs(FrameOutputs[DetectionNodeConfig, Detections]):
    """
    Publishers of one configured detection node.

    :param class_id_format: of ``hypothesis.class_id``.
    :param classifier: names boxes again, if anything does.
    """

    def __init__(
        self,
        node: Node,
        model: FrameModel,
        version: int,
        class_id_format: ClassIdFormat,
        classifier: BoxClassifier | None = None,
    ) -> None:
        super().__init__(node, model, version)
        self._messages = DetectionMessages(model.class_names, class_id_format)
        self._detections = self.offer(Detection2DArray, '~/detections')
        self._second: SecondStage | None = None
        if classifier is not None:
            self._second = SecondStage(self.offer(Detection2DArray, '~/classified'), classifier)

    def publish(self, job: FrameJob, found: Detections) -> None:
        """Publish the boxes, and have them named again if anybody asks."""
        self._detections.publish(self._messages.fill(found, job.arrival.message.header))
        if self._second is not None:
            self._second.offer(job, found)

    def close(self) -> None:
        """End the second stage and remove all topics."""
        if self._second is not None:
            self._second.close()
        super().close()

    def drawn(self, frame: Frame, found: Detections) -> Frame:
        """Return the picture with the boxes."""
        pixels = draw_detections(
            frame.pixels, found, self._model.class_names, color_order=frame.color_order
        )
        return Frame(pixels=pixels, color_order=frame.color_order)

    def labels(self, config: DetectionNodeConfig) -> tuple[tuple[str, ...], float]:
        """Return the model's classes and the threshold in force."""
        calibration = self._model.bundle.spec.calibration
        return self._model.class_names, config.score_threshold or calibration.score_threshold
