"""Maps beside the world as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from perception_nodes.evaluation.map_agreement import FREE_UP_TO, OCCUPIED_FROM, cell_errors

# BGR.
WHITE, GREY, BLACK, RED, BLUE, GREEN = (
    (255, 255, 255), (200, 200, 200), (40, 40, 40), (40, 40, 230), (230, 120, 30), (60, 160, 60),
)  # fmt: skip
HEADING_PX = 24
GAP_PX = 8
PIXELS_PER_CELL = 2
COLUMNS = 3


class Panel(NamedTuple):
    """
    One map of the picture; all arrays are (rows, columns) of one window.

    :param costs: -1..100.
    :param judged: bool, where it is compared with the world.
    :param people: bool, where somebody stands, who is not compared.
    """

    name: str
    costs: np.ndarray
    judged: np.ndarray
    people: np.ndarray | None = None


def save_panels(path: Path, panels: Sequence[Panel]) -> None:
    """
    Write the maps side by side, cut to what is known in the first, which is the world.

    Free is white, occupied black, unknown grey, people green; red stands in the map alone, blue
    in the world alone.
    """
    world = panels[0].costs
    rows, columns = np.nonzero(world >= 0)
    cut = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    drawn = [_drawn(panel, world, cut) for panel in panels]
    blank = np.full_like(drawn[0], 255)
    drawn += [blank] * (-len(drawn) % COLUMNS)
    lines = [
        np.concatenate(drawn[start : start + COLUMNS], axis=1)
        for start in range(0, len(drawn), COLUMNS)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(lines))


def _drawn(panel: Panel, world: np.ndarray, cut: tuple[slice, slice]) -> np.ndarray:
    """Return one map with its name above, y upwards."""
    picture = np.full((*panel.costs.shape, 3), GREY, np.uint8)
    occupied = panel.costs >= OCCUPIED_FROM
    picture[(panel.costs >= 0) & (panel.costs <= FREE_UP_TO)] = WHITE
    if panel.people is not None:
        picture[panel.people] = GREEN
    picture[occupied] = BLACK
    _, wrong, missed = cell_errors(occupied, world >= OCCUPIED_FROM, panel.judged)
    picture[wrong], picture[missed] = RED, BLUE
    scale = PIXELS_PER_CELL
    drawn = picture[cut][::-1].repeat(scale, axis=0).repeat(scale, axis=1)
    framed = np.pad(drawn, ((HEADING_PX, 0), (0, GAP_PX), (0, 0)), constant_values=255)
    place = (4, HEADING_PX - 8)
    return cv2.putText(framed, panel.name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, BLACK, 1)
