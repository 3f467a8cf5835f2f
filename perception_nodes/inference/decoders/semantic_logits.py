"""Semantic segmentation networks that deliver one score per class and cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.contract import DecoderError, Outputs, register
from perception_nodes.inference.decoders.masks import ClassLogits, MaskDecoder, checked_logits
from perception_nodes.inference.decoders.tensors import Wanted, select

_TINY = 1e-12  # keeps the logarithm of 0 finite


@register('semantic_logits')
@dataclass(frozen=True, kw_only=True)
class SemanticLogitsDecoder(MaskDecoder):
    """
    The class of a cell is the one with the highest score.

    A network with two classes may deliver one channel: the logit of the second class.

    :param output: name of the output tensor; empty takes the one whose shape fits.
    :param activated: the numbers are probabilities already (the network ends in a softmax, or
        in a sigmoid for one channel).
    :param channels_last: the classes are the last axis.
    """

    expects: ClassVar[str] = (
        'output (1, C, rows, columns), or (1, rows, columns, C) with channels_last; '
        '(1, 1, rows, columns) for two classes'
    )
    output: str = ''
    activated: bool = False
    channels_last: bool = False

    def read(self, outputs: Outputs, temperature: float) -> ClassLogits:
        """Return the scores of the named or the fitting tensor."""
        scores = self._scores(outputs).astype(np.float32, copy=False)
        if self.activated:
            scores = _log_probabilities(scores)
        elif len(scores) < self.class_count:
            scores = np.concatenate([np.zeros_like(scores), scores])
        return checked_logits(scores, temperature)

    def _scores(self, outputs: Outputs) -> np.ndarray:
        """Return (C, rows, columns), or (1, rows, columns) for two classes."""
        if self.output and self.output not in outputs:
            raise DecoderError(f'there is no output {self.output!r}')
        chosen = {self.output: outputs[self.output]} if self.output else outputs
        channels = [self.class_count] + [1] * (self.class_count == 2)
        for index, count in enumerate(channels):
            sides: tuple[int | str, ...] = ('rows', 'columns', count)
            shape = sides if self.channels_last else (count, 'rows', 'columns')
            try:
                found = select(chosen, [Wanted(self.output or 'output', shape)])
            except DecoderError:
                if index + 1 == len(channels):
                    raise
                continue
            scores = next(iter(found.values()))
            return np.moveaxis(scores, -1, 0) if self.channels_last else scores
        raise DecoderError('no output fits')


def _log_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms, with the other class in front where only one is given."""
    if len(probabilities) == 1:
        probabilities = np.concatenate([1.0 - probabilities, probabilities])
    return np.log(np.maximum(probabilities, np.float32(_TINY)))
