"""One resize and its exact inverse: pixels go to the network, boxes and points come back."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

DEFAULT_PAD_VALUE = 114  # the grey that YOLO-family networks are trained with

# Sizes are cut, not rounded, as the YOLO family does in training: half a pixel costs YOLOX-Nano
# 0.015 of AP50. This much is forgiven, so that 416 does not become 415 by a rounding error.
_ROUNDING = 1e-6


class ResizePolicy(str, Enum):
    """How a picture of one shape becomes the picture of another shape a network wants."""

    LETTERBOX = 'letterbox'
    """Keep the aspect ratio, centre the picture, fill the border."""
    LETTERBOX_TOP_LEFT = 'letterbox_top_left'
    """Keep the aspect ratio, put the picture into the top left corner, fill the border."""
    STRETCH = 'stretch'
    """Scale width and height independently; no border."""
    NONE = 'none'
    """Hand the picture over as it is; sizes must be equal."""


@dataclass(frozen=True)
class ImageResize:
    """
    The mapping between one source size and one network size.

    Coordinates are continuous (the centre of the top left pixel is (0.5, 0.5)), so a point maps
    by one scale and one offset per axis, taken from the sizes in whole pixels that the picture
    really gets: ``to_source(to_network(p)) == p``.

    :param source_wh: width and height of the camera picture in pixels, at least 1.
    :param network_wh: width and height of the network's input in pixels, at least 1.
    :param policy: how the one becomes the other.
    :param pad_value: grey level of the letterbox border, 0..255.
    """

    source_wh: tuple[int, int]
    network_wh: tuple[int, int]
    policy: ResizePolicy = ResizePolicy.LETTERBOX
    pad_value: int = DEFAULT_PAD_VALUE

    def __post_init__(self) -> None:
        """Refuse empty sizes, unknown policies and a ``none`` that would have to resize."""
        object.__setattr__(self, 'policy', ResizePolicy(self.policy))
        if min(*self.source_wh, *self.network_wh) < 1:
            raise ValueError(f'sizes must be ≥ 1, got {self.source_wh} and {self.network_wh}')
        if not 0 <= self.pad_value <= 255:
            raise ValueError(f'pad_value must lie in 0..255, got {self.pad_value}')
        if self.policy is ResizePolicy.NONE and self.source_wh != self.network_wh:
            raise ValueError(
                f'resize policy none cannot turn {self.source_wh} into {self.network_wh}; use '
                'letterbox, letterbox_top_left or stretch, or a camera of the network size'
            )

    @functools.cached_property
    def resized_wh(self) -> tuple[int, int]:
        """Width and height in pixels that the picture itself takes within the network input."""
        if self.policy in (ResizePolicy.STRETCH, ResizePolicy.NONE):
            return self.network_wh
        (width, height), (target_width, target_height) = self.source_wh, self.network_wh
        ratio = min(target_width / width, target_height / height)
        return (
            min(target_width, max(1, int(width * ratio + _ROUNDING))),
            min(target_height, max(1, int(height * ratio + _ROUNDING))),
        )

    @functools.cached_property
    def offset_xy(self) -> tuple[int, int]:
        """Left and top border in pixels."""
        if self.policy is not ResizePolicy.LETTERBOX:
            return 0, 0
        return (
            (self.network_wh[0] - self.resized_wh[0]) // 2,
            (self.network_wh[1] - self.resized_wh[1]) // 2,
        )

    @functools.cached_property
    def scale_xy(self) -> tuple[float, float]:
        """Network pixels per source pixel, horizontally and vertically."""
        return (
            self.resized_wh[0] / self.source_wh[0],
            self.resized_wh[1] / self.source_wh[1],
        )

    def new_canvas(self) -> np.ndarray:
        """Return a picture of the network's size filled with the border's grey."""
        width, height = self.network_wh
        return np.full((height, width, 3), self.pad_value, dtype=np.uint8)

    def apply(self, pixels: np.ndarray, canvas: np.ndarray | None = None) -> np.ndarray:
        """
        Resize one picture (bilinear), keeping its channel order.

        :param pixels: (H, W, 3) uint8 of ``source_wh``.
        :param canvas: result of :meth:`new_canvas` to write into again; its border must be
            untouched. None: a new one.
        :returns: (H', W', 3) uint8 of ``network_wh``; ``pixels`` itself if nothing changes.
        :raises ValueError: when the picture has another size.
        """
        if (pixels.shape[1], pixels.shape[0]) != self.source_wh:
            raise ValueError(
                f'picture is {pixels.shape[1]}x{pixels.shape[0]}, this resize is for '
                f'{self.source_wh[0]}x{self.source_wh[1]}'
            )
        if self.source_wh == self.network_wh:
            return pixels
        canvas = self.new_canvas() if canvas is None else canvas
        (left, top), (width, height) = self.offset_xy, self.resized_wh
        inside = canvas[top : top + height, left : left + width]
        cv2.resize(pixels, (width, height), dst=inside, interpolation=cv2.INTER_LINEAR)
        return canvas

    def points_to_network(self, xy: np.ndarray) -> np.ndarray:
        """
        Map points from source to network pixels.

        :param xy: (..., 2) x, y in source pixels.
        :returns: (..., 2) in network pixels, floating point.
        """
        return np.asarray(xy) * np.array(self.scale_xy) + np.array(self.offset_xy)

    def points_to_source(self, xy: np.ndarray) -> np.ndarray:
        """
        Map points from network to source pixels, without clipping.

        :param xy: (..., 2) x, y in network pixels.
        :returns: (..., 2) in source pixels, floating point.
        """
        return (np.asarray(xy) - np.array(self.offset_xy)) / np.array(self.scale_xy)

    def to_network(self, xyxy: np.ndarray) -> np.ndarray:
        """
        Map boxes from source to network pixels.

        :param xyxy: (N, 4) left, top, right, bottom in source pixels.
        :returns: (N, 4) float32 in network pixels.
        """
        corners = np.asarray(xyxy, dtype=np.float64).reshape(-1, 2, 2)
        return self.points_to_network(corners).reshape(-1, 4).astype(np.float32)

    def to_source(self, xyxy: np.ndarray, *, clip: bool = False) -> np.ndarray:
        """
        Map boxes from network to source pixels.

        :param xyxy: (N, 4) left, top, right, bottom in network pixels.
        :param clip: cut the boxes at the edges of the source picture.
        :returns: (N, 4) float32 in source pixels.
        """
        corners = np.asarray(xyxy, dtype=np.float64).reshape(-1, 2, 2)
        mapped = self.points_to_source(corners)
        if clip:
            mapped = mapped.clip(0.0, np.array(self.source_wh, dtype=np.float64))
        return mapped.reshape(-1, 4).astype(np.float32)


@functools.lru_cache(maxsize=64)
def resize_between(
    source_wh: tuple[int, int],
    network_wh: tuple[int, int],
    policy: ResizePolicy = ResizePolicy.LETTERBOX,
    pad_value: int = DEFAULT_PAD_VALUE,
) -> ImageResize:
    """Return the resize for these sizes, made once per source size; see ``ImageResize``."""
    return ImageResize(source_wh, network_wh, policy, pad_value)
