"""One camera picture with the stamp and the frame it was taken in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np


class ColorOrder(str, Enum):
    """Order of the three colour channels in memory."""

    RGB = 'rgb'
    BGR = 'bgr'


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame:
    """
    A colour picture, possibly a read-only view on a message's memory.

    :param pixels: (H, W, 3) uint8, H and W at least 1, any strides.
    :param color_order: order of the last axis.
    :param stamp_ns: time of exposure in nanoseconds, as in the message header.
    :param frame_id: optical frame of the camera (REP-103: x right, y down, z forward).
    """

    pixels: np.ndarray
    color_order: ColorOrder = ColorOrder.RGB
    stamp_ns: int = 0
    frame_id: str = ''

    def __post_init__(self) -> None:
        """Refuse anything but a non-empty three-channel uint8 picture."""
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != np.uint8:
            raise ValueError(f'Frame.pixels must be (H, W, 3) uint8, got {shape} {dtype}')
        object.__setattr__(self, 'color_order', ColorOrder(self.color_order))

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def in_order(self, color_order: ColorOrder) -> np.ndarray:
        """Return the pixels with channels in the wanted order; a view, never a copy."""
        return self.pixels if color_order == self.color_order else self.pixels[:, :, ::-1]
