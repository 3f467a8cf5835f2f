"""People-like figures: jointed bodies with random proportions, clothes and postures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.simulation.asset_family import AssetFamily, choose, pick
from perception_nodes.simulation.belongings import build_belonging
from perception_nodes.simulation.clothes import Look, draw_cloth, dress
from perception_nodes.simulation.heads import build_head
from perception_nodes.simulation.parts import Part, Shape, Thing, limb, quaternion_about
from perception_nodes.simulation.torsos import build_torso

PERSON = 0


@dataclass(frozen=True, kw_only=True)
class Posture:
    """
    Angles of a figure in rad; forward is positive.

    :param stride: swing of the left leg (the right one swings back).
    :param arms: swing of the left and the right upper arm.
    :param lift: how far the two arms are lifted sideways.
    :param elbow: bend of both elbows.
    :param crouch: how far both thighs are lifted with the feet below the hips.
    """

    stride: float = 0.0
    arms: tuple[float, float] = (0.0, 0.0)
    lift: tuple[float, float] = (0.08, 0.08)
    elbow: float = 0.2
    crouch: float = 0.0


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


def free_posture(rng: np.random.Generator) -> Posture:
    """Return someone whose arms and legs are anywhere that joints allow, often on bent knees."""
    return Posture(
        stride=rng.uniform(-0.6, 0.6),
        arms=(rng.uniform(-0.8, 2.4), rng.uniform(-0.8, 2.4)),
        lift=(rng.uniform(0.0, 1.5), rng.uniform(0.0, 1.5)),
        elbow=rng.uniform(0.0, 1.8),
        crouch=max(0.0, rng.uniform(-0.8, 0.8)),
    )


_POSTURES = {'usual': random_posture, 'free': free_posture}


def _forward(angle: float, length: float) -> np.ndarray:
    """Return the vector of a limb that hangs down and swings forward by an angle."""
    return np.array([np.sin(angle) * length, 0.0, -np.cos(angle) * length])


def _legs(look: Look, height: float, girth: float, posture: Posture) -> tuple[list[Part], float]:
    """Return both legs with shoes, and the height of the hips above the floor."""
    thigh, shin, foot = 0.245 * height, 0.235 * height, 0.03 * height
    swings = (posture.stride, -posture.stride)
    angles = [swing + posture.crouch for swing in swings]
    bends = [max(0.0, -swing) * 0.9 + 2 * posture.crouch for swing in swings]
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


def _arm(look: Look, shoulder: np.ndarray, side: int, height: float, posture: Posture) -> list:
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


def build_person(
    rng: np.random.Generator, family: AssetFamily, posture: Posture | None = None
) -> Thing:
    """
    Return a figure 1.1 to 1.95 m high that faces x.

    :param posture: what the body does; one of the family's postures when left out.
    """
    if posture is None:
        kind = choose(rng, family.postures) if family.postures else 'usual'
        posture = _POSTURES[kind](rng)
    height = rng.uniform(1.5, 1.95) if rng.random() < 0.8 else rng.uniform(1.1, 1.5)
    girth = rng.uniform(0.85, 1.3)
    look = dress(rng, family)
    parts, hip_z = _legs(look, height, girth, posture)
    torso = choose(rng, family.torsos)
    parts += build_torso(rng, torso, look, height, girth, hip_z)
    top = hip_z + 0.30 * height
    for side in (1, -1):
        shoulder = np.array([0, side * 0.105 * height * girth, top - 0.035 * height])
        parts += _arm(look, shoulder, side, height, posture)
    hat = choose(rng, family.hats)
    parts += build_head(rng, look, hat, height, top, pick(rng, family.cloth_colors))
    if rng.random() < 0.2:
        bag = draw_cloth(rng, family)
        parts.append(Part(shape=Shape.BOX, size=(0.04 * height, 0.075 * height, 0.11 * height),
                          position=(-0.1 * height, 0, top - 0.13 * height),
                          quaternion=quaternion_about(1, 0.08), **bag))  # type: ignore[arg-type] # fmt: skip
    if family.belongings:
        belonging = choose(rng, family.belongings)
        parts += build_belonging(belonging, height, top, draw_cloth(rng, family), rng)
    return Thing(parts=tuple(parts), class_id=PERSON)
