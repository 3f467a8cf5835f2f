"""Signs on posts: a plate with a rim and a pictogram."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perception_nodes.simulation.asset_family import AssetFamily, choose, pick, vary
from perception_nodes.simulation.meshes import prism, revolve
from perception_nodes.simulation.parts import Part, Shape, Thing
from perception_nodes.simulation.plates import PICTOGRAMS, PLATES
from perception_nodes.simulation.textures import paint

SIGN = 4
LAYER_M = 0.004
FOOT_M = 0.06
FIELD_SIDE = 48
Rng = np.random.Generator


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


def _mount(
    rng: Rng, kind: str, post: float, top: float, radius: float, color: np.ndarray
) -> list[Part]:
    """
    Return what holds the plate.

    :param post: radius of the usual post.
    :param top: height of its end.
    :param radius: of the plate.
    """
    if kind == 'post':
        return [Part(shape=Shape.CYLINDER, size=(post, top / 2, 0), color=color,
                     position=(-post - LAYER_M, 0, top / 2), shine=0.4)]  # fmt: skip
    if kind == 'two_posts':
        apart = radius * rng.uniform(0.3, 0.8)
        return [Part(shape=Shape.CYLINDER, size=(post * 0.7, top / 2, 0), color=color,
                     position=(-post - LAYER_M, y, top / 2), shine=0.4)
                for y in (-apart, apart)]  # fmt: skip
    if kind == 'foot':
        low = revolve([(radius * rng.uniform(0.4, 0.8), 0), (radius * 0.4, FOOT_M)], 12)
        return [Part(shape=Shape.MESH, mesh=low, color=color, shine=0.2)]
    wide = post * rng.uniform(0.6, 2.5)  # 'beam'
    return [Part(shape=Shape.BOX, size=(post, wide, top / 2), color=color,
                 position=(-post - LAYER_M, 0, top / 2), shine=0.1)]  # fmt: skip


def _finished(
    rng: Rng, family: AssetFamily, finish: str, layers: list[Part], colors: tuple[np.ndarray, ...]
) -> list[Part]:
    """Return the back, the rim and the field of a plate in another finish."""
    back, rim, field = layers
    if finish == 'rimless':
        return [back, replace(rim, color=field.color), field]
    if finish == 'textured':
        kind = choose(rng, family.surface_kinds)
        shades = np.stack([colors[0], np.clip(colors[0] * rng.uniform(0.5, 1.5), 0, 1)])
        if rng.random() < 0.3:
            shades[1] = colors[1]
        texture = paint(kind, rng, FIELD_SIDE, shades)
        return [back, rim, replace(field, color=np.ones(3), texture=texture)]
    return layers  # 'rimmed'


def _second_plate(rng: Rng, family: AssetFamily, radius: float, centre: float) -> list[Part]:
    """Return a smaller plate below the first one, as far as the post reaches."""
    size = min(radius * rng.uniform(0.4, 0.8), (centre - radius) / 2)
    scheme = family.sign_schemes[int(rng.integers(len(family.sign_schemes)))]
    plate = PLATES[choose(rng, family.sign_plates)](rng, size)
    middle = centre - radius - size * rng.uniform(0.9, 1.2)
    field, rim, _ = (vary(rng, color) for color in scheme)
    return _layer(plate, 0, rim, middle, True) + _layer(plate * 0.85, 1, field, middle, True)


def build_sign(rng: Rng, family: AssetFamily) -> Thing:
    """Return a sign 0.3 to 2.2 m high whose plate faces x."""
    radius = rng.uniform(0.16, 0.38)
    centre = radius * rng.uniform(1.6, 4.2) + 0.15
    plate = PLATES[choose(rng, family.sign_plates)](rng, radius)
    mount = choose(rng, family.sign_mounts) if family.sign_mounts else 'post'
    if mount == 'foot':
        centre = FOOT_M - float(plate[:, 1].min())
    scheme = family.sign_schemes[int(rng.integers(len(family.sign_schemes)))]
    field, rim, ink = (vary(rng, color) for color in scheme)
    both = rng.random() < 0.3
    back = np.full(3, rng.uniform(0.4, 0.75))
    parts = _layer(plate * 1.002, 0, back, centre, True)
    parts += _layer(plate, 0, rim, centre, both)
    parts += _layer(plate * rng.uniform(0.78, 0.9), 1, field, centre, both)
    if family.sign_finishes:
        finish = choose(rng, family.sign_finishes)
        parts = _finished(rng, family, finish, parts, (field, rim))
    symbol = choose(rng, family.pictograms)
    for outline in PICTOGRAMS[symbol](rng):
        parts += _layer(outline * radius * rng.uniform(0.62, 0.7), 2, ink, centre, both)
    post = radius * rng.uniform(0.07, 0.14)
    top = centre + radius * rng.uniform(0.0, 0.7)
    gray = np.full(3, rng.uniform(0.25, 0.75))
    parts += _mount(rng, mount, post, top, radius, gray)
    one_post = family.sign_mounts and mount in ('post', 'beam')
    if one_post and centre > 2 * radius and rng.random() < 0.3:
        parts += _second_plate(rng, family, radius, centre)
    if rng.random() < 0.4:
        foot = revolve([(radius * 0.7, 0), (radius * 0.6, 0.04)], 10)
        parts.append(Part(shape=Shape.MESH, mesh=foot, color=pick(rng, family.clutter_colors)))
    return Thing(parts=tuple(parts), class_id=SIGN)
