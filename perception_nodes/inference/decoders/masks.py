"""What a decoder of masks is: arrays from a network in, scores or numbers of classes out."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.contract import (
    Decoder,
    DecoderError,
    Outputs,
    explain,
)

_LIMIT = 1e4  # logits beyond this are certain, and stay finite in all arithmetic


@dataclass(frozen=True, eq=False)
class ClassLogits:
    """
    Scores of every class in every cell of the network's output.

    :param logits: (C, h, w) float32, finite; their softmax over C are calibrated probabilities.
    :param broken: (h, w) bool, cells that were NaN or infinite; None when there are none.
    """

    logits: np.ndarray
    broken: np.ndarray | None = None

    @property
    def dropped(self) -> int:
        """Number of cells that cannot be used."""
        return 0 if self.broken is None else int(self.broken.sum())


@dataclass(frozen=True, eq=False)
class ClassNumbers:
    """
    Classes that the network chose by itself.

    :param class_ids: (h, w) uint8, 255 where the network's number is no class.
    :param confidence: (h, w) float32 in 0..1, None when the network gives none.
    :param dropped: number of cells that cannot be used.
    """

    class_ids: np.ndarray
    confidence: np.ndarray | None
    dropped: int = 0


DecodedMask = ClassLogits | ClassNumbers


@dataclass(frozen=True, kw_only=True)
class MaskDecoder(Decoder):
    """Base of the decoders for segmentation."""

    task: ClassVar[str] = 'segmentation'

    def decode(self, outputs: Outputs, temperature: float = 1.0) -> DecodedMask:
        """
        Turn output tensors into classes; values may be garbage, shapes may not.

        :param outputs: tensors by name, for one picture (a leading batch axis of 1 is allowed);
            together they cover the network's input evenly.
        :param temperature: divides logits before they become probabilities.
        :raises DecoderError: when the shapes are not those this decoder expects.
        """
        with np.errstate(all='ignore'):
            try:
                return self.read(outputs, temperature)
            except DecoderError as error:
                raise DecoderError(explain(self, outputs, str(error))) from None

    @abc.abstractmethod
    def read(self, outputs: Outputs, temperature: float) -> DecodedMask:
        """Return the classes; see :meth:`decode`."""


def checked_logits(logits: np.ndarray, temperature: float) -> ClassLogits:
    """
    Return logits divided by the temperature, with the cells that are no numbers marked.

    :param logits: (C, h, w) of any float type; not changed. −inf says: certainly not.
    """
    values = np.asarray(logits, dtype=np.float32)
    if temperature != 1.0:
        values = values * np.float32(1.0 / temperature)
    if np.isfinite(values.sum(dtype=np.float64)) and np.abs(values).max(initial=0.0) < _LIMIT:
        return ClassLogits(values)
    broken: np.ndarray = np.logical_not((values < np.inf).all(axis=0))
    values = np.where(broken, np.float32(0.0), values.clip(-_LIMIT, _LIMIT))
    return ClassLogits(values, broken if broken.any() else None)
