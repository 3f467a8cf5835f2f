"""Signs on posts: a plate with a rim and a pictogram."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.families import AssetFamily, pick, vary
from perception_nodes.simulation.meshes import prism, rectangle_outline, regular_outline, revolve
from perception_nodes.simulation.parts import Part, Shape, Thing

SIGN = 4
LAYER_M = 0.004
Rng = np.random.Generator

PLATES = {
    'circle': lambda r: regular_outline(22, r),
    'triangle': lambda r: regular_outline(3, r * 1.15),
    'square': lambda r: rectangle_outline(1.7 * r, 1.7 * r),
    'octagon': lambda r: regular_outline(8, r, np.pi / 8),
    'diamond': lambda r: regular_outline(4, r * 1.1),
    'wide': lambda r: rectangle_outline(2.4 * r, 1.2 * r),
    'round_rectangle': lambda r: rectangle_outline(1.5 * r, 1.95 * r, 0.16),
    'triangle_down': lambda r: regular_outline(3, r * 1.12, np.pi),
    'hexagon': lambda r: regular_outline(6, r * 1.03),
    'disc': lambda r: regular_outline(17, r * 0.97),
    'pentagon': lambda r: regular_outline(5, r * 1.06),
}


def _bar(width: float, height: float, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """Return a rectangle away from the centre of the plate."""
    return rectangle_outline(width, height) + np.array([y, z])


def _arrow(turn_rad: float) -> list[np.ndarray]:
    """Return shaft and head of an arrow; turn 0 points up, positive to the viewer's right."""
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    turn = np.array([[c, s], [-s, c]])
    head = np.array([[0.35, 0.05], [0.0, 0.55], [-0.35, 0.05]])
    return [_bar(0.2, 0.65, 0, -0.22) @ turn, head @ turn]


PICTOGRAMS = {
    'none': lambda: [],
    'bar': lambda: [_bar(1.15, 0.3)],
    'arrow_left': lambda: _arrow(-np.pi / 2),
    'arrow_up': lambda: _arrow(0.0),
    'arrow_right': lambda: _arrow(np.pi / 2),
    'disc': lambda: [regular_outline(14, 0.4)],
    'exclamation': lambda: [_bar(0.2, 0.55, 0, 0.15), _bar(0.2, 0.17, 0, -0.33)],
    'cross': lambda: [_bar(0.22, 0.95), _bar(0.95, 0.22)],
    'chevron': lambda: [_bar(0.22, 0.6, -0.25) @ np.array([[0.8, -0.6], [0.6, 0.8]]),
                        _bar(0.22, 0.6, 0.25) @ np.array([[0.8, 0.6], [-0.6, 0.8]])],
    'two_bars': lambda: [_bar(0.9, 0.2, 0, 0.22), _bar(0.9, 0.2, 0, -0.22)],
    'ring_dot': lambda: [regular_outline(12, 0.2), _bar(0.8, 0.12, 0, 0.42),
                         _bar(0.8, 0.12, 0, -0.42)],
}  # fmt: skip


def _layer(
    outline: np.ndarray, depth: int, color: np.ndarray, centre_z: float, both: bool
) -> list:
    """Return a thin plate in front of the sign (and behind it): the higher, the further out."""
    thickness = 2 * LAYER_M * (depth + 1)
    mesh = prism(outline, thickness)
    shift = 0.0 if both else LAYER_M
    return [
        Part(shape=Shape.MESH, mesh=mesh, color=color, position=(shift, 0, centre_z), shine=0.3)
    ]


def build_sign(rng: Rng, family: AssetFamily) -> Thing:
    """Return a sign 0.5 to 2.2 m high whose plate faces x."""
    radius = rng.uniform(0.16, 0.38)
    centre = radius * rng.uniform(1.6, 4.2) + 0.15
    plate = PLATES[family.sign_plates[int(rng.integers(len(family.sign_plates)))]](radius)
    scheme = family.sign_schemes[int(rng.integers(len(family.sign_schemes)))]
    field, rim, ink = (vary(rng, color) for color in scheme)
    both = rng.random() < 0.3
    back = np.full(3, rng.uniform(0.4, 0.75))
    parts = _layer(plate * 1.002, 0, back, centre, True)
    parts += _layer(plate, 0, rim, centre, both)
    parts += _layer(plate * rng.uniform(0.78, 0.9), 1, field, centre, both)
    symbol = family.pictograms[int(rng.integers(len(family.pictograms)))]
    for outline in PICTOGRAMS[symbol]():
        parts += _layer(outline * radius * rng.uniform(0.62, 0.7), 2, ink, centre, both)
    post = radius * rng.uniform(0.07, 0.14)
    top = centre + radius * rng.uniform(0.0, 0.7)
    gray = np.full(3, rng.uniform(0.25, 0.75))
    parts.append(Part(shape=Shape.CYLINDER, size=(post, top / 2, 0), color=gray,
                      position=(-post - LAYER_M, 0, top / 2), shine=0.4))  # fmt: skip
    if rng.random() < 0.4:
        foot = revolve([(radius * 0.7, 0), (radius * 0.6, 0.04)], 10)
        parts.append(Part(shape=Shape.MESH, mesh=foot, color=pick(rng, family.clutter_colors)))
    return Thing(parts=tuple(parts), class_id=SIGN)
