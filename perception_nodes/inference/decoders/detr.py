"""DETR and its relatives: a set of queries, no suppression needed (arXiv:2005.12872)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.boxes import BoxDecoder
from perception_nodes.inference.decoders.candidates import (
    Candidates,
    cxcywh_to_xyxy,
    pick_classes,
    sigmoid,
    softmax,
)
from perception_nodes.inference.decoders.contract import (
    DecoderError,
    Outputs,
    register,
)
from perception_nodes.inference.decoders.tensors import Wanted, select

ACTIVATIONS = ('softmax', 'sigmoid')


@register('detr')
@dataclass(frozen=True, kw_only=True)
class DetrDecoder(BoxDecoder):
    """
    Boxes are centre and size as parts of the input picture.

    :param activation: ``softmax`` with "no object" as the last column (DETR), or ``sigmoid``
        per class (Deformable DETR, RT-DETR, RF-DETR).
    :param multi_label: report a box once per class above the threshold.
    """

    expects: ClassVar[str] = (
        'logits (1, N, C + 1) for softmax or (1, N, C) for sigmoid; '
        'pred_boxes (1, N, 4) centre and size 0..1'
    )
    activation: str = 'softmax'
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Check the activation."""
        super().__post_init__()
        if self.activation not in ACTIVATIONS:
            raise DecoderError(
                f'activation {self.activation!r} is not one of {", ".join(ACTIVATIONS)}'
            )

    @property
    def needs_suppression(self) -> bool:
        """False: each query stands for one thing."""
        return False

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Score all queries (a few hundred) and scale the boxes of those that pass."""
        has_no_object = self.activation == 'softmax'
        columns = self.class_count + has_no_object
        found = select(outputs, [Wanted('logits', ('N', columns)), Wanted('pred_boxes', ('N', 4))])
        scores = (softmax if has_no_object else sigmoid)(found['logits'])
        picked = pick_classes(
            scores[:, : self.class_count], score_threshold, multi_label=self.multi_label
        )
        boxes = found['pred_boxes'][picked.rows].astype(np.float32)
        xyxy = cxcywh_to_xyxy(boxes) * np.array(network_wh * 2, np.float32)
        return Candidates(xyxy, picked.scores, picked.class_ids)
