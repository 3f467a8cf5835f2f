"""The topics of a segmentation node."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from perception_nodes.imaging.encodings import ImageView
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.ros.frame_outputs import FrameOutputs
from perception_nodes.ros.frame_pipeline import FrameJob
from perception_nodes.ros.image_conversion import compressed_to_msg, image_to_msg
from perception_nodes.ros.segmentation_config import SegmentationNodeConfig
from perception_nodes.structures import Frame, SegmentationMask
from perception_nodes.visualization import draw_mask

_ENCODING = 'mono8'


class SegmentationOutputs(FrameOutputs[SegmentationNodeConfig, SegmentationMask]):
    """
    Publishers of one configured segmentation node.

    :param class_names: of the mask values, after all renaming.
    """

    def __init__(
        self, node: Node, model: FrameModel, version: int, class_names: tuple[str, ...]
    ) -> None:
        super().__init__(node, model, version)
        self._class_names = class_names
        self._mask = self.offer(Image, '~/mask')
        self._confidence = self.offer(Image, '~/confidence')
        # Remapping the mask moves this along, as image_transport does.
        base = node.resolve_topic_name('~/mask')
        self._compressed_mask = self.offer(CompressedImage, f'{base}/compressed')

    def publish(self, job: FrameJob, found: SegmentationMask) -> None:
        """Publish mask and confidence; the compressed mask only if anybody asks."""
        header = job.arrival.message.header
        mask = ImageView(found.class_ids, _ENCODING)
        self._mask.publish(image_to_msg(mask, header))
        self._confidence.publish(image_to_msg(ImageView(found.certainty, _ENCODING), header))
        if self._compressed_mask.get_subscription_count():
            self._compressed_mask.publish(compressed_to_msg(mask, header, codec='png'))

    def drawn(self, frame: Frame, found: SegmentationMask) -> Frame:
        """Return the picture under the colours of the classes, with a legend."""
        pixels = draw_mask(frame.pixels, found, self._class_names, color_order=frame.color_order)
        return Frame(pixels=pixels, color_order=frame.color_order)

    def labels(self, config: SegmentationNodeConfig) -> tuple[tuple[str, ...], float]:
        """Return the classes of the mask and the least confidence."""
        return self._class_names, config.min_confidence
