"""What every decoder is: named, with options and a registry; what it makes depends on its task."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np

Outputs = Mapping[str, np.ndarray]


class DecoderError(ValueError):
    """The decoder's options, or the shapes a network delivers, cannot be what was meant."""


@dataclass(frozen=True, kw_only=True)
class Decoder(abc.ABC):
    """
    Base of all decoders; its fields are the ``decoder.options`` of ``model.yaml``.

    :param class_count: number of class names in the bundle, at least 1.
    """

    name: ClassVar[str] = ''
    task: ClassVar[str] = ''
    expects: ClassVar[str] = ''
    class_count: int

    def __post_init__(self) -> None:
        """Refuse a model without classes."""
        if self.class_count < 1:
            raise DecoderError(f'class_count must be ≥ 1, got {self.class_count}')


DECODERS: dict[str, type[Decoder]] = {}
D = TypeVar('D', bound=type[Decoder])


def register(name: str) -> Callable[[D], D]:
    """Enter a decoder class under the name that ``model.yaml`` uses."""

    def enter(decoder: D) -> D:
        decoder.name = name
        DECODERS[name] = decoder
        return decoder

    return enter


def known_decoders(task: str = '') -> str:
    """Return one line per decoder, of one task or of all, with the tensors it expects."""
    return '\n'.join(
        f'  {name}: {kind.expects}'
        for name, kind in sorted(DECODERS.items())
        if task in ('', kind.task)
    )


def explain(decoder: Decoder, outputs: Outputs, reason: str) -> str:
    """Return the reason, the tensors that came, and what the decoders of the task expect."""
    shapes = ', '.join(f'{key} {tuple(np.shape(value))}' for key, value in outputs.items())
    return (
        f'decoder {decoder.name}: {reason}\nthe network delivers: {shapes or "nothing"}\n'
        f'known decoders (N boxes, C classes):\n{known_decoders(decoder.task)}'
    )


def build_decoder(
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    class_count: int,
    task: str = '',
) -> Any:
    """
    Return the decoder that a bundle names.

    :param name: key of :data:`DECODERS`.
    :param options: ``decoder.options`` of ``model.yaml``.
    :param class_count: number of class names in the bundle.
    :param task: the task that it must be for; empty takes any.
    :returns: the registered decoder, a subclass of :class:`Decoder` for its task.
    :raises DecoderError: for an unknown name or option, naming the allowed ones.
    """
    if name not in DECODERS:
        raise DecoderError(f'unknown decoder {name!r}; known decoders:\n{known_decoders(task)}')
    if task not in ('', DECODERS[name].task):
        raise DecoderError(
            f'decoder {name} is for {DECODERS[name].task}, not for {task}; '
            f'decoders for {task}:\n{known_decoders(task)}'
        )
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
