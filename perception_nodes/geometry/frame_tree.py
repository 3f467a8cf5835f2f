"""Walks in a tree of frames that is given as ``{child: parent}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FramePath:
    """
    The edges between two frames, each named by its child.

    :param up: from the source towards the common ancestor.
    :param down: from the common ancestor towards the target, in this order.
    """

    up: tuple[str, ...]
    down: tuple[str, ...]

    @property
    def edges(self) -> tuple[str, ...]:
        """All edges in the order of the walk from source to target."""
        return self.up + self.down


def chain_to_root(parents: Mapping[str, str], frame: str) -> list[str]:
    """Return the frames from a frame up to its root, both included; a loop ends the chain."""
    chain = [frame]
    while chain[-1] in parents and parents[chain[-1]] not in chain:
        chain.append(parents[chain[-1]])
    return chain


def path_between(parents: Mapping[str, str], target: str, source: str) -> FramePath | None:
    """Return the walk from source to target, None when no frame is above both."""
    from_source = chain_to_root(parents, source)
    from_target = chain_to_root(parents, target)
    meeting = next((frame for frame in from_source if frame in from_target), None)
    if meeting is None:
        return None
    up = from_source[: from_source.index(meeting)]
    down = from_target[: from_target.index(meeting)]
    return FramePath(tuple(up), tuple(reversed(down)))


def frames_of(parents: Mapping[str, str]) -> set[str]:
    """Return every frame that an edge names."""
    return set(parents) | set(parents.values())
