"""Watches an episode: where the robot is, whether it left the lane, touched or stood."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.episodes.contact import outline_of, overlap
from perception_nodes.simulation.episodes.result import Stop, Trace
from perception_nodes.simulation.travelled_way import TravelledWay
from perception_nodes.simulation.world import SimulatedWorld

STANDING_M_S = 0.02
MOVING_M_S = 0.05
SHORTEST_STOP_S = 0.3
REACH_M = 2.0
"""Things further away than this cannot be touched."""


class Referee:
    """
    Counts departures and contacts, and keeps the trace; call :meth:`observe` after every step.

    :ivar departures: how often a wheel went beyond the inner edge of a tape.
    :ivar contacts: how often something was touched while moving.
    :ivar moved_at_s: steady time of the first motion.
    """

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._way = TravelledWay(world.path, 0.0)
        self._outside = self._touching = False
        self._rows: list[tuple[float, ...]] = []
        self._status: list[str] = []
        self._standing_since_s: float | None = None
        self._watched_s = self._excused_s = 0.0
        self._had_excuse = False
        self._stops: list[Stop] = []
        self.departures = self.contacts = 0
        self.moved_at_s: float | None = None

    @property
    def travelled_m(self) -> float:
        """How far the robot has come along the route."""
        return self._way.travelled_m

    def observe(
        self,
        steady_ns: int,
        command: tuple[float, float],
        status: str,
        excuse: bool,
        *,
        paused: bool = False,
    ) -> None:
        """
        Look at the world.

        :param excuse: standing still now is not the follower's fault.
        :param paused: simulated time stands still, and the robot with it.
        """
        world, steady_s = self._world, steady_ns * 1e-9
        pose, speed = world.pose, 0.0 if paused else world.robot.linear_m_s
        s_m, lateral_m = self._way.move_to(pose.x_m, pose.y_m)
        self._check_wheels()
        self._check_contact(speed)
        self._check_standing(steady_s, speed, status, excuse)
        self._rows.append(
            (world.time_ns * 1e-9, steady_s, pose.x_m, pose.y_m, pose.yaw_rad, s_m, lateral_m,
             speed, *command)
        )  # fmt: skip
        self._status.append(status)

    def standing_s(self, steady_ns: int) -> float:
        """Return for how long the robot has been standing without an excuse."""
        if self._standing_since_s is None:
            return 0.0
        return steady_ns * 1e-9 - self._standing_since_s - self._excused_s

    def stops(self) -> tuple[Stop, ...]:
        """Return all stops until now."""
        return tuple(self._stops)

    def trace(self) -> Trace:
        """Return the run."""
        table = np.array(self._rows, np.float64).reshape(-1, 10)
        return Trace(
            time_s=table[:, 0], steady_s=table[:, 1], pose=table[:, 2:5], s_m=table[:, 5],
            lateral_m=table[:, 6], speed_m_s=table[:, 7], command=table[:, 8:10],
            status=tuple(self._status),
        )  # fmt: skip

    def _check_wheels(self) -> None:
        """Count when a wheel goes beyond the inner edge of a tape."""
        path, robot = self._world.path, self._world.robot
        half = path.course.lane_width_m / 2
        offsets = [
            path.project(float(x), float(y), self._way.s_m)[1]
            for x, y in robot.points_in_world(robot.model.wheels_xy)
        ]
        outside = max(abs(offset) for offset in offsets) > half
        self.departures += outside and not self._outside
        self._outside = outside

    def _check_contact(self, speed_m_s: float) -> None:
        """Count when something is touched while moving."""
        robot = self._world.robot
        body = robot.points_in_world(robot.model.footprint_xy)
        touching = False
        for thing, pose in self._world.bodies():
            if np.hypot(pose.x_m - robot.pose.x_m, pose.y_m - robot.pose.y_m) < REACH_M:
                touching = touching or overlap(body, outline_of(thing, pose))
        moving = abs(speed_m_s) > STANDING_M_S
        self.contacts += touching and moving and not self._touching
        self._touching = touching and (moving or self._touching)

    def _check_standing(self, steady_s: float, speed: float, status: str, excuse: bool) -> None:
        """Keep when and why the robot stood still after it had moved."""
        passed_s, self._watched_s = steady_s - self._watched_s, steady_s
        if self.moved_at_s is None:
            if abs(speed) > MOVING_M_S:
                self.moved_at_s, self._standing_since_s = steady_s, None
            elif self._standing_since_s is None:
                self._standing_since_s = steady_s
            return
        if excuse:
            self._excused_s += passed_s
        if abs(speed) < STANDING_M_S:
            if self._standing_since_s is None:
                self._standing_since_s, self._excused_s, self._had_excuse = steady_s, 0.0, False
                self._stops.append(self._stop(steady_s, steady_s, status))
            self._had_excuse = self._had_excuse or excuse
            self._stops[-1] = self._stop(self._standing_since_s, steady_s, self._stops[-1].reason)
        elif self._standing_since_s is not None and abs(speed) > MOVING_M_S:
            if steady_s - self._standing_since_s < SHORTEST_STOP_S:
                self._stops.pop()
            self._standing_since_s = None

    def _stop(self, start_s: float, end_s: float, reason: str) -> Stop:
        """Return the stop that lasts until now."""
        unexcused_s = end_s - start_s - self._excused_s
        return Stop(
            start_s=start_s, duration_s=end_s - start_s, at_m=self._way.s_m or 0.0, reason=reason,
            justified=self._had_excuse and unexcused_s < SHORTEST_STOP_S,
        )  # fmt: skip
