"""The topics of a detection node: results always, pictures and timing while somebody listens."""

from __future__ import annotations

from dataclasses import dataclass

from perception_suite.msg import FrameTiming
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionInfo

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.imaging.encodings import ImageView
from perception_nodes.inference.frame_model import PhaseTimes
from perception_nodes.ros.detections_conversion import (
    ClassIdFormat,
    DetectionMessages,
    label_info_msg,
    vision_info_msg,
)
from perception_nodes.ros.frame_pipeline import FrameJob
from perception_nodes.ros.image_conversion import compressed_to_msg, image_to_msg
from perception_nodes.ros.qos import LATCHED_QOS, RESULT_QOS, overridable, own_copy
from perception_nodes.structures import Detections, Frame
from perception_nodes.visualization import draw_detections

_NS_PER_S = 1e9


@dataclass(frozen=True, kw_only=True)
class PublishedAt:
    """
    Steady times around publication.

    :param found_ns: the result was there.
    :param published_ns: the last publish call returned.
    """

    found_ns: int
    published_ns: int


@dataclass(frozen=True, kw_only=True)
class FrameCounts:
    """
    Counters of ``FrameTiming``, since activation.

    :param received: images that came.
    :param dropped: replaced by a newer one before work began.
    :param refused: bad input.
    """

    received: int
    dropped: int
    refused: int


class DetectionOutputs:
    """
    Publishers of one configured detection node; ``close`` removes them.

    :param node: whose private topics they are.
    :param detector: names the classes and the model.
    :param class_id_format: of ``hypothesis.class_id``.
    :param version: counts the times the node was configured.
    """

    def __init__(
        self, node: Node, detector: Detector, class_id_format: ClassIdFormat, version: int
    ) -> None:
        self._node = node
        self._class_names = detector.class_names
        self._messages = DetectionMessages(detector.class_names, class_id_format)
        options = overridable()

        def publisher(kind: type, topic: str, qos: QoSProfile = RESULT_QOS) -> Publisher:
            return node.create_publisher(
                kind, topic, own_copy(qos), qos_overriding_options=options
            )

        self._detections = publisher(Detection2DArray, '~/detections')
        self._overlay = publisher(Image, '~/overlay')
        self._compressed_overlay = publisher(CompressedImage, '~/overlay/compressed')
        self._timing = publisher(FrameTiming, '~/timing')
        self._label_info = publisher(LabelInfo, '~/label_info', LATCHED_QOS)
        self._vision_info = publisher(VisionInfo, '~/vision_info', LATCHED_QOS)
        self._detector = detector
        self._version = version

    def close(self) -> None:
        """Remove all topics."""
        for publisher in (
            self._detections,
            self._overlay,
            self._compressed_overlay,
            self._timing,
            self._label_info,
            self._vision_info,
        ):
            self._node.destroy_publisher(publisher)

    def publish(self, job: FrameJob, found: Detections) -> None:
        """Publish the result, empty ones too, with the header of the input as it came."""
        header = job.arrival.message.header
        self._detections.publish(self._messages.fill(found, header))

    def publish_overlay(self, job: FrameJob, found: Detections, jpeg_quality: int) -> None:
        """Draw and publish the picture, if anybody looks at it."""
        raw = self._overlay.get_subscription_count()
        compressed = self._compressed_overlay.get_subscription_count()
        if not raw and not compressed:
            return
        header = job.arrival.message.header
        view = ImageView.from_frame(self._drawn(job.frame, found))
        if raw:
            self._overlay.publish(image_to_msg(view, header))
        if compressed:
            self._compressed_overlay.publish(
                compressed_to_msg(view, header, jpeg_quality=jpeg_quality)
            )

    def publish_timing(
        self, job: FrameJob, times: PhaseTimes, done: PublishedAt, counts: FrameCounts
    ) -> None:
        """Publish where the time went, if anybody asks."""
        if not self._timing.get_subscription_count():
            return
        arrival = job.arrival
        self._timing.publish(
            FrameTiming(
                header=arrival.message.header,
                age_s=arrival.age_ns / _NS_PER_S,
                wait_s=(job.taken_ns - arrival.arrived_ns) / _NS_PER_S,
                convert_s=(job.converted_ns - job.taken_ns) / _NS_PER_S,
                preprocess_s=times.preprocess_s,
                inference_s=times.infer_s,
                postprocess_s=times.postprocess_s,
                publish_s=(done.published_ns - done.found_ns) / _NS_PER_S,
                total_s=(done.published_ns - arrival.arrived_ns) / _NS_PER_S,
                frames_received=counts.received,
                frames_dropped=counts.dropped,
                frames_refused=counts.refused,
            )
        )

    def _drawn(self, frame: Frame, found: Detections) -> Frame:
        pixels = draw_detections(
            frame.pixels, found, self._class_names, color_order=frame.color_order
        )
        return Frame(pixels=pixels, color_order=frame.color_order)

    def announce(self, config: DetectionConfig) -> None:
        """Publish the latched class names and what makes the detections."""
        header = Header(stamp=self._node.get_clock().now().to_msg())
        calibration = self._detector.bundle.spec.calibration
        threshold = config.score_threshold or calibration.score_threshold
        location = self._node.resolve_topic_name('~/label_info')
        self._label_info.publish(label_info_msg(self._class_names, header, threshold))
        self._vision_info.publish(
            vision_info_msg(self._detector.description, location, self._version, header)
        )
