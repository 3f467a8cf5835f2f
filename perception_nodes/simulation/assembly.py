"""Stocks, surfaces and lights of a family, put together at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perception_nodes.simulation.asset_family import AssetFamily, LightRig, choose, pick, vary
from perception_nodes.simulation.clutter import build_clutter
from perception_nodes.simulation.construction import StageDesign, Surface
from perception_nodes.simulation.course import Course, Segment
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.figures import build_person
from perception_nodes.simulation.parts import Thing
from perception_nodes.simulation.props import build_barrel, build_box, build_cone
from perception_nodes.simulation.signs import build_sign
from perception_nodes.simulation.stage import Light, Lighting
from perception_nodes.simulation.textures import paint, paint_sky
from perception_nodes.simulation.vehicle import Pose2D

Rng = np.random.Generator
FLOOR_SIDE, LANE_SIDE, WALL_SIDE, SKY_SIDE = 256, 128, 128, 64
STOCK = (5, 5, 5, 5, 6)
"""How many things of each class a stage holds."""
CLUTTER_STOCK = 8
LAMP_DISTANCE_M = 5.0

BUILDERS: tuple[Callable[[Rng, AssetFamily], Thing], ...] = (
    build_person,
    build_cone,
    build_box,
    build_barrel,
    build_sign,
)
"""Builder per class id."""
TIGHT_LENGTH_M = 8.0
"""Least length of a path with tight bends."""


def random_surface(rng: Rng, family: AssetFamily, side: int, *, lane: bool = False) -> Surface:
    """Return a texture of the family for floor, wall or lane."""
    palette = family.lane_colors if lane else family.surface_colors
    colors = np.stack([pick(rng, palette), pick(rng, palette)])
    if rng.random() < 0.6:
        colors[1] = np.clip(colors[0] * rng.uniform(0.7, 1.35), 0, 1)
    kind = choose(rng, family.surface_kinds)
    return Surface(
        picture=paint(kind, rng, side, colors), repeats_1_m=float(rng.uniform(0.15, 0.9))
    )


def _wide_segment(rng: Rng) -> Segment:
    """Return a straight or a bend of 1.5 to 6 m radius."""
    bend = 0.0 if rng.random() < 0.35 else float(rng.choice([-1, 1]) / rng.uniform(1.5, 6))
    return Segment(length_m=float(rng.uniform(2, 5)), curvature_1_m=bend)


def _tight_segment(rng: Rng) -> Segment:
    """Return a straight, or a bend of 0.45 to 1.5 m radius and 45 to 190 degrees."""
    if rng.random() < 0.35:
        return Segment(length_m=float(rng.uniform(0.4, 2.0)), curvature_1_m=0.0)
    radius_m = float(np.exp(rng.uniform(np.log(0.45), np.log(1.5))))
    angle_rad = np.radians(rng.uniform(45, 190))
    return Segment(
        length_m=float(radius_m * angle_rad), curvature_1_m=float(rng.choice([-1, 1])) / radius_m
    )


def random_path(rng: Rng, *, tight: bool = False) -> CoursePath:
    """
    Return a short lane that passes near the origin.

    :param tight: bends like those of a classroom's course instead of a corridor's.
    """
    segments: list[Segment] = []
    if tight:
        while sum(segment.length_m for segment in segments) < TIGHT_LENGTH_M:
            segments.append(_tight_segment(rng))
    else:
        segments = [_wide_segment(rng) for _ in range(int(rng.integers(2, 5)))]
    yaw = float(rng.uniform(-np.pi, np.pi))
    x, y = rng.normal(0, 0.4, 2) - 2.5 * np.array([np.cos(yaw), np.sin(yaw)])
    course = Course(
        name='random',
        segments=tuple(segments),
        lane_width_m=float(rng.uniform(0.35, 0.9)),
        tape_width_m=float(rng.uniform(0.03, 0.08)),
        start=Pose2D(x_m=float(x), y_m=float(y), yaw_rad=yaw),
    )
    return CoursePath(course)


def random_stock(rng: Rng, family: AssetFamily) -> tuple[Thing, ...]:
    """Return things of all classes and some clutter."""
    things = [
        build(rng, family)
        for build, count in zip(BUILDERS, STOCK, strict=True)
        for _ in range(count)
    ]
    return (*things, *(build_clutter(rng, family) for _ in range(CLUTTER_STOCK)))


def compose_design(
    rng: Rng,
    family: AssetFamily,
    path: CoursePath | None = None,
    things: tuple[Thing, ...] | None = None,
) -> StageDesign:
    """
    Return a stage of the family.

    :param path: the marked path; a random one (or none) when left out.
    :param things: the stock; a random one when left out.
    """
    if path is None and rng.random() < 0.75:
        path = random_path(rng)
    things = random_stock(rng, family) if things is None else things
    tape = pick(rng, family.tape_colors)
    return StageDesign(
        things=things,
        floor=random_surface(rng, family, FLOOR_SIDE),
        walls=random_surface(rng, family, WALL_SIDE),
        lane=random_surface(rng, family, LANE_SIDE, lane=True),
        sky=random_sky(rng, family),
        room_half_m=float(rng.uniform(4, 16)),
        room_height_m=float(rng.uniform(2.4, 6.0)),
        path=path,
        tape_colors=np.stack(
            [tape, tape if rng.random() < 0.7 else pick(rng, family.tape_colors)]
        ),
    )


def random_sky(rng: Rng, family: AssetFamily) -> np.ndarray:
    """Return the faces of a sky: pale above, darker near the horizon or the other way round."""
    colors = np.stack([pick(rng, family.surface_colors), pick(rng, family.surface_colors)])
    pale = np.clip(colors * 0.4 + (0.45, 0.5, 0.58), 0, 1)
    if rng.random() < 0.25:
        pale *= rng.uniform(0.15, 0.6)
    return paint_sky(rng, SKY_SIDE, pale.astype(np.float32), bool(rng.random() < 0.6))


def random_lights(rng: Rng, family: AssetFamily) -> Lighting:
    """Return the lights of one scene; less than half of the scenes have shadows."""
    rig = family.rigs[int(rng.integers(len(family.rigs)))]
    count = int(rng.integers(rig.count[0], rig.count[1] + 1))
    shares = rng.dirichlet(np.full(count, 3.0)) * rng.uniform(*rig.diffuse)
    ambient = vary(rng, rig.tints[0]) * rng.uniform(*rig.ambient)
    shadow = rng.random() < 0.4
    brightest = int(np.argmax(shares))
    return Lighting(
        lights=tuple(
            _light(rng, rig, float(share), shadow and index == brightest)
            for index, share in enumerate(shares)
        ),
        ambient=(float(ambient[0]), float(ambient[1]), float(ambient[2])),
    )


def _light(rng: Rng, rig: LightRig, share: float, shadow: bool) -> Light:
    """Return one light of a rig."""
    azimuth = rng.uniform(-np.pi, np.pi)
    height = np.radians(rng.uniform(*rig.elevation_deg))
    towards = np.array(
        [np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)]
    )
    tint = vary(rng, rig.tints[int(rng.integers(len(rig.tints)))])
    place = towards * LAMP_DISTANCE_M * rng.uniform(0.8, 1.8)
    return Light(
        directional=rig.directional,
        position=(float(place[0]), float(place[1]), float(place[2])),
        direction=(float(-towards[0]), float(-towards[1]), float(-towards[2])),
        diffuse=tuple(float(v) for v in tint * share),  # type: ignore[arg-type]
        specular=float(rng.uniform(0.0, 0.4)),
        shadow=bool(shadow),
    )
