"""Whether somebody who follows a path for us has to be told to stop."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.driving.supervisor import DriveState
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class GoalGuardConfig:
    """How long the path follower may be silent."""

    status_timeout_s: float = setting(
        0.3,
        'Steady time that the status of the path follower may be silent while it drives, seconds',
        minimum=0.05,
        maximum=5.0,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class GoalGuard:
    """
    Watches the status of a path follower whose paths somebody else follows.

    A follower that was killed cancels no goal. Time is an argument, and steady.

    :param config: how long silence may last.
    :ivar stops: how often somebody had to be stopped.
    """

    def __init__(self, config: GoalGuardConfig) -> None:
        self._limit_ns = round(config.status_timeout_s * 1e9)
        self._driving_ns: int | None = None
        self.stops = 0
        self.reason = ''

    @property
    def is_watching(self) -> bool:
        """Whether the follower was driving when it spoke last."""
        return self._driving_ns is not None

    def hear(self, state: DriveState, steady_ns: int) -> bool:
        """Note a status; return whether the goal has to be cancelled for it."""
        was_driving = self._driving_ns is not None
        self._driving_ns = steady_ns if state is DriveState.DRIVING else None
        if was_driving and self._driving_ns is None:
            return self._stop(f'the path follower is {state.name.lower()}')
        return False

    def must_stop(self, steady_ns: int) -> bool:
        """Return whether silence has lasted too long; true once, until it drives again."""
        if self._driving_ns is None or steady_ns - self._driving_ns <= self._limit_ns:
            return False
        self._driving_ns = None
        return self._stop(f'no status for more than {self._limit_ns * 1e-9:.2f} s')

    def _stop(self, reason: str) -> bool:
        self.stops += 1
        self.reason = reason
        return True
