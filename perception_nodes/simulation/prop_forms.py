"""Other forms of boxes and barrels: opened, lidded, piled up, fitted out, lying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

from perception_nodes.simulation.meshes import Mesh, prism
from perception_nodes.simulation.parts import Part, Shape, limb, quaternion_about

Rng = np.random.Generator
BoxForm = Callable[[Rng, Part], list[Part]]
"""(rng, closed cuboid on the floor) → parts."""
BarrelForm = Callable[[Rng, list[Part]], list[Part]]
"""(rng, meshes of an upright barrel on the floor) → parts."""
BOARD_M = 0.006
"""Half thickness of a flap."""


def _stretched(rng: Rng, box: Part, low: tuple, high: tuple) -> list[Part]:
    """Return a box whose edges are scaled by factors between two triples."""
    x, y, z = (float(v) for v in np.array(box.size) * rng.uniform(low, high))
    return [replace(box, size=(x, y, z), position=(0.0, 0.0, z))]


def _lidded(rng: Rng, box: Part) -> list[Part]:
    """Return a box under a lid that stands out a little."""
    x, y, z = box.size
    lid, over = z * rng.uniform(0.04, 0.15), rng.uniform(1.02, 1.12)
    cover = replace(box, size=(x * over, y * over, lid), position=(0.0, 0.0, 2 * z + lid))
    return [box, cover]


def _domed(rng: Rng, box: Part) -> list[Part]:
    """Return a chest: a box under a lid with a round back."""
    x, y, z = box.size
    angle = np.linspace(0, np.pi, 11)
    arch = np.column_stack([y * np.cos(angle), y * rng.uniform(0.3, 1.0) * np.sin(angle)])
    lid = prism(arch, 2 * x * rng.uniform(1.0, 1.04))
    return [box, replace(box, shape=Shape.MESH, mesh=lid, position=(0.0, 0.0, 2 * z))]


def _open(rng: Rng, box: Part) -> list[Part]:
    """Return a box whose flaps stand up or hang outwards above a dark inside."""
    x, y, z = box.size
    dark = np.full(3, rng.uniform(0.02, 0.15))
    inside = Part(shape=Shape.BOX, size=(0.94 * x, 0.94 * y, BOARD_M / 2),
                  position=(0.0, 0.0, 2 * z), color=dark)  # fmt: skip
    parts = [box, inside]
    axes = ((0,), (1,), (0, 1))[int(rng.integers(3))]
    for axis, side in product(axes, (1, -1)):
        reach, tilt = 0.45 * box.size[axis], side * rng.uniform(-0.5, 2.0)
        centre = [0.0, 0.0, 2 * z + reach * np.cos(tilt)]
        centre[axis] = side * box.size[axis] + reach * np.sin(tilt)
        half = (BOARD_M, y, reach) if axis == 0 else (x, BOARD_M, reach)
        turn = quaternion_about(1, tilt) if axis == 0 else quaternion_about(0, -tilt)
        where = (float(centre[0]), float(centre[1]), float(centre[2]))
        parts.append(replace(box, size=half, position=where, quaternion=turn))
    return parts


def _piled(rng: Rng, box: Part) -> list[Part]:
    """Return three boxes upon one another, turned and shaded on their own."""
    parts, top = [box], 2 * box.size[2]
    for _ in range(2):
        x, y, z = (float(v) for v in np.array(parts[-1].size) * rng.uniform(0.6, 1.0, 3))
        parts.append(
            replace(box, size=(x, y, z), position=(0.0, 0.0, top + z),
                    quaternion=quaternion_about(2, rng.uniform(-0.5, 0.5)),
                    color=rng.uniform(0.6, 1.0, 3))
        )  # fmt: skip
        top += 2 * z
    return parts


BOX_FORMS: dict[str, BoxForm] = {
    'long': lambda rng, box: _stretched(rng, box, (0.9, 1.4, 0.5), (1.1, 1.9, 0.75)),
    'flat': lambda rng, box: _stretched(rng, box, (1.3, 1.4, 0.5), (1.6, 1.8, 0.65)),
    'tall': lambda rng, box: _stretched(rng, box, (0.7, 0.7, 1.3), (0.9, 0.9, 1.8)),
    'lidded': _lidded,
    'domed': _domed,
    'open': _open,
    'piled': _piled,
}
"""Forms beside the plain one, which is a cuboid or two."""


def _outline(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return the radii of upright meshes and their heights, rising; without the axis."""
    points = np.vstack([part.mesh.vertices for part in parts if part.mesh is not None])
    radius, z = np.hypot(points[:, 0], points[:, 1]), points[:, 2]
    order = np.lexsort((radius, z))
    order = order[radius[order] > 0]
    return radius[order], z[order]


