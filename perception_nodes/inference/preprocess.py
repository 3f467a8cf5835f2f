"""From a camera frame to the network's input batch, in reused memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from perception_nodes.imaging.resize import (
    DEFAULT_PAD_VALUE,
    ImageResize,
    ResizePolicy,
    resize_between,
)
from perception_nodes.inference.bundle_sections import InputSpec
from perception_nodes.structures import ColorOrder, Frame

_LEVELS = np.arange(256, dtype=np.float64)


class Preprocessor:
    """
    Resize, swap colours and normalise: (pixel × scale − mean) / std, channel by channel.

    A table of 256 numbers per channel replaces the arithmetic, and the colour swap is only the
    choice of the channel that is read. The batch that :meth:`__call__` returns is overwritten by
    the next call: one preprocessor serves one thread.

    :param size_wh: network input in pixels; None takes every picture as it is.
    :param color_order: channel order that the network was trained with.
    :param resize: how the picture is brought to ``size_wh``.
    :param pad_value: grey level of the letterbox border, 0..255.
    :param scale: factor on the pixel value 0..255.
    :param mean: three means in network channel order, after ``scale``.
    :param std: three standard deviations in network channel order, > 0.
    """

    @classmethod
    def of(cls, wanted: InputSpec) -> Preprocessor:
        """Return the pre-processing that a bundle prescribes."""
        return cls(
            size_wh=wanted.size_wh, color_order=wanted.color_order, resize=wanted.resize,
            pad_value=wanted.pad_value, scale=wanted.scale, mean=wanted.mean, std=wanted.std,
        )  # fmt: skip

    def __init__(
        self,
        *,
        size_wh: Sequence[int] | None,
        color_order: ColorOrder | str = ColorOrder.RGB,
        resize: ResizePolicy | str = ResizePolicy.LETTERBOX,
        pad_value: int = DEFAULT_PAD_VALUE,
        scale: float = 1.0 / 255.0,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f'mean and std need 3 numbers, std > 0, got {mean} and {std}')
        self._network_wh = None if size_wh is None else (int(size_wh[0]), int(size_wh[1]))
        self._color_order = ColorOrder(color_order)
        self._policy = ResizePolicy(resize)
        self._pad_value = int(pad_value)
        self._scale, self._mean, self._std = float(scale), tuple(mean), tuple(std)
        self._tables = [
            ((_LEVELS * scale - mean[c]) / std[c]).astype(np.float32) for c in range(3)
        ]
        self._resize: ImageResize | None = None
        self._canvas = np.empty(0, np.uint8)
        self._channel = np.empty(0, np.uint8)
        self._batch = np.empty(0, np.float32)

    def resize_for(self, source_wh: tuple[int, int]) -> ImageResize:
        """Return the mapping between a picture of this size and the network's input."""
        if self._network_wh is None:
            return resize_between(source_wh, source_wh, ResizePolicy.NONE)
        return resize_between(source_wh, self._network_wh, self._policy, self._pad_value)

    def __call__(self, frame: Frame) -> tuple[np.ndarray, ImageResize]:
        """
        Fill the batch with one frame.

        :param frame: picture of any size (of the network's size for the policy ``none``).
        :returns: (1, 3, H, W) float32 C-contiguous batch, valid until the next call, and the
            resize that maps boxes back.
        """
        resize = self._prepare_buffers(frame.size_wh)
        pixels = resize.apply(frame.pixels, self._canvas)
        swapped = frame.color_order != self._color_order
        for channel, table in enumerate(self._tables):
            source_channel = 2 - channel if swapped else channel
            cv2.extractChannel(pixels, source_channel, dst=self._channel)
            cv2.LUT(self._channel, table, dst=self._batch[0, channel])
        return self._batch, resize

    def on_device(self, frame: Frame, device: Any) -> tuple[Any, ImageResize]:
        """
        Prepare one frame on a torch device: bytes go up, everything else happens there.

        :param frame: as for :meth:`__call__`.
        :param device: ``torch.device`` or its name.
        :returns: (1, 3, H, W) float32 tensor on the device, equal to the CPU path within the
            rounding of 8-bit resizing, and the resize.
        """
        import torch

        resize = self.resize_for(frame.size_wh)
        pixels = torch.from_numpy(_writable(frame.pixels)).to(device, non_blocking=True)
        planes = pixels.permute(2, 0, 1)[None]
        if frame.color_order != self._color_order:
            planes = planes.flip(1)
        planes = _resize_on_device(planes.float(), resize)
        mean = torch.tensor(self._mean, device=device).view(1, 3, 1, 1)
        std = torch.tensor(self._std, device=device).view(1, 3, 1, 1)
        batch = (planes * self._scale - mean) / std
        if batch.is_cuda:  # other libraries read this memory on streams of their own
            torch.cuda.current_stream(batch.device).synchronize()
        return batch, resize

    def _prepare_buffers(self, source_wh: tuple[int, int]) -> ImageResize:
        """Keep the buffers while the picture size stays; a new size gets a clean border."""
        if self._resize is not None and self._resize.source_wh == source_wh:
            return self._resize
        resize = self.resize_for(source_wh)
        width, height = resize.network_wh
        self._canvas = resize.new_canvas()
        self._channel = np.empty((height, width), np.uint8)
        self._batch = np.empty((1, 3, height, width), np.float32)
        self._resize = resize
        return resize


def _writable(pixels: np.ndarray) -> np.ndarray:
    """Copy what torch cannot wrap: read-only message memory and unusual strides."""
    ok = pixels.flags.writeable and pixels.flags.c_contiguous
    return pixels if ok else pixels.copy(order='C')


def _resize_on_device(planes: Any, resize: ImageResize) -> Any:
    """Resize (1, 3, H, W) float32 bilinearly and add the border."""
    import torch.nn.functional as functional

    if resize.source_wh == resize.network_wh:
        return planes
    (width, height), (left, top) = resize.resized_wh, resize.offset_xy
    inside = functional.interpolate(
        planes, size=(height, width), mode='bilinear', align_corners=False
    ).round()
    right = resize.network_wh[0] - left - width
    bottom = resize.network_wh[1] - top - height
    return functional.pad(inside, (left, right, top, bottom), value=resize.pad_value)
