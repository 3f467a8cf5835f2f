"""What a family of assets is made of, and how a draw from it is taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Color = tuple[float, float, float]
COLOR_JITTER = 0.015
"""Largest random change of a palette colour per channel; palettes lie further apart than twice."""


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
    """
    What a family draws from; colours are RGB in 0..1, kinds are keys of the builders.

    All entries of a field are equally likely; one that is listed twice is drawn twice as often.
    What the fields with defaults name goes beyond the plain forms; empty, there are only those.
    """

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
    postures: tuple[str, ...] = ()
    belongings: tuple[str, ...] = ()
    sign_mounts: tuple[str, ...] = ()
    sign_finishes: tuple[str, ...] = ()
    box_forms: tuple[str, ...] = ()
    barrel_forms: tuple[str, ...] = ()


def vary(rng: np.random.Generator, color: Color) -> np.ndarray:
    """Return a (3,) colour close to a palette colour."""
    return np.clip(np.asarray(color) + rng.uniform(-COLOR_JITTER, COLOR_JITTER, 3), 0, 1)


def pick(rng: np.random.Generator, palette: tuple[Color, ...]) -> np.ndarray:
    """Return a (3,) colour close to one of the palette."""
    return vary(rng, palette[int(rng.integers(len(palette)))])


def choose(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    """Return one of the names, all equally likely."""
    return names[int(rng.integers(len(names)))]
