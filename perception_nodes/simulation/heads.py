"""Heads of figures, with hair and hats."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.clothes import Look
from perception_nodes.simulation.parts import Part, Shape, limb

_BRIMS = {
    'cap': (1.0, 0.7), 'bowler': (1.45, 1.4), 'visor': (1.25, 0.9), 'sunhat': (2.0, 1.95),
    'helmet': (1.3, 1.05), 'brim': (1.75, 1.6),
}  # fmt: skip
"""Half length and half width of a hat's brim in head radii."""
_KNOBS = {'beanie': (0.3, 0.2, 1.5), 'bun': (0.45, 1.1, 0.9), 'tall': (0.75, 0.2, 1.3),
          'ponytail': (0.5, 1.2, -0.2), 'beret': (0.6, 0.5, 1.0)}  # fmt: skip
"""Radius, and place behind and above the head's centre, of a ball on the head in head radii."""


def _arbitrary(rng: np.random.Generator) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """Return a brim and a knob of their own."""
    reach = rng.uniform(0.9, 2.2)
    brim = (reach, reach * rng.uniform(0.7, 1.1))
    return brim, (rng.uniform(0.3, 0.9), rng.uniform(-0.2, 1.1), rng.uniform(-0.6, 1.5))


def build_head(
    rng: np.random.Generator,
    look: Look,
    hat: str,
    height: float,
    neck_z: float,
    hat_color: np.ndarray,
) -> list[Part]:
    """Return neck, head, hair and whatever is on top."""
    radius = 0.058 * height
    centre = np.array([0.01 * height, 0, neck_z + 0.03 * height + radius * 1.15])
    x, _, z = (float(value) for value in centre)
    skin: dict = look.skin
    parts = [
        limb([0, 0, neck_z - 0.02 * height], centre, 0.028 * height, **look.skin),
        Part(shape=Shape.ELLIPSOID, size=(radius, radius * 0.85, radius * 1.25),
             position=(x, 0, z), **skin),
    ]  # fmt: skip
    crown: dict = look.hair if hat in ('none', 'long_hair') else {'color': hat_color}
    parts.append(
        Part(shape=Shape.ELLIPSOID, size=(radius * 1.02, radius * 0.92, radius * 0.95),
             position=(x - 0.22 * radius, 0, z + 0.48 * radius), **crown)
    )  # fmt: skip
    if hat == 'long_hair':
        fall = radius * rng.uniform(0.8, 2.8)
        half = (radius * rng.uniform(0.35, 0.6), radius * rng.uniform(0.8, 1.2), fall)
        parts.append(Part(shape=Shape.ELLIPSOID, size=half, **crown,
                          position=(x - 0.7 * radius, 0, z + 0.9 * radius - fall)))  # fmt: skip
    brim, knob = _BRIMS.get(hat), _KNOBS.get(hat)
    if hat == 'arbitrary':
        brim, knob = _arbitrary(rng)
    if knob is not None:
        size, back, up = (radius * value for value in knob)
        parts.append(
            Part(shape=Shape.SPHERE, size=(size, 0, 0), position=(x - back, 0, z + up), **crown)
        )
    if brim is not None:
        reach = brim
        shift = 0.8 * radius if hat in ('cap', 'visor') else 0.0
        parts.append(
            Part(shape=Shape.ELLIPSOID, size=(radius * reach[0], radius * reach[1], radius * 0.14),
                 position=(x + shift - 0.1 * radius, 0, z + 0.55 * radius), **crown)
        )  # fmt: skip
    return parts
