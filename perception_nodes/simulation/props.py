"""Cones, boxes and barrels, and the clutter that is none of the classes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from perception_nodes.simulation.families import AssetFamily, pick
from perception_nodes.simulation.meshes import Mesh, prism, revolve
from perception_nodes.simulation.parts import Part, Shape, Thing, quaternion_about
from perception_nodes.simulation.textures import paint

TRAFFIC_CONE, BOX, BARREL = 1, 2, 3
BOX_SIDE = 64
CLUTTER_SIDE = 48
Rng = np.random.Generator


def _choice(rng: Rng, names: tuple[str, ...]) -> str:
    """Return one of the names."""
    return names[int(rng.integers(len(names)))]


def _mesh_part(mesh: Mesh, color: np.ndarray, shine: float, **more: object) -> Part:
    """Return a mesh of one colour."""
    return Part(shape=Shape.MESH, mesh=mesh, color=color, shine=shine, **more)  # type: ignore[arg-type]


def _radius_at(profile: list[tuple[float, float]], z: float) -> float:
    """Return the radius of a profile at a height."""
    return float(np.interp(z, [p[1] for p in profile], [p[0] for p in profile]))


def _banded(
    profile: list[tuple[float, float]],
    cuts: list[tuple[float, float]],
    colors: tuple[np.ndarray, np.ndarray],
    sides: int,
    shine: float,
) -> list[Part]:
    """
    Split a body of revolution into rings of two colours.

    :param cuts: (from, to) heights of the bands in the second colour, rising.
    """
    bottom, top = profile[0][1], profile[-1][1]
    edges = sorted({bottom, top, *(z for cut in cuts for z in cut if bottom < z < top)})
    parts = []
    for low, high in pairwise(edges):
        inner = [p for p in profile if low < p[1] < high]
        slice_ = [(_radius_at(profile, low), low), *inner, (_radius_at(profile, high), high)]
        middle = (low + high) / 2
        is_band = any(a <= middle <= b for a, b in cuts)
        parts.append(_mesh_part(revolve(slice_, sides), colors[int(is_band)], shine))
    return parts


def build_cone(rng: Rng, family: AssetFamily) -> Thing:
    """Return a traffic cone 0.28 to 0.9 m high with a foot and light bands."""
    shape = _choice(rng, family.cone_shapes)
    height = rng.uniform(0.28, 0.9)
    slope = {'square_foot': 0.19, 'wide_foot': 0.25, 'slim': 0.14}.get(shape, 0.21)
    base = height * slope * rng.uniform(0.92, 1.08)
    foot_corners = {'octagon_foot': 8, 'round_foot': 18}.get(shape, 4)
    foot = base * (1.35 if shape in ('wide_foot', 'octagon_foot') else 1.15)
    if foot_corners == 4:
        foot *= np.sqrt(2)
    thick = height * rng.uniform(0.035, 0.06)
    colors = (pick(rng, family.cone_colors), pick(rng, family.cone_bands))
    foot_color = colors[0] if rng.random() < 0.6 else np.full(3, rng.uniform(0.05, 0.2))
    sole = revolve([(foot, 0.0), (foot * 0.96, thick)], foot_corners, square=True)
    body = [(base, thick), (base * rng.uniform(0.12, 0.25), height)]
    bands = int(rng.choice([1, 2, 2, 3]))
    width = height * rng.uniform(0.10, 0.2) / (1 if bands == 1 else 1.4)
    starts = height * (rng.uniform(0.3, 0.45) + np.arange(bands) * 0.24)
    cuts = [(float(z), float(z + width)) for z in starts if z + width < height * 0.95]
    parts = [_mesh_part(sole, foot_color, 0.2), *_banded(body, cuts, colors, 18, 0.3)]
    return Thing(parts=tuple(parts), class_id=TRAFFIC_CONE)


def build_box(rng: Rng, family: AssetFamily) -> Thing:
    """Return a packing box or crate with edges of 0.18 to 0.9 m, sometimes two on one another."""
    parts: list[Part] = []
    z = 0.0
    edge = rng.uniform(0.18, 0.75)
    for level in range(2 if rng.random() < 0.2 else 1):
        half = edge / 2 * rng.uniform(0.6, 1.2, 3) * (1.0 if level == 0 else 0.75)
        kind = _choice(rng, family.box_kinds)
        base = pick(rng, family.box_colors)
        colors = np.stack([base, np.clip(base * rng.uniform(0.65, 0.9), 0, 1)])
        parts.append(
            Part(
                shape=Shape.BOX,
                size=(float(half[0]), float(half[1]), float(half[2])),
                position=(0.0, 0.0, z + float(half[2])),
                quaternion=quaternion_about(2, rng.uniform(-0.3, 0.3) if level else 0.0),
                color=np.ones(3),
                texture=paint(kind, rng, BOX_SIDE, colors),
                shine=0.1,
            )
        )
        z += 2 * float(half[2])
    return Thing(parts=tuple(parts), class_id=BOX)


_BARREL_PROFILES: dict[str, list[tuple[float, float]]] = {
    'plain_drum': [(1.0, 0.0), (1.0, 0.97), (0.94, 1.0)],
    'ribbed_drum': [(1, 0), (0.97, 0.02), (0.97, 0.31), (1.03, 0.33), (0.97, 0.35), (0.97, 0.64),
                    (1.03, 0.66), (0.97, 0.68), (0.97, 0.97), (1.0, 1.0)],
    'cask': [(0.82, 0.0), (0.95, 0.22), (1.0, 0.5), (0.95, 0.78), (0.82, 1.0)],
    'hooped_drum': [(1.02, 0), (1.02, 0.04), (0.96, 0.05), (0.96, 0.47), (1.02, 0.48),
                    (1.02, 0.52), (0.96, 0.53), (0.96, 0.95), (1.02, 0.96), (1.02, 1.0)],
    'tub_drum': [(1.06, 0.0), (1.0, 0.08), (0.9, 0.85), (0.78, 1.0)],
    'keg': [(0.86, 0.0), (0.88, 0.12), (1.0, 0.2), (1.0, 0.8), (0.88, 0.88), (0.86, 1.0)],
}  # fmt: skip


def build_barrel(rng: Rng, family: AssetFamily) -> Thing:
    """Return a drum, cask or keg 0.45 to 1.05 m high with one to three bands, or none."""
    height = rng.uniform(0.45, 1.05)
    radius = height * rng.uniform(0.29, 0.38)
    shape = _choice(rng, family.barrel_shapes)
    profile = [(radius * r, height * z) for r, z in _BARREL_PROFILES[shape]]
    colors = (pick(rng, family.barrel_colors), pick(rng, family.barrel_bands))
    bands = int(rng.choice([0, 1, 2, 2, 3]))
    width = height * rng.uniform(0.05, 0.13)
    centres = height * np.linspace(0, 1, bands + 2)[1:-1]
    cuts = [(float(z - width / 2), float(z + width / 2)) for z in centres]
    parts = _banded(profile, cuts, colors, 20, float(rng.uniform(0.1, 0.6)))
    if rng.random() < 0.4:
        lid = revolve([(radius * 0.9, height), (radius * 0.85, height * 1.015)], 20)
        parts.append(_mesh_part(lid, colors[0] * 0.6, 0.2))
    return Thing(parts=tuple(parts), class_id=BARREL)


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
    meshes = {
        'pyramid': lambda: revolve([(size, 0), (size * 0.55, size * 0.5)], 3),
        'wedge': lambda: prism(np.array([[size, 0], [-size, size * 0.8], [-size, 0]]), size),
        'roof': lambda: prism(np.array([[size, 0], [0, size * 0.7], [-size, 0]]), 2 * size),
        'spindle': lambda: revolve(
            [(size * 0.5, 0), (size * 0.15, size), (size * 0.6, size * 1.6), (0.05, 2 * size)], 9
        ),
    }
    return Part(shape=Shape.MESH, mesh=meshes[shape](), **look)  # type: ignore[arg-type]


def build_clutter(rng: Rng, family: AssetFamily) -> Thing:
    """Return something that is none of the classes."""
    shape = _choice(rng, family.clutter_shapes)
    colors = np.stack([pick(rng, family.clutter_colors), pick(rng, family.clutter_colors)])
    look: dict[str, object] = {'color': colors[0], 'shine': float(rng.uniform(0, 0.7))}
    if rng.random() < 0.6:
        texture = paint(_choice(rng, family.surface_kinds), rng, CLUTTER_SIDE, colors)
        look = {'color': np.ones(3), 'texture': texture, 'shine': 0.1}
    return Thing(parts=(_clutter_solid(rng, shape, rng.uniform(0.12, 0.4), **look),))
