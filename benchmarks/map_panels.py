"""Maps beside the world as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.evaluation.map_agreement import FREE_UP_TO, OCCUPIED_FROM, cell_errors
from perception_nodes.mapping import OccupancyMap

# BGR.
WHITE, GREY, BLACK, RED, BLUE = (
    (255, 255, 255), (200, 200, 200), (40, 40, 40), (40, 40, 230), (230, 120, 30),
)  # fmt: skip
HEADING_PX = 24
GAP_PX = 8
PIXELS_PER_CELL = 2


def save_panels(path: Path, named: Sequence[tuple[str, OccupancyMap]]) -> None:
    """
    Write the maps side by side, cut to what is known in the first, which is the world.

    Free is white, occupied black, unknown grey; red stands in the map alone, blue in the world
    alone, where both know something.
    """
    world = named[0][1]
    rows, columns = np.nonzero(world.costs >= 0)
    cut = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    panels = [_panel(name, map_.costs[cut], world.costs[cut]) for name, map_ in named]
    gap = np.full((panels[0].shape[0], GAP_PX, 3), 255, np.uint8)
    parts = [part for panel in panels for part in (panel, gap)][:-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(parts, axis=1))


def _panel(name: str, costs: np.ndarray, world: np.ndarray) -> np.ndarray:
    """Return one map with its name above, y upwards."""
    picture = np.full((*costs.shape, 3), GREY, np.uint8)
    occupied = costs >= OCCUPIED_FROM
    picture[(costs >= 0) & (costs <= FREE_UP_TO)] = WHITE
    picture[occupied] = BLACK
    known = (world >= 0) & (costs >= 0)
    _, wrong, missed = cell_errors(occupied, world >= OCCUPIED_FROM, known)
    picture[wrong], picture[missed] = RED, BLUE
    drawn = cv2.resize(
        np.ascontiguousarray(picture[::-1]), None, fx=PIXELS_PER_CELL, fy=PIXELS_PER_CELL,
        interpolation=cv2.INTER_NEAREST,
    )  # fmt: skip
    heading = np.full((HEADING_PX, drawn.shape[1], 3), 255, np.uint8)
    cv2.putText(
        heading, name, (4, HEADING_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, BLACK, 1, cv2.LINE_AA
    )
    return np.concatenate([heading, drawn])
