"""The golden result of a path model: a JSON list of points in metres."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from perception_nodes.inference import bundle_checks as check
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_sections import GoldenSpec

_MAXIMUM_BYTES = 1 << 16
_DECIMALS = 4
_LARGEST_SHIFT_M = 0.02
_CAUSES = (
    'input.color_order, input.scale, input.mean or input.std; input.size_wh or input.resize; '
    'decoder.options.stations_m'
)


class FoundPath(Protocol):
    """The part of a path estimate that is compared."""

    @property
    def points_xy(self) -> np.ndarray:
        """(N, 2) metres; none when there is no path."""


def explain_path(bundle: ModelBundle, golden: GoldenSpec, actual: FoundPath) -> str:
    """
    Return how the path differs from the expected one and why, empty when they agree.

    :raises BundleError: when the expected points cannot be read.
    """
    expected = read_points(bundle.file(golden.expected))
    if len(expected) != len(actual.points_xy):
        found = f'{len(actual.points_xy)} points, expected are {len(expected)}'
    else:
        shift_m = float(np.hypot(*(actual.points_xy - expected).T).max())
        if shift_m <= _LARGEST_SHIFT_M:
            return ''
        found = f'points are up to {shift_m:.3f} m away, allowed are {_LARGEST_SHIFT_M} m'
    return f'{found}\nLikely wrong in model.yaml:\n  {_CAUSES}'


def record_path(
    found: FoundPath, _classes: Sequence[str], picture: Path
) -> list[dict[str, float]]:
    """
    Return the expected result of a picture.

    :raises BundleError: when the model sees no path in it: that proves nothing.
    """
    if not len(found.points_xy):
        raise BundleError(
            f'{picture}: the model sees no path in it. Choose a picture with a path ahead; if '
            'this is one, the colour order, scale, mean, std or input size is wrong'
        )
    return [
        {'x_m': round(float(x), _DECIMALS), 'y_m': round(float(y), _DECIMALS)}
        for x, y in found.points_xy
    ]


def read_points(path: Path) -> np.ndarray:
    """
    Return the (N, 2) points of an ``expected.json``.

    :raises BundleError: for anything but a list of ``{x_m, y_m}``.
    """
    try:
        with path.open('rb') as stream:
            content = stream.read(_MAXIMUM_BYTES + 1)
        if len(content) > _MAXIMUM_BYTES:
            raise BundleError(f'{path}: is larger than {_MAXIMUM_BYTES} bytes')
        data = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f'{path}: cannot be read as JSON: {error}') from error
    entries = check.items(str(path), data)
    return np.array([_point(f'{path}[{i}]', item) for i, item in enumerate(entries)])


def _point(where: str, entry: Any) -> tuple[float, float]:
    keys = ('x_m', 'y_m')
    data = check.keys(where, entry, keys, keys)
    return check.number(f'{where}.x_m', data['x_m']), check.number(f'{where}.y_m', data['y_m'])
