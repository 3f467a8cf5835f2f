"""Output decoders: a new one is one file in this folder with a ``@register`` class."""

from __future__ import annotations

import importlib
import pkgutil

from perception_nodes.inference.decoders.boxes import BoxDecoder, Decoded
from perception_nodes.inference.decoders.contract import (
    DECODERS,
    Decoder,
    DecoderError,
    build_decoder,
    known_decoders,
    register,
)
from perception_nodes.inference.decoders.masks import ClassLogits, ClassNumbers, MaskDecoder

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

__all__ = [
    'DECODERS',
    'BoxDecoder',
    'ClassLogits',
    'ClassNumbers',
    'Decoded',
    'Decoder',
    'DecoderError',
    'MaskDecoder',
    'build_decoder',
    'known_decoders',
    'register',
]
