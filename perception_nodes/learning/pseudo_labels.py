"""Labels that a model writes for pictures nobody has labelled: what was kept, and of how much."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

LEVELS = 256
"""Confidence 0..1 is counted in so many steps."""
CARD = 'dataset.json'

T = TypeVar('T')
Track = Callable[[Iterable[T], str], Iterable[T]]


@dataclass(frozen=True, eq=False, kw_only=True)
class PseudoLabels:
    """
    What was kept of a model's answers.

    :param classes: of the model.
    :param unit: what is counted: ``pixels`` or ``boxes``.
    :param names: of the pictures, without suffix.
    :param kept: (C, 256) answers that became labels, by class and confidence.
    :param uncertain: (C, 256) answers that count neither way.
    :param lowest: (C,) smallest confidence that is kept, 0..1; nan for a class never answered.
    """

    classes: tuple[str, ...]
    unit: str
    names: tuple[str, ...]
    kept: np.ndarray
    uncertain: np.ndarray
    lowest: np.ndarray

    @property
    def kept_share(self) -> np.ndarray:
        """(C,) part of the answers that became labels, 0..1; nan for a class never answered."""
        kept, all_ = self.kept.sum(axis=1), (self.kept + self.uncertain).sum(axis=1)
        return np.where(all_, kept / np.maximum(all_, 1), np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        rows = zip(self.classes, self.kept, self.uncertain, self.lowest, strict=True)
        return {
            'pictures': len(self.names),
            'unit': self.unit,
            'classes': {
                name: {
                    'kept': int(kept.sum()),
                    'uncertain': int(uncertain.sum()),
                    'confidence_from': round(float(lowest), 4) if lowest == lowest else None,
                    'kept_by_confidence': kept.tolist(),
                    'uncertain_by_confidence': uncertain.tolist(),
                }
                for name, kept, uncertain, lowest in rows
            },
        }


def check_new(out: Path) -> None:
    """
    Refuse a folder that holds something: its pictures and labels would stay in the set.

    :raises ValueError: naming the cure.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f'out: {out} is not empty, and what is in it would mix with the new labels; name '
            'another folder, or delete this one'
        )


def write_card(out: Path, **entries: Any) -> None:
    """Write what the set is."""
    (out / CARD).write_text(json.dumps(entries, indent=1) + '\n', encoding='utf-8')
