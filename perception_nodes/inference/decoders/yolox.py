"""YOLOX: one tensor, boxes relative to their grid cell (arXiv:2107.08430)."""

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
from perception_nodes.inference.decoders.contract import Outputs, register
from perception_nodes.inference.decoders.grids import checked_strides, matching_grid
from perception_nodes.inference.decoders.tensors import Wanted, select


@register('yolox')
@dataclass(frozen=True, kw_only=True)
class YoloxDecoder(BoxDecoder):
    """
    Centre = (xy + cell) · stride, size = exp(wh) · stride, score = objectness · class.

    :param strides: input pixels per cell of each feature map, in the tensor's order.
    :param multi_label: report a box once per class above the threshold.
    """

    expects: ClassVar[str] = 'one tensor (1, N, 5 + C): x, y, w, h, objectness, class scores'
    strides: tuple[int, ...] = (8, 16, 32)
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Check the strides."""
        super().__post_init__()
        object.__setattr__(self, 'strides', checked_strides(self.strides))

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Filter by objectness, then by score, and decode only what is left."""
        tensor = select(outputs, [Wanted('output', ('N', 5 + self.class_count))])['output']
        grid = matching_grid(network_wh, self.strides, len(tensor))
        rows = np.flatnonzero(above(tensor[:, 4], score_threshold))
        likely = tensor[rows].astype(np.float32)  # (M, 5 + C)
        picked = pick_classes(
            likely[:, 5:] * likely[:, 4:5], score_threshold, multi_label=self.multi_label
        )
        boxes, cells = likely[picked.rows, :4], rows[picked.rows]
        centre = (boxes[:, :2] + grid.cells[cells]) * grid.stride[cells]
        size = np.exp(boxes[:, 2:]) * grid.stride[cells]
        xyxy = cxcywh_to_xyxy(np.concatenate([centre, size], axis=1))
        return Candidates(xyxy, picked.scores, picked.class_ids)
