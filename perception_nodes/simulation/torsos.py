"""Trunks of figures, from the hips to the shoulders."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.clothes import Look
from perception_nodes.simulation.meshes import revolve
from perception_nodes.simulation.parts import Part, Shape, limb


def _robe(rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return a profile of its own, with a hem anywhere between the hips and the shins."""
    hem = rng.uniform(-1.1, -0.05)
    waist, chest = rng.uniform(0.7, 1.0), rng.uniform(0.85, 1.1)
    flare = waist + rng.uniform(0.0, 0.7) * -hem
    return [(flare, hem), (waist, rng.uniform(0.1, 0.4)), (chest, rng.uniform(0.65, 0.85)),
            (rng.uniform(0.7, 0.9), 0.97), (0.35, 1.05)]  # fmt: skip


def _turned(rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return a trunk of its own: any waist, any shoulders."""
    levels = np.sort(rng.uniform(0.05, 0.8, 3))
    radii = rng.uniform(0.65, 1.15, 3)
    hem = (float(rng.uniform(0.6, 1.2)), float(rng.uniform(-0.3, -0.05)))
    middle = [(float(r), float(z)) for r, z in zip(radii, levels, strict=True)]
    return [
        hem,
        *middle,
        (float(rng.uniform(0.7, 1.1)), 0.9),
        (float(rng.uniform(0.3, 0.5)), 1.05),
    ]


def build_torso(
    rng: np.random.Generator, kind: str, look: Look, height: float, girth: float, hip_z: float
) -> list[Part]:
    """Return the trunk from the hips to the shoulders."""
    top = hip_z + 0.30 * height
    middle = (0.0, 0.0, (hip_z + top) / 2)
    wide, deep, tall = 0.105 * height * girth, 0.068 * height * girth, (top - hip_z) / 2
    style: dict = look.top
    if kind == 'ellipsoid':
        hips = Part(shape=Shape.ELLIPSOID, size=(deep, wide * 0.85, tall * 0.45),
                    position=(0, 0, hip_z), **look.legs)  # type: ignore[arg-type] # fmt: skip
        trunk = Part(
            shape=Shape.ELLIPSOID, size=(deep, wide, tall * 1.2), position=middle, **style
        )
        return [hips, trunk]
    if kind == 'capsule':
        spine = [limb([0, y, hip_z], [0, 1.35 * y, top - deep * 0.6], deep * 0.9, **style)
                 for y in (-wide * 0.42, wide * 0.42)]  # fmt: skip
        shoulders = limb(
            [0, -wide, top - deep * 0.4], [0, wide, top - deep * 0.4], deep * 0.6, **style
        )
        return [*spine, shoulders]
    if kind == 'boxy':
        half = (deep * rng.uniform(0.7, 1.1), wide * rng.uniform(0.8, 1.05), tall * 1.05)
        hips = Part(shape=Shape.BOX, size=(deep * 0.8, wide * 0.8, tall * 0.4),
                    position=(0, 0, hip_z), **look.legs)  # type: ignore[arg-type] # fmt: skip
        return [hips, Part(shape=Shape.BOX, size=half, position=middle, **style)]
    if kind == 'padded':
        return [
            Part(shape=Shape.ELLIPSOID, position=(0, 0, hip_z + part * 2 * tall), **style,
                 size=(deep * rng.uniform(1.0, 1.5), wide * rng.uniform(0.85, 1.2), tall * 0.42))
            for part in (0.0, 0.3, 0.6, 0.85)
        ]  # fmt: skip
    if kind in ('robe', 'turned'):
        outline = _robe(rng) if kind == 'robe' else _turned(rng)
        mesh = revolve([(wide * r, 2 * tall * z) for r, z in outline], 14)
        mesh.vertices[:, 0] *= rng.uniform(0.6, 0.8)
        return [Part(shape=Shape.MESH, mesh=mesh, position=(0, 0, hip_z), **style)]
    profiles = {
        'vest': [(0.70, -0.02), (0.78, 0.30), (0.98, 0.70), (1.0, 0.90), (0.5, 1.03)],
        'pear': [(1.10, -0.16), (1.02, 0.15), (0.82, 0.60), (0.90, 0.90), (0.35, 1.05)],
        'tunic': [(1.05, -0.38), (0.86, 0.10), (0.90, 0.55), (1.0, 0.85), (0.38, 1.05)],
        'skirt': [(1.5, -0.85), (0.85, 0.05), (0.72, 0.35), (0.95, 0.82), (0.38, 1.04)],
        'tapered': [(0.80, -0.10), (0.72, 0.35), (1.0, 0.80), (0.85, 0.97), (0.35, 1.05)],
        'barrel_chest': [(0.85, -0.12), (0.92, 0.30), (1.06, 0.65), (0.75, 0.98), (0.30, 1.06)],
        'coat': [(1.18, -0.70), (0.95, 0.0), (0.80, 0.35), (1.0, 0.82), (0.40, 1.04)],
    }
    profile = [(wide * r, 2 * tall * z) for r, z in profiles[kind]]
    mesh = revolve(profile, 14)
    mesh.vertices[:, 0] *= 0.68
    return [Part(shape=Shape.MESH, mesh=mesh, position=(0, 0, hip_z), **style)]
