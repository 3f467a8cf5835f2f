"""FCOS: distances to the four box edges from every cell (arXiv:1904.01355)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.boxes import BoxDecoder
from perception_nodes.inference.decoders.candidates import (
    Candidates,
    above,
    logit,
    pick_classes,
    sigmoid,
)
from perception_nodes.inference.decoders.contract import Outputs, register
from perception_nodes.inference.decoders.grids import checked_strides, matching_grid
from perception_nodes.inference.decoders.tensors import Wanted, select


@register('fcos')
@dataclass(frozen=True, kw_only=True)
class FcosDecoder(BoxDecoder):
    """
    Box = cell centre ∓ distances in network pixels.

    :param strides: input pixels per cell of each feature map, in the tensors' order.
    :param geometric_mean: score = √(class · quality), else class · quality; without a quality
        tensor the class score alone.
    :param multi_label: report a box once per class above the threshold.
    """

    expects: ClassVar[str] = (
        'logits (1, N, C) raw; ltrb (1, N, 4) network pixels; quality (1, N, 1) raw, optional'
    )
    strides: tuple[int, ...] = (8, 16, 32)
    geometric_mean: bool = True
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Check the strides."""
        super().__post_init__()
        object.__setattr__(self, 'strides', checked_strides(self.strides))

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Filter raw logits (quality is at most 1), then decode only what is left."""
        found = select(
            outputs,
            [
                Wanted('logits', ('N', self.class_count)),
                Wanted('ltrb', ('N', 4)),
                Wanted('quality', ('N', 1), optional=True),
            ],
        )
        logits, ltrb, quality = found['logits'], found['ltrb'], found.get('quality')
        grid = matching_grid(network_wh, self.strides, len(logits))
        is_root = quality is not None and self.geometric_mean
        lowest = score_threshold**2 if is_root else score_threshold
        picked = pick_classes(logits, logit(lowest), multi_label=self.multi_label)
        scores = sigmoid(picked.scores)
        if quality is not None:
            scores = scores * sigmoid(quality[picked.rows, 0])
            scores = np.sqrt(scores) if self.geometric_mean else scores
        passing = above(scores, score_threshold)
        rows = picked.rows[passing]
        edges = ltrb[rows].astype(np.float32)
        centres = grid.centres[rows]
        xyxy = np.concatenate([centres - edges[:, :2], centres + edges[:, 2:]], axis=1)
        return Candidates(xyxy, scores[passing], picked.class_ids[passing])
