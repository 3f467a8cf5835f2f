"""What robustness needs of a task: a model beside its labelled set, and four questions."""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from perception_nodes.robustness.stand import Stand
from perception_nodes.robustness.suite import Corrupted, corrupt
from perception_nodes.structures import ColorOrder, Frame

T = TypeVar('T')
Spoil = tuple[str, int] | None
"""Corruption and severity; None leaves pictures clean."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject(abc.ABC):
    """
    A model and the labelled set that it is measured on; a subclass knows the task.

    :param renamed: ``{class of the model: class of the labels}`` where names differ.
    """

    metric: ClassVar[str]
    """Name of the score in files, a key of ``METRIC_WORDS``."""
    left_out: ClassVar[Mapping[str, str]] = {}
    """Corruptions after which the labels are no longer true, each with the reason."""

    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[str]:
        """Names of the pictures, each once, at least one."""
        return list(self._by_name)

    @abc.abstractmethod
    def frame(self, name: str) -> Frame:
        """Return a picture as it is stored."""

    @abc.abstractmethod
    def stand(
        self, corruption: Spoil = None, advance: Callable[[], object] = lambda: None
    ) -> Stand:
        """
        Measure the model on the set.

        :param advance: called after each picture.
        :raises ValueError: for a corruption that does not exist.
        """

    @property
    @abc.abstractmethod
    def _by_name(self) -> Mapping[str, Any]:
        """The pictures by their names."""


def by_name(names: Iterable[str], pictures: Iterable[T]) -> dict[str, T]:
    """Return pictures by name; of equal names the second and later ones get a number."""
    seen: Counter[str] = Counter()
    found = {}
    for name, picture in zip(names, pictures, strict=True):
        seen[name] += 1
        found[name if seen[name] == 1 else f'{name} ({seen[name]})'] = picture
    return found


def spoilt(frame: Frame, picture: str, corruption: Spoil) -> tuple[Frame, Corrupted | None]:
    """
    Return a frame as it is under a corruption, and where its pixels came from.

    :param picture: its name, from which its random numbers follow.
    """
    if corruption is None:
        return frame, None
    name, severity = corruption
    found = corrupt(frame.in_order(ColorOrder.RGB), name, severity, picture=picture)
    return Frame(pixels=found.rgb, color_order=ColorOrder.RGB), found
