"""How often each class of a set occurs, and what to do about rare ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_TO_LEAST = {'boxes': 20.0, 'pictures': 20.0, 'pixels': 200.0}
"""Ratios above which a class is called rare; areas of classes differ by nature, counts less."""


@dataclass(frozen=True, kw_only=True)
class Balance:
    """
    Classes of one set.

    :param data: address of the set.
    :param unit: what is counted, a key of :data:`MOST_TO_LEAST`.
    :param counts: by class, in the order of the classes; 0 for a class that never occurs.
    """

    data: str
    unit: str
    counts: Mapping[str, int]

    @property
    def ratio(self) -> float:
        """How many times the most frequent class is the rarest that occurs; 1 without any."""
        present = [count for count in self.counts.values() if count]
        return max(present) / min(present) if present else 1.0

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes of the list that never occur."""
        return tuple(name for name, count in self.counts.items() if not count)

    @property
    def rare(self) -> dict[str, float]:
        """How many times the most frequent class is each rare one."""
        most, limit = max(self.counts.values(), default=0), MOST_TO_LEAST[self.unit]
        return {
            name: most / count
            for name, count in self.counts.items()
            if count * limit < most and count
        }

    @property
    def hint(self) -> str:
        """One plain sentence."""
        if not any(self.counts.values()):
            return 'nothing is labelled'
        words = []
        if self.absent:
            words.append(f'never labelled: {_listed(self.absent)}')
        if self.rare:
            most = max(self.counts, key=lambda name: self.counts[name])
            words.append(
                f'for each of {_listed(self.rare)} there are more than '
                f'{MOST_TO_LEAST[self.unit]:.0f} {self.unit} of {most}: collect more, or '
                'balance the classes in the recipe'
            )
        return '; '.join(words) or 'no class is rare'

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {
            'data': self.data,
            'unit': self.unit,
            'counts': dict(self.counts),
            'ratio': round(self.ratio, 2),
            'hint': self.hint,
        }


def balance_of(data: str, unit: str, classes: tuple[str, ...], counted: Counter[str]) -> Balance:
    """Return the balance with a count, at least 0, for every class of the list."""
    return Balance(data=data, unit=unit, counts={name: counted[name] for name in classes})


def _listed(names: Iterable[str], most: int = 8) -> str:
    words = list(names)
    more = f' and {len(words) - most} more' if len(words) > most else ''
    return ', '.join(words[:most]) + more
