"""People-like figures: jointed bodies with random proportions, clothes and postures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.simulation.asset_family import AssetFamily, choose, pick
from perception_nodes.simulation.meshes import revolve
from perception_nodes.simulation.parts import Part, Shape, Thing, limb, quaternion_about
from perception_nodes.simulation.textures import paint

CLOTH_SIDE = 48
PERSON = 0


@dataclass(frozen=True, kw_only=True)
class Posture:
    """
    Angles of a figure in rad; forward is positive.

    :param stride: swing of the left leg (the right one swings back).
    :param arms: swing of the left and the right upper arm.
    :param lift: how far the two arms are lifted sideways.
    :param elbow: bend of both elbows.
    """

    stride: float = 0.0
    arms: tuple[float, float] = (0.0, 0.0)
    lift: tuple[float, float] = (0.08, 0.08)
    elbow: float = 0.2


def walking(phase: float, swing: float = 0.45) -> Posture:
    """Return the posture of a walker at a phase in 0..1 of its step cycle."""
    stride = swing * np.sin(2 * np.pi * phase)
    return Posture(stride=stride, arms=(-0.8 * stride, 0.8 * stride), elbow=0.35)


def random_posture(rng: np.random.Generator) -> Posture:
    """Return someone standing, walking, or gesturing."""
    kind = rng.random()
    if kind < 0.45:
        return walking(rng.random(), rng.uniform(0.25, 0.6))
    if kind < 0.75:
        return Posture(stride=rng.uniform(-0.1, 0.1), lift=(rng.uniform(0.03, 0.2),) * 2)
    return Posture(
        stride=rng.uniform(-0.15, 0.15),
        arms=(rng.uniform(-0.4, 1.6), rng.uniform(-0.4, 0.4)),
        lift=(rng.uniform(0.0, 1.9), rng.uniform(0.0, 0.4)),
        elbow=rng.uniform(0.0, 1.2),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Look:
    """Colours and textures of one figure: keyword arguments of parts."""

    skin: dict[str, object]
    hair: dict[str, object]
    top: dict[str, object]
    sleeve: dict[str, object]
    legs: dict[str, object]
    shoes: dict[str, object]


def _cloth(rng: np.random.Generator, family: AssetFamily) -> dict[str, object]:
    """Return a plain or patterned cloth."""
    if rng.random() < 0.45:
        return {'color': pick(rng, family.cloth_colors), 'shine': 0.1}
    kind = choose(rng, family.cloth_kinds)
    colors = np.stack([pick(rng, family.cloth_colors), pick(rng, family.cloth_colors)])
    if rng.random() < 0.5:
        colors[1] = np.clip(colors[0] * rng.uniform(0.6, 1.5), 0, 1)
    return {'color': np.ones(3), 'texture': paint(kind, rng, CLOTH_SIDE, colors), 'shine': 0.1}


def _look(rng: np.random.Generator, family: AssetFamily) -> _Look:
    """Dress a figure."""
    skin: dict[str, object] = {'color': pick(rng, family.skin_colors)}
    top = _cloth(rng, family)
    legs = _cloth(rng, family)
    return _Look(
        skin=skin,
        hair={'color': pick(rng, family.hair_colors)},
        top=top,
        sleeve=top if rng.random() < 0.75 else skin,
        legs=legs if rng.random() < 0.9 else skin,
        shoes={'color': pick(rng, family.cloth_colors) * 0.6},
    )


def _forward(angle: float, length: float) -> np.ndarray:
    """Return the vector of a limb that hangs down and swings forward by an angle."""
    return np.array([np.sin(angle) * length, 0.0, -np.cos(angle) * length])


def _legs(look: _Look, height: float, girth: float, posture: Posture) -> tuple[list[Part], float]:
    """Return both legs with shoes, and the height of the hips above the floor."""
    thigh, shin, foot = 0.245 * height, 0.235 * height, 0.03 * height
    angles = (posture.stride, -posture.stride)
    bends = [max(0.0, -angle) * 0.9 for angle in angles]
    reach = [thigh * np.cos(a) + shin * np.cos(a - b) for a, b in zip(angles, bends, strict=True)]
    hip_z = max(reach) + foot
    parts = []
    for side, angle, bend in zip((1, -1), angles, bends, strict=True):
        hip = np.array([0.0, side * 0.055 * height * girth, hip_z])
        knee = hip + _forward(angle, thigh)
        ankle = knee + _forward(angle - bend, shin)
        parts.append(limb(hip, knee, 0.045 * height * girth, **look.legs))
        parts.append(limb(knee, ankle, 0.033 * height * girth, **look.legs))
        toe = ankle + np.array([0.085 * height, 0, -0.004 * height])
        parts.append(limb(ankle, toe, foot * 0.95, **look.shoes))
    return parts, hip_z


def _arm(look: _Look, shoulder: np.ndarray, side: int, height: float, posture: Posture) -> list:
    """Return one arm with its hand."""
    index = 0 if side > 0 else 1
    swing, lift = posture.arms[index], posture.lift[index]
    upper = _forward(swing, 0.165 * height)
    outward = np.array([0, side * np.sin(lift), 0]) * 0.165 * height
    elbow = shoulder + upper * np.cos(lift) + outward
    fore = _forward(swing + posture.elbow, 0.145 * height) * np.cos(lift)
    wrist = elbow + fore + np.array([0, side * np.sin(lift), 0]) * 0.145 * height
    hand = Part(
        shape=Shape.SPHERE,
        size=(0.026 * height, 0, 0),
        position=(float(wrist[0]), float(wrist[1]), float(wrist[2])),
        **look.skin,  # type: ignore[arg-type]
    )
    return [
        limb(shoulder, elbow, 0.028 * height, **look.sleeve),
        limb(elbow, wrist, 0.023 * height, **look.sleeve),
        hand,
    ]


def _robe(rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return a profile of its own, with a hem anywhere between the hips and the shins."""
    hem = rng.uniform(-1.1, -0.05)
    waist, chest = rng.uniform(0.7, 1.0), rng.uniform(0.85, 1.1)
    flare = waist + rng.uniform(0.0, 0.7) * -hem
    return [(flare, hem), (waist, rng.uniform(0.1, 0.4)), (chest, rng.uniform(0.65, 0.85)),
            (rng.uniform(0.7, 0.9), 0.97), (0.35, 1.05)]  # fmt: skip


