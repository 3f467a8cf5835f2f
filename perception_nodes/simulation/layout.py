"""Where things stand in a randomised scene: at wanted sizes, partly in front of one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perception_nodes.simulation.camera import PinholeCamera
from perception_nodes.simulation.parts import Thing

NEAREST_M = 0.7
TRIES = 12
CLEARANCE = 0.8
"""How close things may stand, as a share of the sum of their radii."""


class LayoutRules(Protocol):
    """The part of the randomisation that a layout needs."""

    @property
    def things(self) -> tuple[int, int]:
        """Fewest and most things."""

    @property
    def clutter(self) -> tuple[int, int]:
        """Fewest and most pieces of clutter."""

    @property
    def height_px(self) -> tuple[float, float]:
        """Range of heights in pixels."""

    @property
    def overlap(self) -> float:
        """Chance of a place in line with another thing."""

    @property
    def farthest_m(self) -> float:
        """Largest distance from the camera."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """
    One thing on the floor.

    :param number: index in the stock.
    """

    number: int
    x_m: float
    y_m: float
    yaw_rad: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Layout:
    """
    A scene without its looks.

    :param world_from_optical: (4, 4) camera pose.
    :param indoors: whether the stage's walls stand.
    """

    items: tuple[Placement, ...]
    world_from_optical: np.ndarray
    indoors: bool


@dataclass
class _Spot:
    """A place in polar coordinates as seen from the camera's foot."""

    bearing_rad: float
    distance_m: float
    radius_m: float

    @property
    def xy(self) -> np.ndarray:
        """(2,) metres from the camera's foot."""
        return self.distance_m * np.array([np.cos(self.bearing_rad), np.sin(self.bearing_rad)])

    def collides(self, others: list[_Spot]) -> bool:
        """Whether it stands in one of the others."""
        return any(
            np.hypot(*(self.xy - other.xy)) < CLEARANCE * (self.radius_m + other.radius_m)
            for other in others
        )


def random_layout(
    rng: np.random.Generator,
    rules: LayoutRules,
    stock: tuple[Thing, ...],
    camera: PinholeCamera,
    world_from_optical: np.ndarray,
    room_half_m: float,
) -> Layout:
    """
    Return a scene in front of a camera.

    :param stock: things to choose from; none is used twice.
    :param world_from_optical: (4, 4) camera pose.
    """
    classes = np.array([-1 if thing.class_id is None else thing.class_id for thing in stock])
    indoors = bool(rng.random() < 0.6)
    foot = world_from_optical[:2, 3]
    farthest = rules.farthest_m
    if indoors:
        farthest = min(farthest, room_half_m * 0.9 - float(np.hypot(*foot)))
    chosen = [*_choose(rng, rules.things, classes), *_choose_clutter(rng, rules.clutter, classes)]
    forward = world_from_optical[:3, 2]
    heading = float(np.arctan2(forward[1], forward[0]))
    spots: list[_Spot] = []
    items = []
    for number in chosen:
        spot = _find_spot(rng, rules, stock[number], camera, spots, heading, farthest)
        if spot is None:
            continue
        spots.append(spot)
        x, y = spot.xy
        yaw = rng.uniform(-np.pi, np.pi)
        if classes[number] == 4:
            yaw = np.arctan2(-y, -x) + rng.uniform(-1.0, 1.0)
        place = Placement(
            number=number, x_m=float(foot[0] + x), y_m=float(foot[1] + y), yaw_rad=float(yaw)
        )
        items.append(place)
    return Layout(items=tuple(items), world_from_optical=world_from_optical, indoors=indoors)


def _choose(rng: np.random.Generator, count: tuple[int, int], classes: np.ndarray) -> list[int]:
    """Return numbers of things, classes equally likely."""
    wanted = int(rng.integers(count[0], count[1] + 1))
    pools = {int(c): list(rng.permutation(np.flatnonzero(classes == c))) for c in range(5)}
    chosen: list[int] = []
    while len(chosen) < wanted and any(pools.values()):
        pool = pools[int(rng.integers(5))]
        if pool:
            chosen.append(int(pool.pop()))
    return chosen


def _choose_clutter(
    rng: np.random.Generator, count: tuple[int, int], classes: np.ndarray
) -> list[int]:
    """Return numbers of pieces of clutter."""
    wanted = int(rng.integers(count[0], count[1] + 1))
    return [int(n) for n in rng.permutation(np.flatnonzero(classes < 0))[:wanted]]


def _find_spot(
    rng: np.random.Generator,
    rules: LayoutRules,
    thing: Thing,
    camera: PinholeCamera,
    spots: list[_Spot],
    heading: float,
    farthest: float,
) -> _Spot | None:
    """Return a free place where the thing is as large as wanted, or ``None``."""
    half_view = np.arctan(camera.size_wh[0] / 2 / camera.fx)
    for _ in range(TRIES):
        wanted_px = np.exp(rng.uniform(*np.log(rules.height_px)))
        distance = camera.fy * thing.height_m / wanted_px * rng.uniform(0.9, 1.1)
        bearing = heading + rng.uniform(-1.05, 1.05) * half_view
        if spots and rng.random() < rules.overlap:
            front = spots[int(rng.integers(len(spots)))]
            gap = 1.05 * CLEARANCE * (front.radius_m + thing.radius_m)
            distance = front.distance_m + gap * rng.uniform(1.0, 2.5) * rng.choice([-1, 1])
            spread = (front.radius_m + 0.3 * thing.radius_m) / max(front.distance_m, NEAREST_M)
            bearing = front.bearing_rad + rng.uniform(-1, 1) * spread
        nearest = max(NEAREST_M, thing.radius_m + 0.3)
        if not nearest <= distance <= farthest:
            low = max(nearest, 1.2)  # a long railing stands further off than the rest
            distance = np.exp(rng.uniform(np.log(low), np.log(max(farthest, 1.3, low))))
        spot = _Spot(float(bearing), float(distance), thing.radius_m)
        if not spot.collides(spots):
            return spot
    return None
