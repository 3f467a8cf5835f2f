"""The corridor that the robot's body sweeps, and how far it is free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.driving.command import VehicleConfig
from perception_nodes.driving.reference import STEP_M, ReferencePath
from perception_nodes.driving.speed import Surroundings
from perception_nodes.structures import check_settings, setting

MAX_POINTS = 4000
"""More points than this are thinned out evenly; a thing gives many."""


@dataclass(frozen=True, kw_only=True)
class CorridorConfig:
    """How wide the corridor is, and how far it is looked along."""

    side_margin_m: float = setting(
        0.04, 'Added to each side of the body, metres', minimum=0.0, maximum=2.0
    )
    side_margin_s: float = setting(
        0.1,
        'Added to it for every metre a second of speed: who steps in is met earlier, seconds',
        minimum=0.0,
        maximum=2.0,
    )
    corridor_length_m: float = setting(
        2.5, 'How far ahead things count, metres', minimum=0.2, maximum=30.0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class SweptCorridor:
    """
    The floor that the body passes over on its way along a line.

    Beside half the width and the margin it holds what the front corners swing out in curves.

    :param config: margins.
    :param vehicle: measures.
    """

    def __init__(self, config: CorridorConfig, vehicle: VehicleConfig) -> None:
        self._config = config
        self._vehicle = vehicle

    def look(
        self, path: ReferencePath, points_xy: np.ndarray, speed_m_s: float = 0.0
    ) -> Surroundings:
        """
        Return how far the corridor along a path is free.

        :param path: in the frame of the robot.
        :param points_xy: (N, 2) metres, places that no part of the body may touch, same frame.
        :param speed_m_s: of the robot, either way; the margin grows with it.
        """
        start, length_m = path.foot().arc_m, self._config.corridor_length_m
        looked_m = length_m - self._vehicle.front_m
        arc, side = self._along(path, points_xy)
        ahead = (arc > start) & (arc - start < length_m)
        if not ahead.any():
            return Surroundings(looked_m=looked_m)
        arc, side = arc[ahead] - start, side[ahead]
        index = np.clip(np.rint((arc + start) / STEP_M).astype(int), 0, len(path.points_xy) - 1)
        margin = self._config.side_margin_m + self._config.side_margin_s * abs(speed_m_s)
        clearance = side - margin - self._half_widths(path.curvature_1_m)[index]
        inside = clearance <= 0
        free_m = np.maximum(arc[inside] - self._vehicle.front_m, 0.0)
        return Surroundings(
            ahead_m=float(free_m.min(initial=np.inf)),
            beside_m=float(clearance[~inside].min(initial=np.inf)),
            looked_m=looked_m,
        )

    def _along(self, path: ReferencePath, points_xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (M,) arc length and (M,) distance from the path of points that may matter."""
        points = np.asarray(points_xy, dtype=np.float64).reshape(-1, 2)
        points = points[np.isfinite(points).all(axis=1)]
        reach = self._config.corridor_length_m + self._vehicle.front_m
        points = points[(points * points).sum(axis=1) < reach * reach]
        points = points[:: 1 + len(points) // MAX_POINTS]
        if not len(points):
            return np.zeros(0), np.zeros(0)
        offsets = points[:, None, :] - path.points_xy[None, :, :]
        squares = (offsets * offsets).sum(axis=2)
        nearest = squares.argmin(axis=1)
        heading = path.heading_rad[nearest]
        offset = offsets[np.arange(len(points)), nearest]
        forward = np.cos(heading) * offset[:, 0] + np.sin(heading) * offset[:, 1]
        sideways = -np.sin(heading) * offset[:, 0] + np.cos(heading) * offset[:, 1]
        last = len(path.points_xy) - 1
        # Beyond the end of the line nothing is known of the corridor: it goes on straight.
        inner = (nearest > 0) & (nearest < last)
        forward = np.where(inner, np.clip(forward, -STEP_M, STEP_M), forward)
        return nearest * STEP_M + forward, np.abs(sideways)

    def _half_widths(self, curvature_1_m: np.ndarray) -> np.ndarray:
        """Return half of what the body sweeps at each point of the path."""
        half = self._vehicle.width_m / 2
        radius = 1 / np.maximum(np.abs(curvature_1_m), 1e-6)
        swing = np.hypot(radius + half, self._vehicle.front_m) - (radius + half)
        return half + swing
