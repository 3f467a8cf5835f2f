"""The topics that every node with a model has: names, overlay, timing."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Generic, TypeVar

from perception_suite.msg import FrameTiming
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionInfo

from perception_nodes.imaging.encodings import ImageView
from perception_nodes.inference.frame_model import FrameModel, PhaseTimes
from perception_nodes.ros.frame_node_config import FrameNodeConfig
from perception_nodes.ros.frame_pipeline import FrameJob, FramePipeline
from perception_nodes.ros.image_conversion import compressed_to_msg, image_to_msg
from perception_nodes.ros.labels_conversion import label_info_msg, vision_info_msg
from perception_nodes.ros.qos import LATCHED_QOS, RESULT_QOS, overridable, own_copy
from perception_nodes.structures import Frame

C = TypeVar('C', bound=FrameNodeConfig)
R = TypeVar('R')

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

    @classmethod
    def of(cls, pipeline: FramePipeline) -> FrameCounts:
        """Return the counters of a frame path."""
        return cls(
            received=pipeline.meter.received,
            dropped=pipeline.counts.dropped,
            refused=sum(pipeline.meter.refused.values()),
        )


class FrameOutputs(abc.ABC, Generic[C, R]):
    """
    Publishers of one configured node; ``close`` removes them.

    A subclass adds the topics of its result and says how it is published and drawn.

    :param node: whose private topics they are.
    :param model: names the classes and itself.
    :param version: counts the times the node was configured.
    :ivar explanation: publisher for who explains the results.
    """

    def __init__(self, node: Node, model: FrameModel, version: int) -> None:
        self._node = node
        self._model = model
        self._version = version
        self._publishers: list[Publisher] = []
        self._overlay = self.offer(Image, '~/overlay')
        self._compressed_overlay = self.offer(CompressedImage, '~/overlay/compressed')
        self._timing = self.offer(FrameTiming, '~/timing')
        self.explanation = self.offer(Image, '~/explanation')
        self._label_info = self.offer(LabelInfo, '~/label_info', LATCHED_QOS)
        self._vision_info = self.offer(VisionInfo, '~/vision_info', LATCHED_QOS)

    def offer(self, kind: type, topic: str, qos: QoSProfile = RESULT_QOS) -> Publisher:
        """Return a publisher with overridable QoS that :meth:`close` removes."""
        publisher = self._node.create_publisher(
            kind, topic, own_copy(qos), qos_overriding_options=overridable()
        )
        self._publishers.append(publisher)
        return publisher

    def close(self) -> None:
        """Remove all topics."""
        while self._publishers:
            self._node.destroy_publisher(self._publishers.pop())

    @abc.abstractmethod
    def publish(self, job: FrameJob, found: R) -> None:
        """Publish the result, empty ones too, with the header of the input as it came."""

    @abc.abstractmethod
    def drawn(self, frame: Frame, found: R) -> Frame:
        """Return the picture with the result on it."""

    @abc.abstractmethod
    def labels(self, config: C) -> tuple[tuple[str, ...], float]:
        """Return the class names by number, and the score below which nothing is reported."""

    def publish_for_people(self, job: FrameJob, found: R, jpeg_quality: int) -> None:
        """Draw and publish the picture, if anybody looks at it."""
        raw = self._overlay.get_subscription_count()
        compressed = self._compressed_overlay.get_subscription_count()
        if not raw and not compressed:
            return
        header = job.arrival.message.header
        view = ImageView.from_frame(self.drawn(job.frame, found))
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

    def announce(self, config: C) -> None:
        """Publish the latched class names and what makes the results."""
        header = Header(stamp=self._node.get_clock().now().to_msg())
        location = self._node.resolve_topic_name('~/label_info')
        names, threshold = self.labels(config)
        self._label_info.publish(label_info_msg(names, header, threshold))
        self._vision_info.publish(
            vision_info_msg(self._model.description, location, self._version, header)
        )
