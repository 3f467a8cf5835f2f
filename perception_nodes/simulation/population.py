"""Who and what lives along a marked path: standing things and people who walk across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.simulation.assembly import BUILDERS
from perception_nodes.simulation.asset_family import AssetFamily
from perception_nodes.simulation.clutter import build_clutter
from perception_nodes.simulation.course_path import CoursePath, course_lines
from perception_nodes.simulation.figures import build_person, walking
from perception_nodes.simulation.parts import Thing
from perception_nodes.simulation.vehicle import Pose2D

GAIT_FRAMES = 8
STRIDE_M = 1.3
"""Way of one full step cycle (two steps)."""
KEEP_OUT_M = 0.1
"""Free space between the lane's border and a thing."""
TRIES = 40
Rng = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Walker:
    """
    Someone who walks to and fro on a line, as a pure function of time.

    :param first_frame: index of the first gait frame in the stock.
    :param centre: middle of the line, facing along it.
    :param half_length_m: the line reaches this far both ways.
    """

    first_frame: int
    centre: Pose2D
    half_length_m: float
    speed_m_s: float
    phase_m: float

    def at(self, time_s: float) -> tuple[int, Pose2D]:
        """Return the stock index of the gait frame to show, and where."""
        way = self.phase_m + self.speed_m_s * time_s
        lap = way % (4 * self.half_length_m)
        forth = lap < 2 * self.half_length_m
        offset = lap - self.half_length_m if forth else 3 * self.half_length_m - lap
        frame = int(way / STRIDE_M * GAIT_FRAMES) % GAIT_FRAMES
        place = self.centre.moved(offset, 0.0)
        return self.first_frame + frame, place if forth else place.moved(0.0, np.pi)


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """
    The stock of a world and where its members are.

    :param things: standing things, then the gait frames of the walkers.
    :param standing: (index in the stock, pose).
    :param instance_of: (things,) uint8, number that the ground truth shows; all frames of one
        walker share one.
    """

    things: tuple[Thing, ...]
    standing: tuple[tuple[int, Pose2D], ...]
    walkers: tuple[Walker, ...]
    instance_of: np.ndarray


def populate(
    rng: Rng, family: AssetFamily, path: CoursePath, *, things: int, clutter: int, walkers: int
) -> Population:
    """
    Return things beside a path, all classes in turn, and people who cross it.

    Where no free place is found a thing is left out.
    """
    stock: list[Thing] = []
    standing: list[tuple[int, Pose2D]] = []
    taken: list[tuple[float, float, float]] = []
    lanes_xy = np.vstack([line.samples_xy for line in course_lines(path.course)])
    for number in range(things + clutter):
        build = BUILDERS[number % len(BUILDERS)] if number < things else build_clutter
        thing = build(rng, family)
        pose = _free_pose(rng, path, lanes_xy, thing, taken)
        if pose is not None:
            taken.append((pose.x_m, pose.y_m, thing.radius_m))
            standing.append((len(stock), pose))
            stock.append(thing)
    instance_of = list(range(len(stock)))
    people = []
    for number in range(walkers):
        people.append(_walker(rng, path, len(stock)))
        seed = int(rng.integers(2**31))
        for frame in range(GAIT_FRAMES):
            body = np.random.default_rng(seed)  # the same person in every frame
            stock.append(build_person(body, family, walking(frame / GAIT_FRAMES)))
        instance_of += [len(standing) + number] * GAIT_FRAMES
    return Population(
        things=tuple(stock), standing=tuple(standing), walkers=tuple(people),
        instance_of=np.array(instance_of, np.uint8),
    )  # fmt: skip


def _free_pose(
    rng: Rng,
    path: CoursePath,
    lanes_xy: np.ndarray,
    thing: Thing,
    taken: list[tuple[float, float, float]],
) -> Pose2D | None:
    """Return a place beside the lane, or further away, that nothing else uses."""
    border = path.course.lane_width_m / 2 + path.course.tape_width_m + KEEP_OUT_M
    for _ in range(TRIES):
        on_path = path.pose_at(float(rng.uniform(0, path.length_m)))
        side = float(rng.choice([-1.0, 1.0]))
        offset = side * (border + thing.radius_m + rng.exponential(0.8))
        place = on_path.moved(0.0, np.pi / 2).moved(offset, 0.0)
        distance = np.hypot(lanes_xy[:, 0] - place.x_m, lanes_xy[:, 1] - place.y_m)
        if distance.min() < border + thing.radius_m:
            continue
        if all(np.hypot(place.x_m - x, place.y_m - y) > r + thing.radius_m for x, y, r in taken):
            towards = on_path.moved(0.0, np.pi + rng.uniform(-0.7, 0.7)).yaw_rad
            return Pose2D(x_m=place.x_m, y_m=place.y_m, yaw_rad=towards)
    return None


def _walker(rng: Rng, path: CoursePath, first_frame: int) -> Walker:
    """Return someone who crosses the path somewhere."""
    crossing = path.pose_at(float(rng.uniform(0.1, 0.9)) * path.length_m)
    return Walker(
        first_frame=first_frame,
        centre=crossing.moved(0.0, np.pi / 2 + rng.uniform(-0.4, 0.4)),
        half_length_m=float(rng.uniform(1.5, 3.0)),
        speed_m_s=float(rng.uniform(0.6, 1.1)),
        phase_m=float(rng.uniform(0, 6)),
    )
