"""Maps seen from above, y upwards; several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from perception_nodes.mapping.occupancy import FREE_UP_TO, OCCUPIED_FROM

WHITE, GREY, BLACK, RED, BLUE, GREEN = (
    (255, 255, 255), (200, 200, 200), (40, 40, 40), (230, 40, 40), (30, 120, 230), (60, 160, 60),
)  # fmt: skip
HEADING_PX = 24
GAP_PX = 8
PIXELS_PER_CELL = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class MapPanel:
    """
    One map of a picture; all arrays are (rows, columns), row 0 has the lowest y.

    :param costs: int8, -1 unknown to 100 lethal.
    :param wrong: bool, where the map has something that is not there; None marks nothing.
    :param missed: bool, where it lacks something that is there.
    :param people: bool, where somebody stands, who is not compared.
    """

    name: str
    costs: np.ndarray
    wrong: np.ndarray | None = None
    missed: np.ndarray | None = None
    people: np.ndarray | None = None


def draw_costs(costs: np.ndarray) -> np.ndarray:
    """
    Return (rows, columns, 3) uint8 RGB, row by row: free white, occupied black, unknown grey.

    Costs between free and occupied fade.
    """
    table = np.full((256, 3), GREY, np.uint8)
    grades = np.linspace(WHITE, BLACK, OCCUPIED_FROM - FREE_UP_TO + 1)
    table[: FREE_UP_TO + 1], table[OCCUPIED_FROM:101] = WHITE, BLACK
    table[FREE_UP_TO : OCCUPIED_FROM + 1] = grades.astype(np.uint8)
    return table[costs.view(np.uint8)]


def draw_panels(panels: Sequence[MapPanel], *, columns: int = 3) -> np.ndarray:
    """
    Return maps side by side, cut to what is known in the first, y upwards.

    Free is white, occupied black, unknown grey, people green, wrong red, missed blue.

    :param panels: of one shape, at least one.
    :returns: (H, W, 3) uint8 RGB.
    """
    known_rows, known_columns = np.nonzero(panels[0].costs >= 0)
    cut = (slice(None), slice(None))
    if len(known_rows):
        cut = (
            slice(known_rows.min(), known_rows.max() + 1),
            slice(known_columns.min(), known_columns.max() + 1),
        )
    drawn = [_drawn(panel, cut) for panel in panels]
    columns = min(columns, len(drawn))
    drawn += [np.full_like(drawn[0], 255)] * (-len(drawn) % columns)
    lines = [
        np.concatenate(drawn[start : start + columns], axis=1)
        for start in range(0, len(drawn), columns)
    ]
    return np.concatenate(lines)


def _drawn(panel: MapPanel, cut: tuple[slice, slice]) -> np.ndarray:
    """Return one map with its name above."""
    picture = draw_costs(panel.costs)
    occupied = panel.costs >= OCCUPIED_FROM
    for cells, color in (
        (None if panel.people is None else panel.people & ~occupied, GREEN),
        (panel.wrong, RED),
        (panel.missed, BLUE),
    ):
        if cells is not None:
            picture[cells] = color
    scale = PIXELS_PER_CELL
    drawn = picture[cut][::-1].repeat(scale, axis=0).repeat(scale, axis=1)
    framed = np.pad(drawn, ((HEADING_PX, 0), (0, GAP_PX), (0, 0)), constant_values=255)
    place = (4, HEADING_PX - 8)
    return cv2.putText(framed, panel.name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, BLACK, 1)
