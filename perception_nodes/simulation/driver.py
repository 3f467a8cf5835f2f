"""A driver that knows the true path: it moves the camera where no vision is to be tested."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.travelled_way import TravelledWay
from perception_nodes.simulation.vehicle import Pose2D

END_TOLERANCE_M = 0.1


class PathDriver:
    """
    Pure pursuit (Coulter 1992) of a point ahead on the path, at constant speed.

    :param speed_m_s: forward speed.
    :param lookahead_m: distance along the path to the pursued point.
    :param max_turn_rad_s: limit of the turning speed.
    """

    def __init__(
        self,
        path: CoursePath,
        *,
        speed_m_s: float = 0.5,
        lookahead_m: float = 0.5,
        max_turn_rad_s: float = 1.5,
    ) -> None:
        self._path = path
        self._speed_m_s = speed_m_s
        self._lookahead_m = lookahead_m
        self._max_turn_rad_s = max_turn_rad_s
        self._way = TravelledWay(path)

    @property
    def travelled_m(self) -> float:
        """How far it has driven along the path."""
        return self._way.travelled_m

    @property
    def finished(self) -> bool:
        """Whether an open path has been driven to its end; closed ones never end."""
        s_m = self._way.s_m
        if self._path.course.closed or s_m is None:
            return False
        return s_m >= self._path.length_m - END_TOLERANCE_M

    def command(self, pose: Pose2D) -> tuple[float, float]:
        """
        Return (linear speed in m/s, angular speed in rad/s) for a pose in the world.

        Call it in the order of time: where the path crosses itself, the place before decides.
        """
        s_m, _ = self._way.move_to(pose.x_m, pose.y_m)
        if self.finished:
            return 0.0, 0.0
        goal = self._path.pose_at(s_m + self._lookahead_m)
        ahead = np.array([goal.x_m - pose.x_m, goal.y_m - pose.y_m])
        left = float(-np.sin(pose.yaw_rad) * ahead[0] + np.cos(pose.yaw_rad) * ahead[1])
        curvature = 2 * left / max(float(ahead @ ahead), 1e-6)
        turn = np.clip(curvature * self._speed_m_s, -self._max_turn_rad_s, self._max_turn_rad_s)
        return self._speed_m_s, float(turn)
