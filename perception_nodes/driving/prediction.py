"""Where the robot was, and where it will be when a command takes effect."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

import numpy as np

from perception_nodes.driving.command import DriveCommand
from perception_nodes.geometry import PlanarPose

KEPT_NS = 3_000_000_000
"""No picture that is older than this is of any use."""
STEP_NS = 20_000_000
"""Commands are followed in steps of at most this."""
MAX_AHEAD_NS = 500_000_000
"""Nobody knows where a robot is that long after its last odometry."""
JUMP_SLACK_M, JUMP_SLACK_RAD = 0.1, 0.2
JUMP_FACTOR = 2.0
"""Odometry may move by twice what its own speed says, and the slack; more is a jump."""


class PoseUnknownError(LookupError):
    """A time for which odometry says nothing; the message says what it covers."""


@dataclass(frozen=True, kw_only=True)
class MotionSample:
    """
    What odometry said at one time.

    :param pose: odom from base_link.
    :param speed_m_s: forward, negative backwards.
    :param turn_rad_s: positive left.
    """

    stamp_ns: int
    pose: PlanarPose
    speed_m_s: float
    turn_rad_s: float

    def __post_init__(self) -> None:
        """Refuse what is not a number."""
        values = (
            self.pose.x_m, self.pose.y_m, self.pose.yaw_rad, self.speed_m_s, self.turn_rad_s
        )  # fmt: skip
        if not np.isfinite(values).all():
            raise ValueError(f'odometry must be finite, got {values}')


class MotionPredictor:
    """
    Poses by time from odometry, carried on with the commands that are still on their way.

    :param actuation_delay_s: from a command to its effect.
    """

    def __init__(self, actuation_delay_s: float) -> None:
        self._delay_ns = round(actuation_delay_s * 1e9)
        self._samples: deque[MotionSample] = deque()
        self._commands: deque[tuple[int, DriveCommand]] = deque()
        self.jumps = 0
        self.travelled_m = 0.0
        self.turned_rad = 0.0

    @property
    def newest(self) -> MotionSample | None:
        """The newest odometry."""
        return self._samples[-1] if self._samples else None

    def reset(self) -> None:
        """Forget poses and commands; what was travelled stays."""
        self._samples.clear()
        self._commands.clear()

    def add_odometry(self, sample: MotionSample) -> bool:
        """
        Take odometry; one that jumps makes everything before it useless, and is counted.

        :returns: False for a stamp that is not newer than the newest, which changes nothing.
        """
        newest = self.newest
        if newest is not None:
            if sample.stamp_ns <= newest.stamp_ns:
                return False
            if _jumped(newest, sample):
                self.jumps += 1
                self._samples.clear()
            else:
                seconds = (sample.stamp_ns - newest.stamp_ns) * 1e-9
                self.travelled_m += abs(sample.speed_m_s) * seconds
                self.turned_rad += abs(sample.turn_rad_s) * seconds
        self._samples.append(sample)
        while sample.stamp_ns - self._samples[0].stamp_ns > KEPT_NS:
            self._samples.popleft()
        return True

    def add_command(self, command: DriveCommand, now_ns: int) -> None:
        """Note what was commanded at a time."""
        self._commands.append((now_ns, command))
        while now_ns - self._commands[0][0] > KEPT_NS:
            self._commands.popleft()

    def pose_at(self, stamp_ns: int) -> PlanarPose:
        """
        Return odom from base_link at a time.

        :raises PoseUnknownError: before the first or long after the newest odometry.
        """
        newest = self.newest
        if newest is None:
            raise PoseUnknownError('no odometry yet')
        if stamp_ns >= newest.stamp_ns:
            return self._ahead(newest, stamp_ns)
        stamps = [sample.stamp_ns for sample in self._samples]
        index = bisect_right(stamps, stamp_ns)
        if index == 0:
            late_s = (self._samples[0].stamp_ns - stamp_ns) * 1e-9
            raise PoseUnknownError(f'odometry begins {late_s:.3f} s after the picture')
        earlier, later = self._samples[index - 1], self._samples[index]
        span = later.stamp_ns - earlier.stamp_ns
        return _between(earlier.pose, later.pose, (stamp_ns - earlier.stamp_ns) / span)

    def control_from(self, stamp_ns: int, now_ns: int) -> PlanarPose:
        """
        Return base_link at a stamp, in base_link at the time when a command of now takes effect.

        :raises PoseUnknownError: when odometry does not cover one of both.
        """
        then = self.pose_at(stamp_ns)
        return self.pose_at(now_ns + self._delay_ns).inverse() @ then

    def _ahead(self, newest: MotionSample, stamp_ns: int) -> PlanarPose:
        """Carry the newest pose on with the commands that act in between."""
        if stamp_ns - newest.stamp_ns > MAX_AHEAD_NS + self._delay_ns:
            raise PoseUnknownError(
                f'odometry ended {(stamp_ns - newest.stamp_ns) * 1e-9:.3f} s before'
            )
        pose, time_ns = newest.pose, newest.stamp_ns
        while time_ns < stamp_ns:
            step_ns = min(STEP_NS, stamp_ns - time_ns)
            speed, turn = self._speeds_at(time_ns + step_ns // 2, newest)
            pose = pose @ _arc(speed * step_ns * 1e-9, turn * step_ns * 1e-9)
            time_ns += step_ns
        return pose

    def _speeds_at(self, time_ns: int, newest: MotionSample) -> tuple[float, float]:
        """Return the speeds by the command that acts then, by odometry where none is known."""
        acting = None
        for issued_ns, command in reversed(self._commands):
            if issued_ns + self._delay_ns <= time_ns:
                acting = command
                break
        if acting is None:
            return newest.speed_m_s, newest.turn_rad_s
        return acting.speed_m_s, acting.turn_rad_s


def _jumped(earlier: MotionSample, later: MotionSample) -> bool:
    """Return whether odometry moved farther than its own speeds explain."""
    seconds = (later.stamp_ns - earlier.stamp_ns) * 1e-9
    step = earlier.pose.inverse() @ later.pose
    fastest = max(abs(earlier.speed_m_s), abs(later.speed_m_s))
    quickest = max(abs(earlier.turn_rad_s), abs(later.turn_rad_s))
    moved, turned = np.hypot(step.x_m, step.y_m), abs(_wrapped(step.yaw_rad))
    return bool(
        moved > JUMP_FACTOR * fastest * seconds + JUMP_SLACK_M
        or turned > JUMP_FACTOR * quickest * seconds + JUMP_SLACK_RAD
    )


def _between(earlier: PlanarPose, later: PlanarPose, fraction: float) -> PlanarPose:
    turn = _wrapped(later.yaw_rad - earlier.yaw_rad)
    return PlanarPose(
        x_m=earlier.x_m + fraction * (later.x_m - earlier.x_m),
        y_m=earlier.y_m + fraction * (later.y_m - earlier.y_m),
        yaw_rad=earlier.yaw_rad + fraction * turn,
    )


def _arc(distance_m: float, turn_rad: float) -> PlanarPose:
    chord = distance_m * float(np.sinc(turn_rad / 2 / np.pi))
    half = turn_rad / 2
    return PlanarPose(
        x_m=chord * float(np.cos(half)), y_m=chord * float(np.sin(half)), yaw_rad=turn_rad
    )


def _wrapped(angle_rad: float) -> float:
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)
