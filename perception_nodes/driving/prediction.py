"""Where the robot was, and where it will be when a command takes effect."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

import numpy as np

from perception_nodes.driving.command import DriveCommand
from perception_nodes.driving.tally import MotionTally
from perception_nodes.geometry import PlanarPose

STEP_NS = 20_000_000
"""Commands are followed in steps of at most this."""
MAX_AHEAD_NS = 500_000_000
"""Nobody knows where a robot is that long after its last odometry."""
JUMP_SLACK_M, JUMP_SLACK_RAD = 0.1, 0.2
JUMP_FACTOR = 2.0
"""Odometry may move by twice what its own speed says, and the slack; more is a jump."""
STILL_M, STILL_RAD = 0.02, 0.05
"""A robot that moves less in a second stands."""
LONG_M, LONG_RAD = 0.5, 1.0
"""Poses and speeds of odometry have to agree over so much."""


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
    :param kept_s: for how long poses and commands are remembered.
    """

    def __init__(self, actuation_delay_s: float, kept_s: float) -> None:
        self._delay_ns = round(actuation_delay_s * 1e9)
        self._kept_ns = round(kept_s * 1e9)
        self._samples: deque[MotionSample] = deque()
        self._commands: deque[tuple[int, DriveCommand]] = deque()
        self._way, self._turn = MotionTally(STILL_M, LONG_M), MotionTally(STILL_RAD, LONG_RAD)
        self.jumps = 0

    @property
    def newest(self) -> MotionSample | None:
        """The newest odometry."""
        return self._samples[-1] if self._samples else None

    @property
    def travelled_m(self) -> float:
        """Way so far, forwards and backwards, never falling."""
        return self._way.total

    @property
    def turned_rad(self) -> float:
        """Sum of the turns so far to either side, never falling."""
        return self._turn.total

    @property
    def contradiction(self) -> str:
        """What poses and speeds of odometry disagree about in words, empty while they agree."""
        for tally, unit, field in ((self._way, 'm', 'linear'), (self._turn, 'rad', 'angular')):
            if tally.is_contradictory:
                return (
                    f'odometry moved by {tally.moved:.2f} {unit} while the {field} speed of its '
                    f'twist says {tally.said:.2f} {unit}: one of the two is wrong or not filled in'
                )
        return ''

    def compare_anew(self) -> None:
        """Forget how poses and speeds agreed until now."""
        self._way.restart()
        self._turn.restart()

    def reset(self) -> None:
        """Forget poses and commands; what was travelled stays."""
        self._forget_poses()
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
                self._forget_poses()
            else:
                self._count(newest, sample)
        self._samples.append(sample)
        while sample.stamp_ns - self._samples[0].stamp_ns > self._kept_ns:
            self._samples.popleft()
        return True

    def add_command(self, command: DriveCommand, now_ns: int) -> None:
        """Note what the robot was told at a time."""
        self._commands.append((now_ns, command))
        while now_ns - self._commands[0][0] > self._kept_ns:
            self._commands.popleft()

    def forget_commands(self) -> None:
        """Forget what the robot was told: from now on somebody else tells it."""
        self._commands.clear()

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

    def _forget_poses(self) -> None:
        self._samples.clear()
        self.compare_anew()

    def _count(self, earlier: MotionSample, later: MotionSample) -> None:
        """Add up what odometry moved from one sample to the next."""
        passed_ns = later.stamp_ns - earlier.stamp_ns
        step, seconds = earlier.pose.inverse() @ later.pose, passed_ns * 1e-9
        self._way.add(step.x_m, later.speed_m_s * seconds, passed_ns)
        self._turn.add(_wrapped(step.yaw_rad), later.turn_rad_s * seconds, passed_ns)

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
