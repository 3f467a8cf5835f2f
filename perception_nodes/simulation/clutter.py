"""Clutter: solids that are none of the classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from perception_nodes.simulation.asset_family import AssetFamily, choose, pick
from perception_nodes.simulation.furniture import FURNITURE
from perception_nodes.simulation.meshes import Mesh, prism, regular_outline, revolve
from perception_nodes.simulation.parts import Part, Shape, Thing, quaternion_about
from perception_nodes.simulation.textures import paint

CLUTTER_SIDE = 48
_HUMP = np.array([[1.2, 0], [0.7, 0.35], [0, 0.5], [-0.7, 0.35], [-1.2, 0]])
Rng = np.random.Generator


def _clutter_solid(rng: Rng, shape: str, size: float, **look: object) -> Part:
    """Return the one solid that a piece of clutter is."""
    if shape in ('ball', 'egg'):
        half = (size, size, size) if shape == 'ball' else (size * 0.7, size * 0.7, size * 1.2)
        return Part(shape=Shape.ELLIPSOID, size=half, position=(0, 0, half[2]), **look)  # type: ignore[arg-type]
    if shape in ('pillar', 'column'):
        thin, tall = size * 0.35, rng.uniform(1.0, 1.8)
        solid = Shape.BOX if shape == 'pillar' else Shape.CYLINDER
        half = (thin, thin, tall) if shape == 'pillar' else (thin, tall, 0.0)
        return Part(shape=solid, size=half, position=(0, 0, tall), **look)  # type: ignore[arg-type]
    if shape == 'slab':
        half = (size * 0.25, size * rng.uniform(1.5, 3.0), size * rng.uniform(0.3, 0.6))
        return Part(shape=Shape.BOX, size=half, position=(0, 0, half[2]), **look)  # type: ignore[arg-type]
    if shape in ('shell', 'log'):
        round_ = size * rng.uniform(0.25, 0.6)
        half = (round_, size, 0.0) if shape == 'log' else (size, size * 1.5, round_)
        solid = Shape.CAPSULE if shape == 'log' else Shape.ELLIPSOID
        turn = quaternion_about(0, np.pi / 2) if shape == 'log' else (1.0, 0.0, 0.0, 0.0)
        return Part(shape=solid, size=half, position=(0, 0, round_), quaternion=turn, **look)  # type: ignore[arg-type]
    meshes = {
        'turned': lambda: _turned(rng, size),
        'splinter': lambda: _splinter(rng, size),
        'tyre': lambda: revolve(
            [(size * 0.8, 0), (size, 0.12), (size, 0.2), (size * 0.8, 0.3)], 16
        ),
        'stick': lambda: revolve([(0.03, 0), (0.025, size * rng.uniform(3, 6))], 7),
        'cup': lambda: revolve(
            [(size * 0.3, 0), (size * 0.6, size * 0.5), (size, size * 0.6)], 13
        ),
        'hourglass': lambda: revolve([(size, 0), (size * 0.3, size), (size, 2 * size)], 11),
        'hump': lambda: prism(_HUMP * size, size * rng.uniform(0.6, 2.0)),
        'pyramid': lambda: revolve([(size, 0), (size * 0.55, size * 0.5)], 3),
        'wedge': lambda: prism(np.array([[size, 0], [-size, size * 0.8], [-size, 0]]), size),
        'roof': lambda: prism(np.array([[size, 0], [0, size * 0.7], [-size, 0]]), 2 * size),
        'spindle': lambda: revolve(
            [(size * 0.5, 0), (size * 0.15, size), (size * 0.6, size * 1.6), (0.05, 2 * size)], 9
        ),
    }
    return Part(shape=Shape.MESH, mesh=meshes[shape](), **look)  # type: ignore[arg-type]


def _turned(rng: Rng, size: float) -> Mesh:
    """Return a body of revolution whose radius goes up and down: a vase, a lamp, a bollard."""
    count = int(rng.integers(4, 8))
    radius = size * rng.uniform(0.12, 0.9, count)
    z = np.linspace(0, size * rng.uniform(1.0, 4.0), count)
    return revolve(list(zip(radius.tolist(), z.tolist(), strict=True)), int(rng.integers(5, 15)))


def _splinter(rng: Rng, size: float) -> Mesh:
    """Return an irregular prism on the floor."""
    corners = int(rng.integers(3, 7))
    outline = regular_outline(corners, size) * rng.uniform(0.5, 1.2, (corners, 1))
    outline[:, 1] -= outline[:, 1].min()
    return prism(outline * (1.0, rng.uniform(0.3, 1.2)), size * rng.uniform(0.2, 1.6))


def build_clutter(rng: Rng, family: AssetFamily) -> Thing:
    """Return something that is none of the classes."""
    shape = choose(rng, family.clutter_shapes)
    colors = np.stack([pick(rng, family.clutter_colors), pick(rng, family.clutter_colors)])
    look: dict[str, Any] = {'color': colors[0], 'shine': float(rng.uniform(0, 0.7))}
    if rng.random() < 0.6:
        texture = paint(choose(rng, family.surface_kinds), rng, CLUTTER_SIDE, colors)
        look = {'color': np.ones(3), 'texture': texture, 'shine': 0.1}
    size = rng.uniform(0.12, 0.4)
    if shape in FURNITURE:
        return Thing(parts=tuple(FURNITURE[shape](rng, size, look)))
    return Thing(parts=(_clutter_solid(rng, shape, size, **look),))
