"""
Is this pose believable? A map must not be smeared by odometry that jumps.

A pose that the robot cannot have reached is refused. When several of them in a row agree with
one another it is the odometry that has moved for good: the jump is confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perception_nodes.geometry.planar_pose import PlanarPose
from perception_nodes.structures import check_settings, setting

MAX_EXTRAPOLATION_S = 0.5
"""Nobody keeps the speed of one frame for longer than this."""


@dataclass(frozen=True, kw_only=True)
class MotionConfig:
    """What a robot can do between two frames."""

    max_speed_m_s: float = setting(3.0, 'highest believable speed', minimum=0.01)
    max_turn_rad_s: float = setting(6.0, 'highest believable turning speed', minimum=0.01)
    slack_m: float = setting(0.05, 'distance that is believed in any time', minimum=0.0)
    slack_rad: float = setting(0.1, 'turn that is believed in any time', minimum=0.0)
    confirmations: int = setting(
        3, 'poses in a row that agree with one another confirm a jump', minimum=1, maximum=100
    )
    clock_reset_s: float = setting(
        1.0, 'stamps older than the last by more than this may be a restarted clock', minimum=0.0
    )
    max_transform_age_s: float = setting(
        0.1, 'largest difference between the stamps of transform and mask', minimum=0.0
    )
    max_tilt_deg: float = setting(
        30.0, 'transforms that tilt base_link more than this are wrong', minimum=0.0, maximum=90.0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class Verdict(str, Enum):
    """What to do with a frame."""

    ACCEPTED = 'accepted'
    LATE = 'late'
    JUMP = 'jump'
    JUMP_CONFIRMED = 'jump_confirmed'
    CLOCK_RESET = 'clock_reset'


@dataclass(frozen=True, kw_only=True)
class _Fix:
    pose: PlanarPose
    stamp_ns: int


class MotionGuard:
    """Judges poses in the order in which they arrive."""

    def __init__(self, config: MotionConfig | None = None) -> None:
        self.config = MotionConfig() if config is None else config
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next pose is believed."""
        self._last: _Fix | None = None
        self._before: _Fix | None = None
        self._chain: list[_Fix] = []
        self.old_from_new = PlanarPose()

    def judge(self, pose: PlanarPose, stamp_ns: int) -> Verdict:
        """
        Return what to do with a frame; only accepted and confirmed ones count as the last.

        After ``JUMP_CONFIRMED``, ``old_from_new`` is the odometry frame that has moved: where
        its coordinates lie in the one before, if the robot kept its speed meanwhile.
        """
        fix = _Fix(pose=pose, stamp_ns=stamp_ns)
        if self._last is None or self._can_follow(self._last, fix):
            self._accept(fix)
            return Verdict.ACCEPTED
        behind_s = (self._last.stamp_ns - stamp_ns) * 1e-9
        if 0 <= behind_s <= self.config.clock_reset_s:
            return Verdict.LATE
        follows = bool(self._chain) and self._can_follow(self._chain[-1], fix)
        self._chain = [*self._chain, fix] if follows else [fix]
        if len(self._chain) < self.config.confirmations:
            return Verdict.LATE if behind_s > 0 else Verdict.JUMP
        if behind_s <= 0:
            expected = self._extrapolated(self._chain[0].stamp_ns)
            self.old_from_new = expected @ self._chain[0].pose.inverse()
        self._before = None
        self._last = None
        self._accept(fix)
        return Verdict.CLOCK_RESET if behind_s > 0 else Verdict.JUMP_CONFIRMED

    def _accept(self, fix: _Fix) -> None:
        self._before, self._last = self._last, fix
        self._chain = []

    def _can_follow(self, earlier: _Fix, later: _Fix) -> bool:
        """Return whether the robot can have moved from one to the other."""
        seconds = (later.stamp_ns - earlier.stamp_ns) * 1e-9
        if seconds <= 0:
            return False
        distance = np.hypot(later.pose.x_m - earlier.pose.x_m, later.pose.y_m - earlier.pose.y_m)
        turn = abs((later.pose.yaw_rad - earlier.pose.yaw_rad + np.pi) % (2 * np.pi) - np.pi)
        config = self.config
        return bool(
            distance <= config.max_speed_m_s * seconds + config.slack_m
            and turn <= config.max_turn_rad_s * seconds + config.slack_rad
        )

    def _extrapolated(self, stamp_ns: int) -> PlanarPose:
        """Return the last believed pose carried on at the last believed speed."""
        if self._last is None:
            raise RuntimeError('a jump needs a pose before it')
        if self._before is None:
            return self._last.pose
        seconds = (self._last.stamp_ns - self._before.stamp_ns) * 1e-9
        ahead_s = min((stamp_ns - self._last.stamp_ns) * 1e-9, MAX_EXTRAPOLATION_S)
        ratio = ahead_s / seconds
        step = self._before.pose.inverse() @ self._last.pose
        turn = (step.yaw_rad + np.pi) % (2 * np.pi) - np.pi
        return self._last.pose @ PlanarPose(
            x_m=step.x_m * ratio, y_m=step.y_m * ratio, yaw_rad=float(turn * ratio)
        )
