"""Disturbances by chance, for training pictures."""

from __future__ import annotations

import numpy as np

from perception_nodes.imaging.disturbances.disturbance import Disturbance

_MOST = 0.85
"""Mean level of the worst pictures; levels end at 1."""
_SPREAD = 0.25
_ABSENT = 0.2
"""Part of the pictures in which a disturbance is missing, each for itself."""
_DARKEST, _BRIGHTEST = 6.0, 3.0
"""Factors of the illuminance at level 1, down and up."""
_BRIGHT = 0.2
_LEVELS = ('glare', 'shadows', 'rain', 'fog', 'dirt')


def random_disturbance(rng: np.random.Generator) -> Disturbance:
    """Return disturbances that come together, as weather does: one mean level, each around it."""
    mean = rng.uniform(0.0, _MOST)
    levels = np.clip(mean + _SPREAD * rng.standard_normal(len(_LEVELS) + 1), 0.0, 1.0)
    levels[rng.random(len(levels)) < _ABSENT] = 0.0
    light = float(levels[-1])
    factor = _BRIGHTEST**light if rng.random() < _BRIGHT else _DARKEST**-light
    named = {name: float(level) for name, level in zip(_LEVELS, levels[:-1], strict=True)}
    return Disturbance(illuminance_factor=factor, **named)
