"""Pictures that show the same, within a set and across splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from perception_nodes.curation.finding import Place
from perception_nodes.curation.fingerprint import Fingerprints, nearest_before
from perception_nodes.curation.inventory import Entry
from perception_nodes.curation.looking import Look


def find_same(
    entries: Sequence[Entry], looks: Sequence[Look], sets: np.ndarray
) -> Iterator[tuple[int, str, Place]]:
    """
    Yield number of the set, check and place of every picture that shows an earlier one again.

    :param entries: of all sets, one set after the other.
    :param looks: at the entries.
    :param sets: (N,) number of each entry's set.
    """
    prints = Fingerprints.of([look.prints for look in looks])
    for same_set, check in ((True, 'duplicate'), (False, 'leak')):
        partner, alike = nearest_before(prints, sets, same_group=same_set)
        identical = _identical(looks, sets, same_set=same_set)
        partner = np.where(identical >= 0, identical, partner)
        for index in np.flatnonzero(partner >= 0).tolist():
            one, other = entries[index], entries[int(partner[index])]
            same_bytes = bool(identical[index] >= 0)
            words = 'the same bytes' if same_bytes else f'correlation {alike[index]:.3f}'
            if one.label != other.label:
                words += f'; labelled {other.label} and {one.label}'
            place = Place(path=one.path, other=other.path, words=words)
            differs = same_set and same_bytes and one.label != other.label
            yield int(sets[index]), 'contradiction' if differs else check, place


def _identical(looks: Sequence[Look], sets: np.ndarray, *, same_set: bool) -> np.ndarray:
    """Return (N,) index of the first earlier file with the same bytes, −1 where there is none."""
    first: dict[bytes, list[int]] = {}
    found = np.full(len(looks), -1, np.int64)
    for index, look in enumerate(looks):
        if not look.digest:
            continue
        earlier = first.setdefault(look.digest, [])
        fits = [other for other in earlier if (sets[other] == sets[index]) == same_set]
        if fits:
            found[index] = fits[0]
        if all(sets[other] != sets[index] for other in earlier):
            earlier.append(index)  # one of each set is enough
    return found
