"""What is known of the way ahead: the path as it lies now, and what stands on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perception_nodes.driving.config import DrivingConfig
from perception_nodes.driving.corridor import SweptCorridor
from perception_nodes.driving.prediction import MotionPredictor, PoseUnknownError
from perception_nodes.driving.reference import ReferencePath, arc_path, transformed
from perception_nodes.driving.speed import Surroundings
from perception_nodes.driving.supervisor import Fault, StopReason
from perception_nodes.path.estimate import PathEstimate, PathProblem

ARC_TIME_S = 0.5
"""The commanded arc counts this far; beyond it the controller will have steered anew."""

_NOT_YET = Fault(StopReason.PATH_LOST, 'no path has been seen yet')


class WayAhead:
    """
    The newest usable estimate and the newest obstacles, each moved to the time of control.

    An estimate that is not valid, or too unsure, takes nothing from the one before: that one is
    followed until it is too old, and then the newest reason is given.

    :param config: limits.
    :param motion: tells how the robot moved since a stamp.
    """

    def __init__(self, config: DrivingConfig, motion: MotionPredictor) -> None:
        self._config = config
        self._motion = motion
        self._corridor = SweptCorridor(config, config)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._estimate: PathEstimate | None = None
        self._stamp_ns = 0
        self._unseen = _NOT_YET
        self._obstacles: dict[str, tuple[int, np.ndarray]] = {}

    def take_estimate(self, estimate: PathEstimate, stamp_ns: int) -> None:
        """Take what was seen of the path in a picture."""
        if not estimate.is_valid:
            words = f'no path is seen: {estimate.reason}'
            if estimate.problem is PathProblem.ELSEWHERE:
                words += '; put the robot back on its path, or disable and enable it where it is'
            self._unseen = Fault(StopReason.PATH_LOST, words)
        elif estimate.confidence < self._config.min_path_confidence:
            limit = self._config.min_path_confidence
            words = f'confidence {estimate.confidence:.2f}, limit {limit:.2f}'
            self._unseen = Fault(StopReason.LOW_CONFIDENCE, words)
        elif self._estimate is None or stamp_ns > self._stamp_ns:
            self._estimate, self._stamp_ns = estimate, stamp_ns
            self._unseen = Fault(StopReason.PATH_LOST, 'no newer path has been seen')

    def note_unseen(self, fault: Fault) -> None:
        """Note why a picture could not be looked at."""
        self._unseen = fault

    def take_obstacles(self, source: str, points_xy: np.ndarray, stamp_ns: int) -> None:
        """Take all that a source sees at a time; it replaces what it saw before."""
        self._obstacles[source] = (stamp_ns, points_xy)

    def path_age_s(self, now_ns: int) -> float:
        """Return the age of the path by the stamp of its picture, NaN before the first."""
        return (now_ns - self._stamp_ns) * 1e-9 if self._estimate is not None else float('nan')

    def path(self, now_ns: int) -> tuple[ReferencePath | None, list[Fault]]:
        """Return the path where the robot will be when it obeys, or why there is none."""
        if self._estimate is None:
            return None, [self._unseen]
        age_s, limit_s = self.path_age_s(now_ns), self._config.max_path_age_s
        if age_s > limit_s:
            words = (
                f'{self._unseen.text}; the last path is {age_s:.2f} s old, limit {limit_s:.2f} s'
            )
            return None, [Fault(self._unseen.reason, words)]
        try:
            moved = self._motion.control_from(self._stamp_ns, now_ns)
            path = ReferencePath.from_estimate(self._estimate, moved)
        except PoseUnknownError as error:
            return None, [Fault(StopReason.ODOMETRY_STALE, str(error))]
        except ValueError as error:
            return None, [Fault(StopReason.PATH_LOST, str(error))]
        beside_m, limit_m = abs(path.foot().lateral_m), self._config.max_lateral_error_m
        if beside_m > limit_m:
            words = f'{beside_m:.2f} m beside the path, limit {limit_m:.2f} m'
            return path, [Fault(StopReason.OFF_PATH, words)]
        return path, []

    def around(
        self, path: ReferencePath, curvature_1_m: float, now_ns: int
    ) -> tuple[Surroundings, list[Fault]]:
        """
        Return what stands in the corridor along the path and along the commanded arc.

        :returns: also a fault for each source whose places odometry does not tell any more, or
            not since it jumped: what is known to stand there must not be forgotten.
        """
        if not self._config.obstacle_sources:
            return Surroundings(), []
        points, faults = self._placed(now_ns)
        newest = self._motion.newest
        speed = newest.speed_m_s if newest is not None else 0.0
        arc = arc_path(curvature_1_m, self._config.front_m + max(0.0, speed) * ARC_TIME_S)
        looks = [self._corridor.look(line, points, speed) for line in (path, arc)]
        ahead_m = min(look.ahead_m for look in looks)
        return replace(looks[0], ahead_m=ahead_m), faults

    def _placed(self, now_ns: int) -> tuple[np.ndarray, list[Fault]]:
        """Return (N, 2) metres, all obstacles at the time of control, and what has no place."""
        places, faults = [np.zeros((0, 2))], []
        for source, (stamp_ns, points_xy) in self._obstacles.items():
            try:
                moved = self._motion.control_from(stamp_ns, now_ns)
            except PoseUnknownError as error:
                words = f'what {source} saw cannot be placed: {error}'
                faults.append(Fault(StopReason.OBSTACLES_STALE, words))
                continue
            places.append(transformed(points_xy, moved))
        return np.concatenate(places), faults