def _bunged(rng: Rng, parts: list[Part]) -> list[Part]:
    """Return the barrel with one or two bungs on its top."""
    radii, z = _outline(parts)
    radius, height = float(radii[-1]), float(z[-1])
    turn, away = rng.uniform(-np.pi, np.pi), radius * rng.uniform(0.3, 0.6)
    bungs = [
        Part(shape=Shape.CYLINDER, color=np.full(3, rng.uniform(0.1, 0.8)),
             size=(radius * rng.uniform(0.08, 0.16), radius * rng.uniform(0.03, 0.1), 0.0),
             position=(side * away * np.cos(turn), side * away * np.sin(turn), height))
        for side in (1, -1)[: int(rng.integers(1, 3))]
    ]  # fmt: skip
    return [*parts, *bungs]


def _handled(rng: Rng, parts: list[Part]) -> list[Part]:
    """Return the barrel with a handle on either side."""
    radii, levels = _outline(parts)
    z = float(levels[-1]) * rng.uniform(0.5, 0.9)
    radius = float(np.interp(z, levels, radii))
    half = radius * rng.uniform(0.15, 0.35)
    thick, color = radius * rng.uniform(0.05, 0.1), parts[0].color * rng.uniform(0.3, 1.0)
    return [*parts, *(
        limb([-half, side * radius, z], [half, side * radius, z], thick, color=color)
        for side in (1, -1)
    )]  # fmt: skip


def _capped(rng: Rng, parts: list[Part]) -> list[Part]:
    """Return the barrel under a lid of its own colour, domed or with a knob."""
    radii, z = _outline(parts)
    radius, height = float(radii[-1]), float(z[-1])
    wide, tall = radius * rng.uniform(0.75, 1.1), radius * rng.uniform(0.08, 0.4)
    color = parts[0].color * rng.uniform(0.4, 1.0)
    lid = Part(shape=Shape.ELLIPSOID, size=(wide, wide, tall), position=(0, 0, height),
               color=color)  # fmt: skip
    if rng.random() < 0.5:
        return [*parts, lid]
    knob = Part(shape=Shape.SPHERE, size=(radius * rng.uniform(0.08, 0.2), 0, 0),
                position=(0, 0, height + tall), color=color)  # fmt: skip
    return [*parts, lid, knob]


def _lying(rng: Rng, parts: list[Part]) -> list[Part]:
    """Return the barrel on its side, along x or y."""
    radii, levels = _outline(parts)
    radius, height = float(radii.max()), float(levels[-1])
    along_y = rng.random() < 0.5
    lying = []
    for part in parts:
        if part.mesh is None:
            continue
        x, y, z = part.mesh.vertices.T
        axis = z - height / 2
        corners = np.column_stack([y, axis, x] if along_y else [axis, y, -x])
        mesh = Mesh(corners, part.mesh.faces)
        lying.append(replace(part, mesh=mesh, position=(0.0, 0.0, radius)))
    return lying


BARREL_FORMS: dict[str, BarrelForm] = {
    'bunged': _bunged,
    'handled': _handled,
    'capped': _capped,
    'lying': _lying,
}
"""Forms beside the plain one, which stands."""
