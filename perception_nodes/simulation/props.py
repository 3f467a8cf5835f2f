"""Cones, boxes and barrels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perception_nodes.simulation.asset_family import AssetFamily, choose, pick
from perception_nodes.simulation.meshes import Mesh, revolve
from perception_nodes.simulation.parts import Part, Shape, Thing, quaternion_about
from perception_nodes.simulation.prop_forms import BARREL_FORMS, BOX_FORMS
from perception_nodes.simulation.textures import paint

TRAFFIC_CONE, BOX, BARREL = 1, 2, 3
BOX_SIDE = 64
Rng = np.random.Generator


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


@dataclass(frozen=True, kw_only=True)
class _ConeForm:
    """
    Proportions of a kind of cone.

    :param slope: radius of the body's base as a part of the height.
    :param corners: of the foot.
    :param foot: radius of the foot as a part of the body's.
    :param bend: half-way up, the body is wider than straight sides by this part.
    :param collar: height of an upright ring at the base as a part of the height.
    """

    slope: float = 0.21
    corners: int = 4
    foot: float = 1.15
    bend: float = 0.0
    collar: float = 0.0


_CONE_FORMS = {
    'square_foot': _ConeForm(slope=0.19),
    'wide_foot': _ConeForm(slope=0.25, foot=1.35),
    'slim': _ConeForm(slope=0.14),
    'hexagon_foot': _ConeForm(slope=0.22, corners=6, foot=1.3),
    'bell': _ConeForm(slope=0.24, bend=-0.22, foot=1.25),
    'bulged': _ConeForm(slope=0.2, bend=0.2),
    'collared': _ConeForm(slope=0.18, corners=5, foot=1.4, collar=0.08),
    'footless': _ConeForm(slope=0.24, corners=20, foot=1.02),
    'flared': _ConeForm(slope=0.2, corners=12, foot=1.3, bend=-0.12),
    'stubby': _ConeForm(slope=0.3, corners=10, foot=1.2, bend=0.1),
    'octagon_foot': _ConeForm(corners=8, foot=1.35),
    'round_foot': _ConeForm(corners=18),
}


def build_cone(rng: Rng, family: AssetFamily) -> Thing:
    """Return a traffic cone 0.28 to 0.9 m high with a foot and light bands."""
    form = _CONE_FORMS[choose(rng, family.cone_shapes)]
    height = rng.uniform(0.28, 0.9)
    base = height * form.slope * rng.uniform(0.92, 1.08)
    foot = base * form.foot
    if form.corners == 4:
        foot *= np.sqrt(2)
    thick = height * rng.uniform(0.035, 0.06)
    colors = (pick(rng, family.cone_colors), pick(rng, family.cone_bands))
    foot_color = colors[0] if rng.random() < 0.6 else np.full(3, rng.uniform(0.05, 0.2))
    sole = revolve([(foot, 0.0), (foot * 0.96, thick)], form.corners, square=True)
    tip = base * rng.uniform(0.12, 0.25)
    body = [(base, thick), (tip, height)]
    if form.bend:
        body.insert(1, ((base + tip) / 2 * (1 + form.bend), (thick + height) / 2))
    if form.collar:
        body.insert(1, (base, thick + form.collar * height))
    bands = int(rng.choice([1, 2, 2, 3]))
    width = height * rng.uniform(0.10, 0.2) / (1 if bands == 1 else 1.4)
    starts = height * (rng.uniform(0.3, 0.45) + np.arange(bands) * 0.24)
    cuts = [(float(z), float(z + width)) for z in starts if z + width < height * 0.95]
    parts = [_mesh_part(sole, foot_color, 0.2), *_banded(body, cuts, colors, 18, 0.3)]
    return Thing(parts=tuple(parts), class_id=TRAFFIC_CONE)


def build_box(rng: Rng, family: AssetFamily) -> Thing:
    """Return a packing box or crate, or some on one another; a plain one has edges to 0.9 m."""
    parts: list[Part] = []
    z = 0.0
    edge = rng.uniform(0.18, 0.75)
    for level in range(2 if rng.random() < 0.2 else 1):
        half = edge / 2 * rng.uniform(0.6, 1.2, 3) * (1.0 if level == 0 else 0.75)
        kind = choose(rng, family.box_kinds)
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
    if family.box_forms:
        form = choose(rng, family.box_forms)
        parts = BOX_FORMS[form](rng, parts[0]) if form in BOX_FORMS else parts
    return Thing(parts=tuple(parts), class_id=BOX)


def _turned_drum(rng: Rng, freedom: float = 1.0) -> list[tuple[float, float]]:
    """
    Return a profile of its own: tapered, bulged, with ribs or grooves, or none.

    :param freedom: 1 stays close to a drum, 2 is twice as far away.
    """
    z = np.linspace(0, 1, 9)
    taper, bulge = freedom * rng.uniform(-0.14, 0.14), freedom * rng.uniform(-0.08, 0.2)
    radius = 1 + taper * (z - 0.5) + bulge * z * (1 - z) * 4
    rim = rng.uniform(0.0, 0.06)
    profile = [*zip(radius, z, strict=True), (radius[-1] * (1 - rim), 1 + 0.3 * rim)]
    count = int(rng.integers(0, 4 if freedom == 1.0 else 7))
    half, depth = rng.uniform(0.012, 0.03), rng.uniform(-0.06, 0.06)
    for centre in (np.arange(count) + rng.uniform(0.4, 0.6)) / max(count, 1):
        around = float(np.interp(centre, z, radius))
        profile = [p for p in profile if abs(p[1] - centre) > half]
        profile += [(around, centre - half), (around + depth, centre), (around, centre + half)]
    widest = max(r for r, _ in profile)
    top = max(level for _, level in profile)
    return [(float(r / widest), float(h / top)) for r, h in sorted(profile, key=lambda p: p[1])]


_BARREL_PROFILES: dict[str, list[tuple[float, float]]] = {
    'plain_drum': [(1.0, 0.0), (1.0, 0.97), (0.94, 1.0)],
    'ribbed_drum': [(1, 0), (0.97, 0.02), (0.97, 0.31), (1.03, 0.33), (0.97, 0.35), (0.97, 0.64),
                    (1.03, 0.66), (0.97, 0.68), (0.97, 0.97), (1.0, 1.0)],
    'cask': [(0.82, 0.0), (0.95, 0.22), (1.0, 0.5), (0.95, 0.78), (0.82, 1.0)],
    'waisted': [(1.0, 0.0), (0.97, 0.15), (0.88, 0.5), (0.97, 0.85), (1.0, 1.0)],
    'churn': [(0.95, 0.0), (1.0, 0.1), (1.0, 0.66), (0.72, 0.84), (0.74, 1.0)],
    'stepped': [(1.0, 0.0), (1.0, 0.3), (0.94, 0.32), (0.94, 0.64), (0.88, 0.66), (0.88, 1.0)],
    'hooped_drum': [(1.02, 0), (1.02, 0.04), (0.96, 0.05), (0.96, 0.47), (1.02, 0.48),
                    (1.02, 0.52), (0.96, 0.53), (0.96, 0.95), (1.02, 0.96), (1.02, 1.0)],
    'tub_drum': [(1.06, 0.0), (1.0, 0.08), (0.9, 0.85), (0.78, 1.0)],
    'keg': [(0.86, 0.0), (0.88, 0.12), (1.0, 0.2), (1.0, 0.8), (0.88, 0.88), (0.86, 1.0)],
}  # fmt: skip


def build_barrel(rng: Rng, family: AssetFamily) -> Thing:
    """Return a drum, cask or keg 0.45 to 1.05 m long with one to three bands, or none."""
    height = rng.uniform(0.45, 1.05)
    radius = height * rng.uniform(0.29, 0.38)
    shape = choose(rng, family.barrel_shapes)
    freedom = {'turned': 1.0, 'turned_freely': 2.5}.get(shape)
    outline = _BARREL_PROFILES[shape] if freedom is None else _turned_drum(rng, freedom)
    profile = [(radius * r, height * z) for r, z in outline]
    colors = (pick(rng, family.barrel_colors), pick(rng, family.barrel_bands))
    bands = int(rng.choice([0, 1, 2, 2, 3]))
    width = height * rng.uniform(0.05, 0.13)
    centres = height * np.linspace(0, 1, bands + 2)[1:-1]
    cuts = [(float(z - width / 2), float(z + width / 2)) for z in centres]
    parts = _banded(profile, cuts, colors, 20, float(rng.uniform(0.1, 0.6)))
    if rng.random() < 0.4:
        lid = revolve([(radius * 0.9, height), (radius * 0.85, height * 1.015)], 20)
        parts.append(_mesh_part(lid, colors[0] * 0.6, 0.2))
    if family.barrel_forms:
        form = choose(rng, family.barrel_forms)
        parts = BARREL_FORMS[form](rng, parts) if form in BARREL_FORMS else parts
    return Thing(parts=tuple(parts), class_id=BARREL)
