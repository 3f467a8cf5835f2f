"""What a network says about the path: places at fixed distances along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class PathPoints:
    """
    Places along a path in base_link, from near to far.

    :param points_xy: (K, 2) float64 metres, finite.
    :param sigma_m: (K,) float64, 1σ of each coordinate, > 0.
    :param visible: (K,) float64 in 0..1, how likely the path can be seen there.
    """

    points_xy: np.ndarray
    sigma_m: np.ndarray
    visible: np.ndarray

    def __post_init__(self) -> None:
        """Bring the values to their types and refuse what is outside the contract."""
        for name in ('points_xy', 'sigma_m', 'visible'):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        count = len(self.sigma_m)
        found = (self.points_xy.shape, self.sigma_m.shape, self.visible.shape)
        if found != ((count, 2), (count,), (count,)):
            raise ValueError(
                'PathPoints needs points_xy (K, 2), sigma_m (K,), visible (K,), got '
                f'{found[0]}, {found[1]}, {found[2]}'
            )
        values = np.concatenate([self.points_xy.ravel(), self.sigma_m, self.visible])
        if not np.isfinite(values).all() or not (self.sigma_m > 0).all():
            raise ValueError('PathPoints must be finite, and sigma_m above 0')
        if ((self.visible < 0) | (self.visible > 1)).any():
            raise ValueError('PathPoints.visible must lie in 0..1')

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.sigma_m)
