"""Networks that tell what a picture shows: one score for every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.contract import (
    Decoder,
    DecoderError,
    Outputs,
    explain,
    register,
)
from perception_nodes.inference.decoders.masks import checked_logits
from perception_nodes.inference.decoders.tensors import Wanted, select

_TINY = 1e-12  # keeps the logarithm of 0 finite


@register('class_logits')
@dataclass(frozen=True, kw_only=True)
class ClassLogitsDecoder(Decoder):
    """
    The class of a picture is the one with the highest score.

    :param activated: the numbers are probabilities already (the network ends in a softmax).
    """

    task: ClassVar[str] = 'classification'
    expects: ClassVar[str] = 'logits (1, C), or (1, C, 1, 1)'
    activated: bool = False

    def decode(self, outputs: Outputs, temperature: float = 1.0) -> np.ndarray | None:
        """
        Return the (C,) float32 probabilities; None where a score is NaN or infinite.

        :param outputs: tensors by name, for one picture.
        :param temperature: divides logits before they become probabilities.
        :raises DecoderError: when no output has the shape.
        """
        with np.errstate(all='ignore'):
            checked = checked_logits(self.logits(outputs)[:, None, None], temperature)
        if checked.dropped:
            return None
        shares = np.exp(checked.logits[:, 0, 0] - checked.logits.max())
        probabilities: np.ndarray = (shares / shares.sum()).astype(np.float32)
        return probabilities

    def logits(self, outputs: Outputs) -> np.ndarray:
        """
        Return the (C,) float32 logits as the network gives them, NaN and all.

        :param outputs: tensors by name, for one picture.
        :raises DecoderError: when no output has the shape.
        """
        flat = {name: np.reshape(value, (-1,)) if np.shape(value)[2:] == (1, 1) else value
                for name, value in outputs.items()}  # fmt: skip
        try:
            found = select(flat, [Wanted('logits', (self.class_count,))])
        except DecoderError as error:
            raise DecoderError(explain(self, outputs, str(error))) from error
        scores = found['logits'].astype(np.float32)
        if not self.activated:
            return scores
        with np.errstate(all='ignore'):
            return np.asarray(np.log(np.maximum(scores, np.float32(_TINY))))
