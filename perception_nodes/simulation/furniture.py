"""Clutter of several parts that has something of a box, of a barrel or of the post of a sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perception_nodes.simulation.meshes import revolve
from perception_nodes.simulation.parts import Part, Shape

Rng = np.random.Generator
Furniture = Callable[[Rng, float, dict[str, Any]], list[Part]]
"""(rng, size in metres, colour and texture as keyword arguments of parts) → parts."""


def _board(
    half: tuple[float, float, float], x: float, y: float, z: float, look: dict[str, Any]
) -> Part:
    """Return a cuboid of half lengths with its centre at a place."""
    return Part(shape=Shape.BOX, size=half, position=(x, y, z), **look)


def _table(rng: Rng, size: float, look: dict[str, Any]) -> list[Part]:
    """Return a top on four legs: a table, a bench, a stool."""
    x, y, high = size * rng.uniform(0.6, 1.2), size * rng.uniform(0.8, 2.5), rng.uniform(0.3, 0.8)
    thin = rng.uniform(0.015, 0.04)
    legs = [
        _board((thin, thin, high / 2), a * (x - thin), b * (y - thin), high / 2, look)
        for a in (-1, 1) for b in (-1, 1)
    ]  # fmt: skip
    return [_board((x, y, 0.02), 0.0, 0.0, high, look), *legs]


def _shelf(rng: Rng, size: float, look: dict[str, Any]) -> list[Part]:
    """Return open boards between two sides."""
    deep, wide, high = size * 0.6, size * rng.uniform(1.0, 2.0), rng.uniform(0.6, 1.8)
    sides = [_board((deep, 0.02, high / 2), 0.0, side * wide, high / 2, look) for side in (-1, 1)]
    levels = np.linspace(0.05, high - 0.02, int(rng.integers(2, 6)))
    return sides + [_board((deep, wide, 0.015), 0.0, 0.0, float(z), look) for z in levels]


def _stanchion(rng: Rng, size: float, look: dict[str, Any]) -> list[Part]:
    """Return a thin upright on a foot, with something small on top or not."""
    high, thin = rng.uniform(0.5, 1.9), rng.uniform(0.012, 0.05)
    foot = revolve([(size * 0.7, 0), (size * 0.5, 0.05)], int(rng.integers(4, 12)))
    parts = [
        Part(shape=Shape.MESH, mesh=foot, **look),
        Part(shape=Shape.CYLINDER, size=(thin, high / 2, 0), position=(0, 0, high / 2), **look),
    ]
    if rng.random() < 0.5:
        ball = thin * rng.uniform(1.5, 3.0)
        parts.append(Part(shape=Shape.SPHERE, size=(ball, 0, 0), position=(0, 0, high), **look))
    return parts


def _based_pillar(rng: Rng, size: float, look: dict[str, Any]) -> list[Part]:
    """Return a pillar, square or round, upon a base and under a head."""
    thin, high = size * rng.uniform(0.25, 0.6), rng.uniform(0.4, 1.8)
    sides = int(rng.choice([4, 6, 8, 18]))
    taper, low = rng.uniform(0.6, 1.0), rng.uniform(0.04, 0.2)
    levels = [
        [(thin * rng.uniform(1.15, 1.9), 0), (thin * rng.uniform(1.1, 1.6), low)],
        [(thin, low), (thin * taper, high)],
        [(thin * rng.uniform(1.1, 1.6), high), (thin * rng.uniform(0.6, 1.7), high + low)],
    ]
    return [
        Part(shape=Shape.MESH, mesh=revolve(level, sides, square=True), **look)
        for level in levels[: int(rng.integers(2, 4))]
    ]


def _low_wall(rng: Rng, size: float, look: dict[str, Any]) -> list[Part]:
    """Return a low wall, longer than any box, under a coping or between two end posts."""
    deep, wide = size * rng.uniform(0.2, 0.5), rng.uniform(0.9, 1.4)
    half, over = rng.uniform(0.1, 0.4), rng.uniform(1.05, 1.4)
    wall = _board((deep, wide, half), 0.0, 0.0, half, look)
    if rng.random() < 0.5:
        cap = half * rng.uniform(0.05, 0.2)
        return [wall, _board((deep * over, wide * 1.02, cap), 0.0, 0.0, 2 * half + cap, look)]
    tall = half * rng.uniform(1.0, 1.5)
    ends = (deep * over, deep * over, tall)
    return [wall, *(_board(ends, 0.0, side * wide, tall, look) for side in (-1, 1))]


def _railing(rng: Rng, size: float, look: dict[str, Any]) -> list[Part]:
    """Return two to four uprights with one to three rails between them."""
    wide, half = size * rng.uniform(1.5, 4.0), rng.uniform(0.25, 0.6)
    thin = rng.uniform(0.012, 0.04)
    places = np.linspace(-wide, wide, int(rng.integers(2, 5)))
    parts = [_board((thin, thin, half), 0.0, float(y), half, look) for y in places]
    for z in 2 * half * rng.uniform(0.3, 1.0, int(rng.integers(1, 4))):
        rail = thin * rng.uniform(0.4, 2.5)
        parts.append(_board((thin * 0.7, wide, rail), 0.0, 0.0, float(z) - rail, look))
    return parts


FURNITURE: dict[str, Furniture] = {
    'table': _table,
    'shelf': _shelf,
    'stanchion': _stanchion,
    'based_pillar': _based_pillar,
    'low_wall': _low_wall,
    'railing': _railing,
}
