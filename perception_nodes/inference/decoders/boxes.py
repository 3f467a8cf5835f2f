"""What a decoder of boxes is: arrays from a network in, boxes in network pixels out."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.candidates import Candidates, clean
from perception_nodes.inference.decoders.contract import (
    Decoder,
    DecoderError,
    Outputs,
    explain,
)
from perception_nodes.structures import Detections


@dataclass(frozen=True)
class Decoded:
    """
    What one picture's output tensors say, before non-maximum suppression.

    :param detections: boxes in network pixels, not clipped to the network's input.
    :param dropped: candidates above the threshold that were NaN, infinite, inside out or of a
        class that does not exist.
    """

    detections: Detections
    dropped: int


@dataclass(frozen=True, kw_only=True)
class BoxDecoder(Decoder):
    """Base of the decoders for detection."""

    task: ClassVar[str] = 'detection'

    def decode(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Decoded:
        """
        Turn output tensors into boxes; values may be garbage, shapes may not.

        :param outputs: tensors by name, for one picture (a leading batch axis of 1 is allowed).
        :param network_wh: width and height of the network's input in pixels.
        :param score_threshold: candidates with a score below this are left out.
        :raises DecoderError: when the shapes are not those this decoder expects.
        """
        with np.errstate(all='ignore'):
            try:
                found = self.candidates(outputs, network_wh, score_threshold)
            except DecoderError as error:
                raise DecoderError(explain(self, outputs, str(error))) from None
            detections, dropped = clean(found, self.class_count)
        return Decoded(detections, dropped)

    @property
    def needs_suppression(self) -> bool:
        """True unless the network itself reports every thing once."""
        return True

    @abc.abstractmethod
    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Return what is not known to be below the threshold; NaN is sorted out later."""