def _torso(
    rng: np.random.Generator, kind: str, look: _Look, height: float, girth: float, hip_z: float
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
    if kind == 'robe':
        mesh = revolve([(wide * r, 2 * tall * z) for r, z in _robe(rng)], 14)
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


_BRIMS = {
    'cap': (1.0, 0.7), 'bowler': (1.45, 1.4), 'visor': (1.25, 0.9), 'sunhat': (2.0, 1.95),
    'helmet': (1.3, 1.05), 'brim': (1.75, 1.6),
}  # fmt: skip
"""Half length and half width of a hat's brim in head radii."""
_KNOBS = {'beanie': (0.3, 0.2, 1.5), 'bun': (0.45, 1.1, 0.9), 'tall': (0.75, 0.2, 1.3),
          'ponytail': (0.5, 1.2, -0.2), 'beret': (0.6, 0.5, 1.0)}  # fmt: skip
"""Radius, and place behind and above the head's centre, of a ball on the head in head radii."""


def _head(
    look: _Look, hat: str, height: float, neck_z: float, hat_color: np.ndarray
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
    crown: dict = {'color': hat_color} if hat != 'none' else look.hair
    parts.append(
        Part(shape=Shape.ELLIPSOID, size=(radius * 1.02, radius * 0.92, radius * 0.95),
             position=(x - 0.22 * radius, 0, z + 0.48 * radius), **crown)
    )  # fmt: skip
    if hat in _KNOBS:
        size, back, up = (radius * value for value in _KNOBS[hat])
        parts.append(
            Part(shape=Shape.SPHERE, size=(size, 0, 0), position=(x - back, 0, z + up), **crown)
        )
    if hat in _BRIMS:
        reach = _BRIMS[hat]
        shift = 0.8 * radius if hat in ('cap', 'visor') else 0.0
        parts.append(
            Part(shape=Shape.ELLIPSOID, size=(radius * reach[0], radius * reach[1], radius * 0.14),
                 position=(x + shift - 0.1 * radius, 0, z + 0.55 * radius), **crown)
        )  # fmt: skip
    return parts


def build_person(
    rng: np.random.Generator, family: AssetFamily, posture: Posture | None = None
) -> Thing:
    """
    Return a figure 1.1 to 1.95 m high that faces x.

    :param posture: what the body does; random when left out.
    """
    posture = random_posture(rng) if posture is None else posture
    height = rng.uniform(1.5, 1.95) if rng.random() < 0.8 else rng.uniform(1.1, 1.5)
    girth = rng.uniform(0.85, 1.3)
    look = _look(rng, family)
    parts, hip_z = _legs(look, height, girth, posture)
    torso = choose(rng, family.torsos)
    parts += _torso(rng, torso, look, height, girth, hip_z)
    top = hip_z + 0.30 * height
    for side in (1, -1):
        shoulder = np.array([0, side * 0.105 * height * girth, top - 0.035 * height])
        parts += _arm(look, shoulder, side, height, posture)
    hat = choose(rng, family.hats)
    parts += _head(look, hat, height, top, pick(rng, family.cloth_colors))
    if rng.random() < 0.2:
        bag = _cloth(rng, family)
        parts.append(Part(shape=Shape.BOX, size=(0.04 * height, 0.075 * height, 0.11 * height),
                          position=(-0.1 * height, 0, top - 0.13 * height),
                          quaternion=quaternion_about(1, 0.08), **bag))  # type: ignore[arg-type] # fmt: skip
    return Thing(parts=tuple(parts), class_id=PERSON)
