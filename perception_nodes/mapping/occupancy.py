"""Costs and classes of a map at one moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.mapping.classes import UNKNOWN

UNKNOWN_COST = -1
FREE_UP_TO, OCCUPIED_FROM = 25, 65
"""Costs that map_server's defaults call free and occupied."""
_BYTE = np.dtype(np.uint8)


@dataclass(frozen=True, eq=False, kw_only=True)
class CellClasses:
    """
    What the cells of a map are.

    :param ids: (rows, columns) uint8, index into ``names``, 255 unknown; row 0 has the lowest y.
    :param confidence: (rows, columns) uint8, 0 unknown to 255 certain.
    :param names: names of the classes.
    """

    ids: np.ndarray
    confidence: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse anything but two uint8 arrays of one shape with ids that have a name."""
        kinds = {self.ids.dtype, self.confidence.dtype}
        if self.ids.ndim != 2 or self.ids.shape != self.confidence.shape or kinds != {_BYTE}:
            raise ValueError(
                'ids and confidence must be (rows, columns) uint8, got '
                f'{self.ids.shape} {self.ids.dtype}, {self.confidence.shape} '
                f'{self.confidence.dtype}'
            )
        nameless = (self.ids >= len(self.names)) & (self.ids != UNKNOWN)
        if nameless.any():
            found = np.unique(self.ids[nameless]).tolist()
            raise ValueError(f'{found} are class ids without a name; there are {self.names}')


@dataclass(frozen=True, eq=False, kw_only=True)
class OccupancyMap:
    """
    Costs of a piece of the world.

    :param costs: (rows, columns) int8, 0 free to 100 lethal, -1 unknown; row 0 has the lowest y.
    :param resolution_m: side of a cell.
    :param origin_xy: corner of cell (0, 0) in the map's frame, metres.
    :param cells: what the cells are, where that is known.
    """

    costs: np.ndarray
    resolution_m: float
    origin_xy: tuple[float, float] = (0.0, 0.0)
    cells: CellClasses | None = None

    def __post_init__(self) -> None:
        """Refuse anything but int8 costs in -1..100."""
        costs = self.costs
        if costs.ndim != 2 or costs.dtype != np.int8 or 0 in costs.shape:
            raise ValueError(
                f'costs must be (rows, columns) int8, got {costs.shape} {costs.dtype}'
            )
        if costs.min() < UNKNOWN_COST or costs.max() > 100:
            raise ValueError('costs must lie in -1..100')
        if not (np.isfinite(self.resolution_m) and self.resolution_m > 0):
            raise ValueError(f'resolution_m must be > 0, got {self.resolution_m!r}')
        if self.cells is not None and self.cells.ids.shape != costs.shape:
            raise ValueError(
                f'cells must have the shape of costs {costs.shape}, got {self.cells.ids.shape}'
            )
