"""Networks that regress places along the path, with deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.contract import (
    Decoder,
    DecoderError,
    Outputs,
    explain,
    register,
)
from perception_nodes.inference.decoders.tensors import Wanted, select
from perception_nodes.structures import PathPoints

LOG_SIGMA_LIMITS = (-7.0, 3.0)
"""Deviations lie between 1 mm and 20 m."""
LARGEST_LOGIT = 50.0


@register('path_points')
@dataclass(frozen=True, kw_only=True)
class PathPointsDecoder(Decoder):
    """
    Places at fixed distances along the path: x, y in metres, log σ, logit of being visible.

    :param stations_m: arc lengths from the point of the path nearest to base_link, ascending.
    """

    task: ClassVar[str] = 'path'
    expects: ClassVar[str] = 'path (1, K, 4): x, y in metres, log σ, logit of visibility'
    stations_m: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse stations that are none, not finite, or not ascending."""
        super().__post_init__()
        stations = np.asarray(self.stations_m, dtype=np.float64)
        if len(stations) < 2 or not np.isfinite(stations).all() or (np.diff(stations) <= 0).any():
            raise DecoderError(f'stations_m must be two or more ascending, got {self.stations_m}')

    def decode(self, outputs: Outputs, sigma_scale: float) -> PathPoints:
        """
        Return the places.

        Numbers that are not finite make a place invisible.

        :param sigma_scale: the calibration's temperature: deviations are multiplied by it.
        :raises DecoderError: when no output has the shape.
        """
        try:
            found = select(outputs, [Wanted('path', (len(self.stations_m), 4))])
        except DecoderError as error:
            raise DecoderError(explain(self, outputs, str(error))) from error
        values = found['path'].astype(np.float64)
        broken = ~np.isfinite(values).all(axis=1)
        values[broken] = (0.0, 0.0, 0.0, -LARGEST_LOGIT)
        logit = np.clip(values[:, 3], -LARGEST_LOGIT, LARGEST_LOGIT)
        return PathPoints(
            points_xy=values[:, :2],
            sigma_m=sigma_scale * np.exp(np.clip(values[:, 2], *LOG_SIGMA_LIMITS)),
            visible=1 / (1 + np.exp(-logit)),
        )
