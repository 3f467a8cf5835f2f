"""Parameters of every node that takes camera images."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.imaging.encodings import MAX_PIXELS
from perception_nodes.ros.frame_subscription import ImageTransport
from perception_nodes.ros.qos import ImageReliability
from perception_nodes.structures import setting


@dataclass(frozen=True, kw_only=True)
class ImageInputConfig:
    """How images come in, and when their absence is worth a word."""

    image_transport: str = setting(
        ImageTransport.RAW.value,
        'raw subscribes to image, compressed to image/compressed',
        choices=tuple(item.value for item in ImageTransport),
    )
    image_reliability: str = setting(
        ImageReliability.AUTO.value,
        'auto matches what the publishers offer; best_effort suits Wi-Fi',
        choices=tuple(item.value for item in ImageReliability),
    )
    max_image_megapixels: float = setting(
        MAX_PIXELS / 1e6,
        'Larger images are refused before memory is taken, in millions of pixels',
        minimum=0.001,
        maximum=1000.0,
    )
    stale_after_s: float = setting(
        2.0,
        'Seconds without an image, or with one image in work, before diagnostics complain',
        minimum=0.1,
        maximum=3600.0,
        live=True,
    )

    @property
    def max_pixels(self) -> int:
        """Largest number of pixels of an image."""
        return round(self.max_image_megapixels * 1e6)
