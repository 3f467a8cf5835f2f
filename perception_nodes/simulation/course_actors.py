"""The things of a course file, and figures that step in when the robot comes near."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perception_nodes.simulation.assembly import BUILDERS
from perception_nodes.simulation.course import THING_KINDS, StepIn
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.families import AssetFamily
from perception_nodes.simulation.figures import build_person, walking
from perception_nodes.simulation.population import GAIT_FRAMES, STRIDE_M, Population
from perception_nodes.simulation.vehicle import Pose2D

Rng = np.random.Generator


class SteppingFigure:
    """
    Someone who waits beside the path, steps onto it, stays, and walks on to the other side.

    :param first_frame: index of the first gait frame in the stock.
    """

    def __init__(self, plan: StepIn, path: CoursePath, first_frame: int) -> None:
        self.plan = plan
        self._path = path
        self._first_frame = first_frame
        self._started_ns: int | None = None

    @property
    def has_started(self) -> bool:
        """Whether the robot has come near enough."""
        return self._started_ns is not None

    def notice(self, robot_s_m: float, time_ns: int) -> None:
        """Start walking when the robot is near; later calls change nothing."""
        before_m = self.plan.at_m - robot_s_m
        if self._path.course.closed:
            before_m %= self._path.length_m
        if self._started_ns is None and 0 <= before_m <= self.plan.when_within_m:
            self._started_ns = time_ns

    def is_in_the_way(self, time_ns: int) -> bool:
        """Whether it is on the lane, or about to be."""
        if self._started_ns is None:
            return False
        _, pose = self.at(time_ns)
        _, left_m = self._path.project(pose.x_m, pose.y_m, self.plan.at_m)
        there = self._path.course.lane_width_m / 2 + self._path.course.tape_width_m
        return abs(left_m) < there or left_m * self.plan.from_m > 0

    def at(self, time_ns: int) -> tuple[int, Pose2D]:
        """Return the stock index of the gait frame to show, and where."""
        plan = self.plan
        walked_s = 0.0 if self._started_ns is None else (time_ns - self._started_ns) * 1e-9
        first_s = abs(plan.to_m - plan.from_m) / plan.speed_m_s
        walked_s = min(walked_s, max(first_s, walked_s - plan.stays_s))
        way_m = walked_s * plan.speed_m_s
        side = float(np.sign(plan.to_m - plan.from_m))
        total_m = max(abs(2 * plan.from_m), abs(plan.to_m - plan.from_m))
        offset_m = plan.from_m + side * min(way_m, total_m)
        frame = int(min(way_m, total_m) / STRIDE_M * GAIT_FRAMES) % GAIT_FRAMES
        pose = self._path.place_at(plan.at_m, offset_m, side * np.pi / 2)
        return self._first_frame + frame, pose


def add_course_actors(
    rng: Rng,
    family: AssetFamily,
    path: CoursePath,
    population: Population,
    *,
    figures: bool = True,
) -> tuple[Population, tuple[SteppingFigure, ...]]:
    """
    Return the population with what the course file names, and the figures that step in.

    :param figures: False leaves them out.
    """
    stock, standing = list(population.things), list(population.standing)
    instances = population.instance_of.tolist()
    number = max(instances, default=-1) + 1
    for thing in path.course.things:
        standing.append(
            (len(stock), path.place_at(thing.at_m, thing.offset_m, np.radians(thing.yaw_deg)))
        )
        stock.append(BUILDERS[THING_KINDS.index(thing.kind)](rng, family))
        instances.append(number)
        number += 1
    stepping = []
    for plan in path.course.obstacles if figures else ():
        stepping.append(SteppingFigure(plan, path, len(stock)))
        seed = int(rng.integers(2**31))
        for frame in range(GAIT_FRAMES):
            body = np.random.default_rng(seed)  # the same person in every frame
            stock.append(build_person(body, family, walking(frame / GAIT_FRAMES)))
        instances += [number] * GAIT_FRAMES
        number += 1
    changed = replace(
        population, things=tuple(stock), standing=tuple(standing),
        instance_of=np.array(instances, np.uint8),
    )  # fmt: skip
    return changed, tuple(stepping)
