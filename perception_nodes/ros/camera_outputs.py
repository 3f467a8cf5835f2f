"""The topics of a camera: raw and compressed pictures, calibration, end of the recording."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Bool, Header

from perception_nodes.imaging.calibration import CameraCalibration
from perception_nodes.imaging.compressed import CompressedFormat
from perception_nodes.imaging.sources import RecordedFrame
from perception_nodes.ros.image_conversion import (
    compressed_data_to_msg,
    compressed_to_msg,
    header_from_frame,
    image_to_msg,
)
from perception_nodes.ros.qos import LATCHED_QOS, image_qos, overridable, own_copy
from perception_nodes.structures import Frame

# A reliable publisher is heard by best-effort subscribers as well.
_IMAGE_DEPTH = 10


class CameraOutputs:
    """
    Publishers of one configured camera; ``close`` removes them.

    Pictures are converted only while somebody subscribes to that topic.

    :param node: on which to publish; remapping ``image_raw`` moves the compressed topic along.
    :param calibration: goes out with every picture of its size; others get an uncalibrated one.
    :param jpeg_quality: asked for each picture.
    """

    def __init__(
        self, node: Node, calibration: CameraCalibration, jpeg_quality: Callable[[], int]
    ) -> None:
        self._node = node
        self._calibration = calibration
        self._jpeg_quality = jpeg_quality
        pictures = image_qos(ReliabilityPolicy.RELIABLE, _IMAGE_DEPTH)
        base = node.resolve_topic_name('image_raw')
        self._raw = self._publisher(Image, 'image_raw', pictures)
        self._compressed = self._publisher(CompressedImage, f'{base}/compressed', pictures)
        self._info = self._publisher(CameraInfo, 'camera_info', pictures)
        self._finished = self._publisher(Bool, '~/finished', LATCHED_QOS)

    @property
    def subscriber_count(self) -> int:
        """Subscribers of the two picture topics together."""
        return self._raw.get_subscription_count() + self._compressed.get_subscription_count()

    def publish(self, frame: Frame) -> None:
        """Publish a picture and its camera_info under one header."""
        header = header_from_frame(frame)
        if self._raw.get_subscription_count():
            self._raw.publish(image_to_msg(frame, header))
        if self._compressed.get_subscription_count():
            self._compressed.publish(self._compressed_msg(frame, header))
        calibration = self._calibration
        if frame.size_wh != calibration.size_wh:
            calibration = CameraCalibration(size_wh=frame.size_wh)
        self._info.publish(camera_info_msg(calibration, header))

    def announce_finished(self, finished: bool) -> None:
        """Tell, also those who come later, whether the recording has ended."""
        self._finished.publish(Bool(data=finished))

    def close(self) -> None:
        """Remove the topics."""
        for publisher in (self._raw, self._compressed, self._info, self._finished):
            self._node.destroy_publisher(publisher)

    def _publisher(self, kind: type, topic: str, qos: QoSProfile) -> Publisher:
        return self._node.create_publisher(
            kind, topic, own_copy(qos), qos_overriding_options=overridable()
        )

    def _compressed_msg(self, frame: Frame, header: Header) -> CompressedImage:
        """Return the recorded bytes where there are any, else a JPEG."""
        if isinstance(frame, RecordedFrame) and frame.compressed:
            recorded = CompressedFormat.parse(frame.compressed_format)
            return compressed_data_to_msg(frame.compressed, recorded, header)
        return compressed_to_msg(frame, header, jpeg_quality=self._jpeg_quality())


def camera_info_msg(calibration: CameraCalibration, header: Header) -> CameraInfo:
    """Return the message of a calibration."""
    return CameraInfo(
        header=header,
        width=calibration.size_wh[0],
        height=calibration.size_wh[1],
        distortion_model=calibration.distortion_model,
        d=list(calibration.d),
        k=calibration.k,
        r=calibration.r,
        p=calibration.p,
    )
