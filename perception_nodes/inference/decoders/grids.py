"""Where the cells of a network's feature maps lie in its input picture."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from perception_nodes.inference.decoders.contract import DecoderError


class Grid(NamedTuple):
    """
    All cells, feature map by feature map, row by row.

    :param cells: (N, 2) float32 column and row.
    :param stride: (N, 1) float32 input pixels per cell.
    """

    cells: np.ndarray
    stride: np.ndarray

    @property
    def centres(self) -> np.ndarray:
        """(N, 2) float32 centre of each cell in network pixels."""
        return (self.cells + np.float32(0.5)) * self.stride


@functools.lru_cache(maxsize=32)
def grid_of(network_wh: tuple[int, int], strides: tuple[int, ...]) -> Grid:
    """Return the cells of one feature map per stride, for this input size."""
    cells, cell_strides = [], []
    for stride in strides:
        columns, rows = -(-network_wh[0] // stride), -(-network_wh[1] // stride)
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
        cells.append(grid.reshape(-1, 2).astype(np.float32))
        cell_strides.append(np.full((columns * rows, 1), stride, dtype=np.float32))
    grid_cells, grid_strides = np.concatenate(cells), np.concatenate(cell_strides)
    grid_cells.setflags(write=False)
    grid_strides.setflags(write=False)
    return Grid(grid_cells, grid_strides)


def matching_grid(network_wh: tuple[int, int], strides: tuple[int, ...], count: int) -> Grid:
    """
    Return the grid if it has as many cells as the tensor has rows.

    :raises DecoderError: when it has not.
    """
    grid = grid_of(network_wh, strides)
    if len(grid.cells) != count:
        raise DecoderError(
            f'input {network_wh[0]}x{network_wh[1]} with strides {list(strides)} has '
            f'{len(grid.cells)} cells, but the tensor has {count} rows'
        )
    return grid


def checked_strides(strides: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides as integers; refuse an empty list and sizes below 1."""
    checked = tuple(int(stride) for stride in strides)
    if not checked or min(checked) < 1:
        raise DecoderError(f'strides must be a list of pixels ≥ 1, got {strides}')
    return checked
