"""A translation bundle that is ready to change pictures."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import Backend
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.decoders.contract import Outputs
from perception_nodes.inference.decoders.picture_change import PictureChangeDecoder
from perception_nodes.inference.frame_config import FrameModelConfig
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.segmentation.planes import plane_to_source
from perception_nodes.structures import ColorOrder, Frame

_DEFAULTS = FrameModelConfig()


class Translator(FrameModel[FrameModelConfig, np.ndarray]):
    """
    Bundle, back end and decoder behind one call: frame in, change of every source pixel out.

    The network sees the picture in the size it was trained at; its change is brought back to the
    picture's own, so that every detail and every label stays where it is.

    :param bundle: a bundle with the task ``translation``.
    :param backend: its opened network.
    """

    task = 'translation'
    _decoder: PictureChangeDecoder

    def __init__(self, bundle: ModelBundle, backend: Backend) -> None:
        super().__init__(bundle, backend, _DEFAULTS)

    def translated(self, frame: Frame) -> Frame:
        """Return the changed frame, of the same size, in RGB; its stamp and id stay."""
        rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
        change = self(Frame(pixels=_shrunk(rgb, self.bundle.spec.input.size_wh)))
        if change.shape != rgb.shape:
            change = cv2.resize(change, frame.size_wh, interpolation=cv2.INTER_LINEAR)
        after = rgb.astype(np.float32) + change
        pixels = after.round().clip(0, LEVELS).astype(np.uint8)
        return Frame(
            pixels=pixels,
            color_order=ColorOrder.RGB,
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
        )

    def _bind(self, config: FrameModelConfig) -> Callable[[Outputs, ImageResize], np.ndarray]:
        return self._change

    def _change(self, outputs: Outputs, resize: ImageResize) -> np.ndarray:
        """Return (H, W, 3) float32 RGB, in levels of 0..255."""
        planes = self._decoder.decode(outputs)
        parts = [plane_to_source(plane, resize, cv2.INTER_LINEAR) for plane in planes]
        return LEVELS * np.dstack(parts)

    def _placed(
        self, result: np.ndarray, offset_xy: tuple[int, int], size_wh: tuple[int, int]
    ) -> np.ndarray:
        whole = np.zeros((size_wh[1], size_wh[0], 3), np.float32)
        (left, top), (height, width) = offset_xy, result.shape[:2]
        whole[top : top + height, left : left + width] = result
        return whole


def _shrunk(rgb: np.ndarray, size_wh: tuple[int, int] | None) -> np.ndarray:
    """Return a larger picture as small as the network's input, by areas as in training."""
    height, width = rgb.shape[:2]
    ratio = 1.0 if size_wh is None else max(width / size_wh[0], height / size_wh[1])
    if ratio <= 1:
        return rgb
    smaller_wh = max(round(width / ratio), 1), max(round(height / ratio), 1)
    return cv2.resize(rgb, smaller_wh, interpolation=cv2.INTER_AREA)
