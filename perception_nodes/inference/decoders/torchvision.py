"""TorchVision detection models: boxes, labels and scores come ready-made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.boxes import BoxDecoder
from perception_nodes.inference.decoders.candidates import Candidates, above
from perception_nodes.inference.decoders.contract import Outputs, register
from perception_nodes.inference.decoders.tensors import Wanted, select


@register('torchvision')
@dataclass(frozen=True, kw_only=True)
class TorchvisionDecoder(BoxDecoder):
    """
    The dictionary that ``torchvision.models.detection`` returns for one picture.

    :param label_offset: subtracted from the labels to index the bundle's class names: 0 if these
        start with ``__background__``, 1 if the background is left out.
    """

    expects: ClassVar[str] = 'boxes (N, 4) network pixels; scores (N,); labels (N,) integer'
    label_offset: int = 0

    @property
    def needs_suppression(self) -> bool:
        """False: the model has suppressed already."""
        return False

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Select by score."""
        found = select(
            outputs,
            [Wanted('boxes', ('N', 4)), Wanted('scores', ('N',)), Wanted('labels', ('N',))],
        )
        rows = np.flatnonzero(above(found['scores'], score_threshold))
        labels = np.nan_to_num(found['labels'][rows], nan=-1, posinf=-1, neginf=-1)
        class_ids = labels.astype(np.int64) - self.label_offset
        return Candidates(found['boxes'][rows], found['scores'][rows], class_ids)
