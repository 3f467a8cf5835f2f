"""Find the tensors a decoder wants among those a network delivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception_nodes.inference.decoders.contract import DecoderError, Outputs


@dataclass(frozen=True)
class Wanted:
    """
    One tensor of a decoder's contract.

    :param name: output name that is taken without a second look.
    :param shape: sizes without the batch axis; a letter stands for any size, and the same letter
        for the same size in all tensors.
    :param optional: the decoder can do without.
    """

    name: str
    shape: tuple[int | str, ...]
    optional: bool = False

    def __str__(self) -> str:
        """Return name and shape as an error message shows them."""
        return f'{self.name} ({", ".join(map(str, self.shape))})'


def without_batch(array: np.ndarray, dimensions: int) -> np.ndarray:
    """Return the array with a leading axis of 1 removed if it has one dimension too many."""
    array = np.asarray(array)
    is_batch = array.ndim == dimensions + 1 and array.shape[0] == 1
    return array[0] if is_batch else array


def fit(shape: Sequence[int], wanted: Wanted, sizes: Mapping[str, int]) -> dict[str, int] | None:
    """Return the letters' sizes if this shape can be the wanted tensor, else None."""
    if len(shape) != len(wanted.shape):
        return None
    known = dict(sizes)
    for size, pattern in zip(shape, wanted.shape, strict=True):
        expected = known.setdefault(pattern, size) if isinstance(pattern, str) else pattern
        if size != expected:
            return None
    return known


def select(outputs: Outputs, wanted: Sequence[Wanted]) -> dict[str, np.ndarray]:
    """
    Return the wanted tensors by their wanted names, without their batch axis.

    Tensors are taken by name where the names match, else by shape, else by order.

    :returns: one array per wanted tensor; an optional one that is not there is left out.
    :raises DecoderError: when no assignment fits.
    """
    chosen = _assign(list(outputs), outputs, list(wanted), {})
    if chosen is None:
        raise DecoderError(f'expected {"; ".join(map(str, wanted))}')
    return {
        item.name: without_batch(outputs[name], len(item.shape))
        for name, item in zip(chosen, wanted, strict=True)
        if name is not None
    }


def _assign(
    free: list[str], outputs: Outputs, wanted: list[Wanted], sizes: Mapping[str, int]
) -> list[str | None] | None:
    """Search an assignment of the free outputs to the wanted tensors, first fit in order."""
    if not wanted:
        return []
    head, rest = wanted[0], wanted[1:]
    reserved = {item.name for item in rest}
    options = [head.name] if head.name in free else [n for n in free if n not in reserved]
    for name in options:
        shape = without_batch(outputs[name], len(head.shape)).shape
        known = fit(shape, head, sizes)
        if known is not None:
            tail = _assign([n for n in free if n != name], outputs, rest, known)
            if tail is not None:
                return [name, *tail]
    if head.optional and head.name not in free:
        tail = _assign(free, outputs, rest, sizes)
        return None if tail is None else [None, *tail]
    return None
