"""What is wrong with boxes, all of a set at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from perception_nodes.curation.finding import Place
from perception_nodes.curation.inventory import NO_BOXES, Entry

TINY_PX = 4.0
"""Boxes whose shorter side is below are tiny: half a cell of the finest detection stride, 8."""
_TOLERANCE_PX = 1.5  # rounding, and formats that count pixels from 1


def check_boxes(
    entries: Sequence[Entry], sizes_wh: Sequence[tuple[int, int] | None]
) -> Iterator[tuple[str, Place]]:
    """
    Yield check and place of every box that is wrong; each box has one fault at most.

    :param sizes_wh: of the pictures; boxes of a picture without size are left out.
    """
    pairs = list(zip(entries, sizes_wh, strict=True))
    usable = [(entry, size) for entry, size in pairs if size is not None and len(entry.xyxy)]
    owner = np.repeat(np.arange(len(usable)), [len(entry.xyxy) for entry, _ in usable])
    names = [name for entry, _ in usable for name in entry.box_classes]
    xyxy = np.concatenate([NO_BOXES, *(entry.xyxy for entry, _ in usable)])
    limits = np.array([size for _, size in usable], np.float32).reshape(-1, 2)[owner]
    for check, wrong in _faults(xyxy, limits).items():
        for index in np.flatnonzero(wrong).tolist():
            box = tuple(float(value) for value in xyxy[index])
            words = f'{names[index]} at {", ".join(f"{value:.1f}" for value in box)}'
            yield check, Place(path=usable[owner[index]][0].path, words=words, xyxy=box)


def _faults(xyxy: np.ndarray, limits_wh: np.ndarray) -> dict[str, np.ndarray]:
    """Return (M,) bool by check; the first that fits takes the box."""
    first, last = xyxy[:, :2], xyxy[:, 2:]
    sides = last - first
    tests = {
        'box_inverted': (sides < 0).any(axis=1),
        'box_empty': (sides == 0).any(axis=1),
        'box_outside': (last <= 0).any(axis=1) | (first >= limits_wh).any(axis=1),
        'box_cut': (first < -_TOLERANCE_PX).any(axis=1)
        | (last > limits_wh + _TOLERANCE_PX).any(axis=1),
        'box_tiny': sides.min(axis=1, initial=np.inf) < TINY_PX,
    }
    taken = np.zeros(len(xyxy), bool)
    faults = {}
    for check, wrong in tests.items():
        faults[check] = wrong & ~taken
        taken |= wrong
    return faults
