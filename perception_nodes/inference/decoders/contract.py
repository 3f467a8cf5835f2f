"""What a decoder is: arrays from a network in, boxes in network pixels out."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np

from perception_nodes.inference.decoders.candidates import Candidates, clean
from perception_nodes.structures import Detections

Outputs = Mapping[str, np.ndarray]


class DecoderError(ValueError):
    """The decoder's options, or the shapes a network delivers, cannot be what was meant."""


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
class Decoder(abc.ABC):
    """
    Base of all decoders; its fields are the ``decoder.options`` of ``model.yaml``.

    :param class_count: number of class names in the bundle, at least 1.
    """

    name: ClassVar[str] = ''
    expects: ClassVar[str] = ''
    class_count: int

    def __post_init__(self) -> None:
        """Refuse a model without classes."""
        if self.class_count < 1:
            raise DecoderError(f'class_count must be ≥ 1, got {self.class_count}')

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
                raise DecoderError(explain(self.name, outputs, str(error))) from None
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


DECODERS: dict[str, type[Decoder]] = {}
D = TypeVar('D', bound=type[Decoder])


def register(name: str) -> Callable[[D], D]:
    """Enter a decoder class under the name that ``model.yaml`` uses."""

    def enter(decoder: D) -> D:
        decoder.name = name
        DECODERS[name] = decoder
        return decoder

    return enter


def known_decoders() -> str:
    """Return one line per decoder with the tensors it expects."""
    return '\n'.join(f'  {name}: {kind.expects}' for name, kind in sorted(DECODERS.items()))


def explain(name: str, outputs: Outputs, reason: str) -> str:
    """Return the reason, the tensors that came, and what every known decoder expects."""
    shapes = ', '.join(f'{key} {tuple(np.shape(value))}' for key, value in outputs.items())
    return (
        f'decoder {name}: {reason}\nthe network delivers: {shapes or "nothing"}\n'
        f'known decoders (N boxes, C classes):\n{known_decoders()}'
    )


def build_decoder(
    name: str, options: Mapping[str, Any] | None = None, *, class_count: int
) -> Decoder:
    """
    Return the decoder that a bundle names.

    :param name: key of :data:`DECODERS`.
    :param options: ``decoder.options`` of ``model.yaml``.
    :param class_count: number of class names in the bundle.
    :raises DecoderError: for an unknown name or option, naming the allowed ones.
    """
    if name not in DECODERS:
        raise DecoderError(f'unknown decoder {name!r}; known decoders:\n{known_decoders()}')
    kind, options = DECODERS[name], dict(options or {})
    allowed = {item.name for item in fields(kind)} - {'class_count'}
    unknown = sorted(set(options) - allowed)
    if unknown:
        raise DecoderError(
            f'decoder {name} has no option {", ".join(map(repr, unknown))}; '
            f'allowed: {", ".join(sorted(allowed)) or "none"}'
        )
    try:
        return kind(class_count=class_count, **{k: _frozen(v) for k, v in options.items()})
    except (TypeError, ValueError) as error:
        raise DecoderError(f'decoder {name}: bad option value: {error}') from error


def _frozen(value: Any) -> Any:
    """Turn the lists of a YAML file into tuples."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
