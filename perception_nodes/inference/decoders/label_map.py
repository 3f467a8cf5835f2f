"""Networks that choose the class themselves: resize and arg max are part of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.contract import DecoderError, Outputs, register
from perception_nodes.inference.decoders.masks import ClassNumbers, MaskDecoder
from perception_nodes.inference.decoders.tensors import Wanted, select
from perception_nodes.structures import UNLABELLED

_BYTE = 255.0


@register('label_map')
@dataclass(frozen=True, kw_only=True)
class LabelMapDecoder(MaskDecoder):
    """
    Class numbers, and how sure they are, ready-made.

    The temperature must be in the graph: of one number per cell it cannot be taken back.
    """

    expects: ClassVar[str] = (
        'labels (1, rows, columns) class numbers; confidence (1, rows, columns) 0..1, or 0..255 '
        'as uint8, optional'
    )

    def read(self, outputs: Outputs, temperature: float) -> ClassNumbers:
        """Refuse numbers that are no class."""
        if temperature != 1.0:
            raise DecoderError(
                f'calibration.temperature is {temperature}, but this network has made its '
                'probabilities already; export it with the temperature inside and write 1.0'
            )
        flat = {name: _plane(value) for name, value in outputs.items()}
        sides = ('rows', 'columns')
        found = select(flat, [Wanted('labels', sides), Wanted('confidence', sides, optional=True)])
        labels = found['labels']
        valid = (labels >= 0) & (labels < self.class_count)
        class_ids = np.where(valid, labels, UNLABELLED).astype(np.uint8)
        dropped = int(valid.size - valid.sum())
        return ClassNumbers(class_ids, _probabilities(found.get('confidence')), dropped)


def _plane(value: np.ndarray) -> np.ndarray:
    """Return the array without leading axes of 1, down to two."""
    array = np.asarray(value)
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def _probabilities(confidence: np.ndarray | None) -> np.ndarray | None:
    if confidence is None:
        return None
    scale = _BYTE if confidence.dtype == np.uint8 else 1.0
    return np.nan_to_num(confidence.astype(np.float32) / scale, nan=0.0).clip(0.0, 1.0)
