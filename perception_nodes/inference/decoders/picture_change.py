"""Networks that tell how every pixel of a picture is to change."""

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
from perception_nodes.inference.decoders.tensors import Wanted, select


@register('picture_change')
@dataclass(frozen=True, kw_only=True)
class PictureChangeDecoder(Decoder):
    """Changes of the network's input, RGB, in parts of the full range."""

    task: ClassVar[str] = 'translation'
    expects: ClassVar[str] = 'change (1, 3, h, w): RGB, −1..1 of the full range'

    def decode(self, outputs: Outputs) -> np.ndarray:
        """
        Return the change (3, h, w) float32; what is not finite changes nothing.

        :raises DecoderError: when no output has the shape.
        """
        try:
            change = select(outputs, [Wanted('change', (3, 'h', 'w'))])['change']
        except DecoderError as error:
            raise DecoderError(explain(self, outputs, str(error))) from error
        return np.nan_to_num(change.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
