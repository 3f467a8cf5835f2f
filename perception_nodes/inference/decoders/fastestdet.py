"""FastestDet: one feature map, one box per cell (github.com/dog-qiuqiu/FastestDet)."""

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
    sigmoid,
)
from perception_nodes.inference.decoders.contract import Outputs, register
from perception_nodes.inference.decoders.tensors import Wanted, select


@register('fastestdet')
@dataclass(frozen=True, kw_only=True)
class FastestDetDecoder(BoxDecoder):
    """
    Centre = (tanh(xy) + cell) / cells, size = σ(wh), both as parts of the input picture.

    :param objectness_power: score = objectness ** power · class ** (1 − power).
    :param multi_label: report a box once per class above the threshold.
    """

    expects: ClassVar[str] = (
        'one tensor (1, 5 + C, rows, columns): objectness, x, y, w, h, class scores'
    )
    objectness_power: float = 0.6
    multi_label: bool = False

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Filter by objectness, then by score, and decode only what is left."""
        wanted = Wanted('output', (5 + self.class_count, 'rows', 'columns'))
        tensor = select(outputs, [wanted])['output']
        rows, columns = tensor.shape[1:]
        flat = tensor.reshape(5 + self.class_count, -1)
        objectness = flat[0].astype(np.float32) ** self.objectness_power
        cells = np.flatnonzero(above(objectness, score_threshold))
        likely = flat[:, cells].astype(np.float32).T  # (M, 5 + C)
        scores = objectness[cells, None] * likely[:, 5:] ** (1.0 - self.objectness_power)
        picked = pick_classes(scores, score_threshold, multi_label=self.multi_label)
        boxes, cells = likely[picked.rows, 1:5], cells[picked.rows]
        cell_xy = np.stack([cells % max(columns, 1), cells // max(columns, 1)], axis=1)
        centre = (np.tanh(boxes[:, :2]) + cell_xy) / np.array([columns, rows], np.float32)
        relative = np.concatenate([centre, sigmoid(boxes[:, 2:])], axis=1)
        xyxy = cxcywh_to_xyxy(relative * np.array(network_wh * 2, np.float32))
        return Candidates(xyxy, picked.scores, picked.class_ids)
