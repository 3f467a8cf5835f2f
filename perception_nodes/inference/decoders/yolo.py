"""YOLO networks with one decoded tensor: v5-style, v8-style and end-to-end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.boxes import BoxDecoder
from perception_nodes.inference.decoders.candidates import (
    Candidates,
    above,
    cxcywh_to_xyxy,
    pick_classes,
)
from perception_nodes.inference.decoders.contract import (
    DecoderError,
    Outputs,
    register,
)
from perception_nodes.inference.decoders.tensors import Wanted, fit, without_batch

LAYOUTS = ('auto', 'objectness', 'no_objectness', 'end_to_end')
BOX_FORMATS = ('cxcywh', 'xyxy')


@register('yolo')
@dataclass(frozen=True, kw_only=True)
class YoloDecoder(BoxDecoder):
    """
    One tensor, boxes first, rows or columns; which axis holds the boxes is found by its size.

    :param layout: ``objectness`` (4 box numbers, objectness, classes: v5 and v7),
        ``no_objectness`` (4 box numbers, classes: v8 and later), ``end_to_end`` (left, top,
        right, bottom, score, class: v10), or ``auto``: one of the first two, by its size.
    :param box_format: ``cxcywh`` or ``xyxy``, for the first two layouts.
    :param normalised: boxes are parts of the input picture instead of pixels.
    :param multi_label: report a box once per class above the threshold.
    """

    expects: ClassVar[str] = (
        'one tensor (1, N, 5 + C), (1, 5 + C, N), (1, N, 4 + C) or (1, 4 + C, N), boxes decoded; '
        '(1, N, 6) for the layout end_to_end'
    )
    layout: str = 'auto'
    box_format: str = 'cxcywh'
    normalised: bool = False
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Check the closed choices."""
        super().__post_init__()
        for key, allowed in (('layout', LAYOUTS), ('box_format', BOX_FORMATS)):
            if getattr(self, key) not in allowed:
                raise DecoderError(
                    f'{key} {getattr(self, key)!r} is not one of {", ".join(allowed)}'
                )

    @property
    def needs_suppression(self) -> bool:
        """False for the end-to-end layout."""
        return self.layout != 'end_to_end'

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Filter by score and bring the boxes that pass to corners in pixels."""
        tensor, layout = self._oriented(outputs)
        if layout == 'end_to_end':
            found = _end_to_end(tensor, score_threshold)
        else:
            found = self._by_class(tensor, layout == 'objectness', score_threshold)
        scale = np.array(network_wh * 2 if self.normalised else (1, 1, 1, 1), np.float32)
        return found._replace(xyxy=found.xyxy * scale)

    def _by_class(self, tensor: np.ndarray, has_objectness: bool, threshold: float) -> Candidates:
        first = 5 if has_objectness else 4
        if has_objectness:
            tensor = tensor[above(tensor[:, 4], threshold)].astype(np.float32)
        scores = tensor[:, first:] * (tensor[:, 4:5] if has_objectness else 1)
        picked = pick_classes(scores, threshold, multi_label=self.multi_label)
        boxes = tensor[picked.rows, :4].astype(np.float32)
        xyxy = cxcywh_to_xyxy(boxes) if self.box_format == 'cxcywh' else boxes
        return Candidates(xyxy, picked.scores, picked.class_ids)

    def _oriented(self, outputs: Outputs) -> tuple[np.ndarray, str]:
        """Return the tensor as (N, values) and the layout it has."""
        widths = {
            'objectness': 5 + self.class_count,
            'no_objectness': 4 + self.class_count,
            'end_to_end': 6,
        }
        tried = ('objectness', 'no_objectness') if self.layout == 'auto' else (self.layout,)
        for layout in tried:
            for value in outputs.values():
                array = without_batch(value, 2)
                if fit(array.shape, Wanted('output', ('N', widths[layout])), {}) is not None:
                    return array, layout
                if fit(array.shape, Wanted('output', (widths[layout], 'N')), {}) is not None:
                    return array.T, layout
        raise DecoderError(f'no tensor for layout {self.layout} and {self.class_count} classes')


def _end_to_end(tensor: np.ndarray, threshold: float) -> Candidates:
    rows = tensor[above(tensor[:, 4], threshold)].astype(np.float32)
    class_ids = np.nan_to_num(rows[:, 5], nan=-1, posinf=-1, neginf=-1).astype(np.int64)
    return Candidates(rows[:, :4], rows[:, 4], class_ids)
