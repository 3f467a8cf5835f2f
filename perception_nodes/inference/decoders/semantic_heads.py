"""Networks with one head per thing to find, such as drivable area and lane lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.contract import DecoderError, Outputs, register
from perception_nodes.inference.decoders.masks import ClassLogits, MaskDecoder, checked_logits
from perception_nodes.inference.decoders.tensors import without_batch

_LARGEST = 30.0  # exp(−30) is nothing beside 1 in float32


@register('semantic_heads')
@dataclass(frozen=True, kw_only=True)
class SemanticHeadsDecoder(MaskDecoder):
    """
    Every head answers yes or no; a later head covers an earlier one (TwinLiteNet: lane on road).

    With independent heads, the probability of a class is that of its own yes and of no for all
    heads after it; the background is no from all.

    :param heads: class number by output name, the topmost last, for example ``{da: 1, ll: 2}``.
    :param background: class number where no head says yes.
    """

    expects: ClassVar[str] = (
        'per head (1, 2, rows, columns) logits of no and yes, or (1, 1, rows, columns) of yes'
    )
    heads: Mapping[str, int] = field(default_factory=dict)
    background: int = 0

    def __post_init__(self) -> None:
        """Check that the heads and the background are all the classes, each once."""
        super().__post_init__()
        numbers = sorted([self.background, *self.heads.values()])
        if not self.heads or numbers != list(range(self.class_count)):
            raise DecoderError(
                f'heads {dict(self.heads)} and background {self.background} must name each of '
                f'the class numbers 0..{self.class_count - 1} once'
            )

    def read(self, outputs: Outputs, temperature: float) -> ClassLogits:
        """Multiply the answers of the heads, as sums of logarithms."""
        margins = {number: self._margin(outputs, name) for name, number in self.heads.items()}
        shapes = {margin.shape for margin in margins.values()}
        if len(shapes) != 1:
            raise DecoderError(f'the heads differ in size: {sorted(shapes)}')
        logits = np.empty((self.class_count, *shapes.pop()), np.float32)
        none_above: np.ndarray = np.zeros(logits.shape[1:], np.float32)
        for number, margin in reversed(margins.items()):
            yes, no = _log_answers(margin * np.float32(1.0 / temperature))
            logits[number] = yes + none_above
            none_above = none_above + no
        logits[self.background] = none_above
        return checked_logits(logits, 1.0)

    def _margin(self, outputs: Outputs, name: str) -> np.ndarray:
        """Return the logit of yes against no, (rows, columns) float32."""
        if name not in outputs:
            raise DecoderError(f'there is no output {name!r} as in heads')
        values = without_batch(outputs[name], 3)
        if values.ndim != 3 or len(values) not in (1, 2):
            raise DecoderError(f'output {name!r} needs 1 or 2 channels')
        values = values.astype(np.float32, copy=False)
        return values[0] if len(values) == 1 else values[1] - values[0]


def _log_answers(margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms of sigmoid(margin) and of sigmoid(−margin)."""
    margin = margin.clip(-_LARGEST, _LARGEST)
    rest = np.log(1.0 + np.exp(-np.abs(margin)))
    return np.minimum(margin, 0.0) - rest, np.minimum(-margin, 0.0) - rest
