"""
Two families of assets that share no colour, texture kind, shape or light.

A detector is trained on ``train`` and measured on ``held_out``: what both have in common is the
meaning of the classes (a cone is a cone), not what they are made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

Color = tuple[float, float, float]
COLOR_JITTER = 0.015
"""Largest random change of a palette colour per channel; palettes lie further apart than twice."""


class Assets(str, Enum):
    """Which family of assets a scene is made of."""

    TRAIN = 'train'
    HELD_OUT = 'held_out'


@dataclass(frozen=True, kw_only=True)
class LightRig:
    """
    A kind of illumination.

    :param directional: parallel light (sun, sky) instead of lamps.
    :param count: fewest and most lights.
    :param elevation_deg: range of the height above the horizon.
    :param diffuse: range of the total intensity.
    :param ambient: range of the light that comes from everywhere.
    :param tints: colours of the light.
    """

    directional: bool
    count: tuple[int, int]
    elevation_deg: tuple[float, float]
    diffuse: tuple[float, float]
    ambient: tuple[float, float]
    tints: tuple[Color, ...]


@dataclass(frozen=True, kw_only=True)
class AssetFamily:
    """What a family draws from; colours are RGB in 0..1, kinds are keys of the builders."""

    surface_kinds: tuple[str, ...]
    surface_colors: tuple[Color, ...]
    lane_colors: tuple[Color, ...]
    tape_colors: tuple[Color, ...]
    cloth_kinds: tuple[str, ...]
    cloth_colors: tuple[Color, ...]
    skin_colors: tuple[Color, ...]
    hair_colors: tuple[Color, ...]
    torsos: tuple[str, ...]
    hats: tuple[str, ...]
    cone_colors: tuple[Color, ...]
    cone_bands: tuple[Color, ...]
    cone_shapes: tuple[str, ...]
    box_kinds: tuple[str, ...]
    box_colors: tuple[Color, ...]
    barrel_colors: tuple[Color, ...]
    barrel_bands: tuple[Color, ...]
    barrel_shapes: tuple[str, ...]
    sign_plates: tuple[str, ...]
    sign_schemes: tuple[tuple[Color, Color, Color], ...]
    pictograms: tuple[str, ...]
    clutter_shapes: tuple[str, ...]
    clutter_colors: tuple[Color, ...]
    rigs: tuple[LightRig, ...]


def vary(rng: np.random.Generator, color: Color) -> np.ndarray:
    """Return a (3,) colour close to a palette colour."""
    return np.clip(np.asarray(color) + rng.uniform(-COLOR_JITTER, COLOR_JITTER, 3), 0, 1)


def pick(rng: np.random.Generator, palette: tuple[Color, ...]) -> np.ndarray:
    """Return a (3,) colour close to one of the palette."""
    return vary(rng, palette[int(rng.integers(len(palette)))])


_TRAIN = AssetFamily(
    surface_kinds=('cloud', 'checker', 'stripes', 'speckle', 'planks', 'rings'),
    surface_colors=(
        (0.20, 0.20, 0.22), (0.45, 0.44, 0.42), (0.72, 0.71, 0.68), (0.90, 0.88, 0.84),
        (0.42, 0.30, 0.20), (0.60, 0.48, 0.34), (0.25, 0.33, 0.26), (0.35, 0.42, 0.52),
        (0.56, 0.30, 0.27), (0.80, 0.74, 0.55), (0.10, 0.12, 0.16), (0.52, 0.58, 0.50),
    ),
    lane_colors=((0.15, 0.15, 0.16), (0.36, 0.36, 0.37), (0.58, 0.57, 0.55), (0.30, 0.24, 0.20)),
    tape_colors=((0.95, 0.95, 0.93), (0.93, 0.80, 0.15), (0.15, 0.35, 0.75), (0.85, 0.20, 0.15)),
    cloth_kinds=('cloud', 'stripes', 'checker', 'speckle'),
    cloth_colors=(
        (0.10, 0.11, 0.13), (0.30, 0.31, 0.34), (0.85, 0.85, 0.83), (0.13, 0.20, 0.42),
        (0.60, 0.12, 0.14), (0.16, 0.38, 0.22), (0.75, 0.62, 0.20), (0.45, 0.28, 0.50),
        (0.38, 0.52, 0.70), (0.50, 0.38, 0.27), (0.90, 0.48, 0.20), (0.62, 0.64, 0.60),
        (0.80, 0.92, 0.20),
    ),
    skin_colors=((0.94, 0.79, 0.70), (0.80, 0.60, 0.47), (0.55, 0.38, 0.27), (0.30, 0.20, 0.14)),
    hair_colors=((0.08, 0.06, 0.05), (0.35, 0.22, 0.12), (0.80, 0.68, 0.40), (0.62, 0.62, 0.62)),
    torsos=('ellipsoid', 'capsule', 'tapered'),
    hats=('none', 'none', 'cap', 'beanie'),
    cone_colors=((0.95, 0.38, 0.08), (0.88, 0.22, 0.10), (0.98, 0.55, 0.15), (0.93, 0.78, 0.12)),
    cone_bands=((0.95, 0.95, 0.95), (0.78, 0.80, 0.82), (0.20, 0.20, 0.20)),
    cone_shapes=('square_foot', 'wide_foot', 'slim'),
    box_kinds=('cardboard', 'crate', 'planks', 'cloud'),
    box_colors=(
        (0.72, 0.54, 0.36), (0.62, 0.45, 0.28), (0.82, 0.68, 0.50), (0.50, 0.36, 0.24),
        (0.88, 0.86, 0.80), (0.42, 0.46, 0.40),
    ),
    barrel_colors=(
        (0.12, 0.28, 0.62), (0.15, 0.45, 0.25), (0.70, 0.12, 0.10), (0.92, 0.45, 0.10),
        (0.40, 0.42, 0.45), (0.16, 0.16, 0.18), (0.90, 0.75, 0.15),
    ),
    barrel_bands=((0.92, 0.92, 0.92), (0.25, 0.25, 0.27), (0.85, 0.20, 0.12), (0.60, 0.60, 0.58)),
    barrel_shapes=('ribbed_drum', 'plain_drum', 'cask'),
    sign_plates=('circle', 'triangle', 'square', 'octagon', 'diamond', 'wide'),
    sign_schemes=(
        ((0.95, 0.95, 0.95), (0.80, 0.08, 0.10), (0.08, 0.08, 0.08)),
        ((0.80, 0.06, 0.08), (0.96, 0.96, 0.96), (0.96, 0.96, 0.96)),
        ((0.08, 0.28, 0.68), (0.94, 0.94, 0.96), (0.94, 0.94, 0.96)),
        ((0.96, 0.80, 0.10), (0.10, 0.10, 0.10), (0.10, 0.10, 0.10)),
        ((0.10, 0.45, 0.25), (0.93, 0.95, 0.93), (0.93, 0.95, 0.93)),
    ),
    pictograms=('bar', 'arrow_left', 'arrow_up', 'disc', 'exclamation', 'none'),
    clutter_shapes=('ball', 'pillar', 'wedge', 'pyramid', 'slab'),
    clutter_colors=(
        (0.30, 0.55, 0.60), (0.70, 0.35, 0.55), (0.25, 0.25, 0.30), (0.80, 0.80, 0.78),
        (0.50, 0.60, 0.30), (0.65, 0.50, 0.40), (0.88, 0.50, 0.38),
    ),
    rigs=(
        LightRig(directional=True, count=(1, 1), elevation_deg=(35, 80), diffuse=(0.87, 1.45),
                 ambient=(0.38, 0.64), tints=((1.0, 1.0, 1.0), (1.0, 0.93, 0.82))),
        LightRig(directional=False, count=(2, 3), elevation_deg=(50, 85), diffuse=(1.01, 1.59),
                 ambient=(0.28, 0.51), tints=((1.0, 0.88, 0.70), (0.88, 0.94, 1.0))),
        LightRig(directional=True, count=(1, 2), elevation_deg=(12, 35), diffuse=(0.72, 1.30),
                 ambient=(0.25, 0.51), tints=((1.0, 0.76, 0.55), (0.76, 0.84, 1.0))),
        LightRig(directional=False, count=(1, 2), elevation_deg=(40, 80), diffuse=(0.51, 0.87),
                 ambient=(0.20, 0.32), tints=((0.94, 1.0, 0.88), (0.70, 0.76, 1.0))),
    ),
)  # fmt: skip

_HELD_OUT = AssetFamily(
    surface_kinds=('cells', 'bricks', 'weave', 'diagonals', 'marble'),
    surface_colors=(
        (0.28, 0.27, 0.26), (0.38, 0.38, 0.40), (0.60, 0.60, 0.62), (0.82, 0.82, 0.80),
        (0.50, 0.36, 0.26), (0.68, 0.54, 0.42), (0.32, 0.40, 0.34), (0.28, 0.34, 0.44),
        (0.48, 0.24, 0.20), (0.72, 0.66, 0.48), (0.15, 0.17, 0.20), (0.46, 0.52, 0.44),
    ),
    lane_colors=((0.22, 0.22, 0.24), (0.44, 0.44, 0.46), (0.50, 0.48, 0.45)),
    tape_colors=((0.88, 0.88, 0.90), (0.85, 0.72, 0.08), (0.22, 0.45, 0.82)),
    cloth_kinds=('weave', 'diagonals', 'marble', 'cells'),
    cloth_colors=(
        (0.16, 0.16, 0.19), (0.40, 0.40, 0.42), (0.92, 0.91, 0.88), (0.20, 0.28, 0.52),
        (0.70, 0.20, 0.20), (0.24, 0.46, 0.30), (0.83, 0.70, 0.30), (0.36, 0.22, 0.42),
        (0.48, 0.60, 0.76), (0.42, 0.31, 0.20), (0.82, 0.40, 0.28), (0.70, 0.55, 0.58),
    ),
    skin_colors=((0.88, 0.70, 0.58), (0.70, 0.50, 0.37), (0.44, 0.30, 0.21), (0.24, 0.15, 0.10)),
    hair_colors=((0.14, 0.11, 0.10), (0.48, 0.30, 0.16), (0.70, 0.58, 0.32), (0.82, 0.82, 0.80)),
    torsos=('barrel_chest', 'coat'),
    hats=('none', 'none', 'helmet', 'brim'),
    cone_colors=((0.90, 0.32, 0.14), (0.98, 0.46, 0.10), (0.82, 0.27, 0.05)),
    cone_bands=((0.88, 0.88, 0.86), (0.98, 0.98, 0.90)),
    cone_shapes=('octagon_foot', 'round_foot'),
    box_kinds=('carton', 'slats', 'marble'),
    box_colors=(
        (0.67, 0.49, 0.31), (0.77, 0.61, 0.43), (0.56, 0.40, 0.31), (0.86, 0.74, 0.58),
        (0.80, 0.80, 0.76), (0.46, 0.32, 0.18),
    ),
    barrel_colors=(
        (0.18, 0.36, 0.70), (0.22, 0.52, 0.33), (0.62, 0.18, 0.16), (0.84, 0.38, 0.06),
        (0.48, 0.50, 0.52), (0.22, 0.22, 0.25),
    ),
    barrel_bands=((0.85, 0.85, 0.83), (0.32, 0.32, 0.34), (0.96, 0.90, 0.70)),
    barrel_shapes=('hooped_drum', 'tub_drum', 'keg'),
    sign_plates=('round_rectangle', 'triangle_down', 'hexagon', 'disc', 'pentagon'),
    sign_schemes=(
        ((0.90, 0.90, 0.88), (0.72, 0.14, 0.15), (0.14, 0.14, 0.15)),
        ((0.74, 0.10, 0.13), (0.91, 0.91, 0.90), (0.91, 0.91, 0.90)),
        ((0.14, 0.34, 0.60), (0.89, 0.90, 0.92), (0.89, 0.90, 0.92)),
        ((0.90, 0.72, 0.16), (0.16, 0.15, 0.14), (0.16, 0.15, 0.14)),
    ),
    pictograms=('cross', 'chevron', 'two_bars', 'ring_dot', 'arrow_right'),
    clutter_shapes=('egg', 'column', 'roof', 'spindle'),
    clutter_colors=(
        (0.36, 0.62, 0.54), (0.62, 0.42, 0.62), (0.33, 0.31, 0.36), (0.74, 0.75, 0.72),
        (0.58, 0.54, 0.24), (0.57, 0.44, 0.48),
    ),
    rigs=(
        LightRig(directional=True, count=(1, 1), elevation_deg=(30, 75), diffuse=(0.80, 1.38),
                 ambient=(0.38, 0.57), tints=((0.97, 0.97, 1.0), (1.0, 0.96, 0.88))),
        LightRig(directional=False, count=(2, 4), elevation_deg=(45, 80), diffuse=(0.87, 1.45),
                 ambient=(0.25, 0.45), tints=((1.0, 0.82, 0.62), (0.82, 0.90, 1.0))),
        LightRig(directional=True, count=(2, 2), elevation_deg=(15, 40), diffuse=(0.65, 1.16),
                 ambient=(0.22, 0.38), tints=((1.0, 0.70, 0.48), (0.80, 0.80, 0.96))),
    ),
)  # fmt: skip

FAMILIES: dict[Assets, AssetFamily] = {Assets.TRAIN: _TRAIN, Assets.HELD_OUT: _HELD_OUT}
