"""Everything that a labelled set says, of whatever kind, wrong labels included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from perception_nodes.curation.finding import Place
from perception_nodes.evaluation.ground_truth import LabelFault
from perception_nodes.evaluation.masked_sets import MaskedPicture, MaskedSet

NO_BOXES = np.zeros((0, 4), np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class Entry:
    """
    One picture and what the labels say about it.

    :param size_wh: as the labels have it, None where they do not say.
    :param xyxy: (M, 4) float32 boxes in pixels, as they are labelled.
    :param box_classes: (M,) names.
    :param mask: picture and mask of a set with masks.
    :param label: class of the whole picture, or empty.
    """

    path: Path
    size_wh: tuple[int, int] | None = None
    xyxy: np.ndarray = field(default_factory=lambda: NO_BOXES)
    box_classes: tuple[str, ...] = ()
    mask: MaskedPicture | None = None
    label: str = ''


@dataclass(frozen=True, eq=False, kw_only=True)
class Inventory:
    """
    A set.

    :param address: as the user may write it again.
    :param entries: in the order of the set.
    :param classes: names; the list of the set where it has one.
    :param places: what was wrong while reading, by check.
    :param masks: the set that reads the masks, if it has masks.
    """

    address: str
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    places: Mapping[str, tuple[Place, ...]]
    masks: MaskedSet | None = None

    @property
    def root(self) -> Path:
        """Where the set lies."""
        return Path(self.address.partition(':')[2].partition('@')[0])


class PlaceBook:
    """Collects places by check; :meth:`report` is what the readers of sets call."""

    def __init__(self) -> None:
        self._places: dict[str, list[Place]] = defaultdict(list)

    def add(self, check: str, place: Place) -> None:
        """Note a place."""
        self._places[check].append(place)

    def report(self, fault: LabelFault, path: Path, words: str) -> None:
        """Note a place by the name of its fault."""
        self.add(fault.value, Place(path=path, words=words))

    def places(self) -> dict[str, tuple[Place, ...]]:
        """Return what was noted."""
        return {check: tuple(places) for check, places in self._places.items()}
