"""Depth pictures by REP-118: metres with NaN, or millimetres with 0, for unknown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perception_nodes.imaging.encodings import ImageView
from perception_nodes.imaging.image_error import ImageError, ImageReason

_METRES_PER_UNIT = 0.001  # REP-118: 16UC1 is in millimetres


def depth_to_metres(view: ImageView) -> np.ndarray:
    """
    Return depth along the optical axis by REP-118.

    :param view: ``16UC1`` in millimetres with 0 for unknown, or ``32FC1`` in metres.
    :returns: (H, W) float32 in metres, a copy; NaN where unknown. The infinities of REP-118
        (−inf too close, +inf beyond the range) stay as they are.
    :raises ImageError: ``wrong_kind`` for encodings that are not depth.
    """
    converter = _TO_METRES.get(view.encoding)
    if converter is None:
        raise ImageError(
            ImageReason.WRONG_KIND,
            f'encoding {view.encoding!r} is not depth; allowed: {", ".join(_TO_METRES)}',
        )
    return converter(view.array)


def depth_from_metres(metres: np.ndarray, encoding: str = '32FC1') -> ImageView:
    """
    Return depth in one of the two encodings of REP-118.

    :param metres: (H, W) float, metres, NaN where unknown.
    :param encoding: ``32FC1``, or ``16UC1``: rounded to millimetres; unknown, negative and
        beyond 65.535 m become 0.
    """
    if encoding == '32FC1':
        return ImageView(np.asarray(metres, dtype=np.float32), encoding)
    if encoding != '16UC1':
        raise ImageError(
            ImageReason.WRONG_KIND, f'encoding {encoding!r} is not depth; allowed: 16UC1, 32FC1'
        )
    units = np.rint(np.asarray(metres, dtype=np.float64) / _METRES_PER_UNIT)
    units[~((units >= 0) & (units <= np.iinfo(np.uint16).max))] = 0
    return ImageView(units.astype(np.uint16), encoding)


def _metres_from_millimetres(units: np.ndarray) -> np.ndarray:
    metres = units.astype(np.float32) * np.float32(_METRES_PER_UNIT)
    metres[units == 0] = np.nan
    return metres


_TO_METRES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    '16UC1': _metres_from_millimetres,
    '32FC1': lambda metres: metres.astype(np.float32),
}
