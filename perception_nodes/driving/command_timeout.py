"""A command counts for a short time only: the last line of defence of a robot's base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class CommandTimeoutConfig:
    """How long a command counts."""

    cmd_vel_timeout_s: float = setting(
        0.2, 'Steady time for which a command counts, seconds', minimum=0.02, maximum=0.25
    )
    zero_repeat_s: float = setting(
        1.0,
        'How long zero is repeated after a time-out, seconds; then the topic is left to others',
        minimum=0.1,
        maximum=3600.0,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class CommandTimeout:
    """
    Passes commands on, and says when zero has to take their place.

    A publisher that was killed sends no zero. Nor does one that died together with who passed its
    commands on: the start counts as a command that may expire. Everything here is steady time.

    :param config: how long.
    :param start_ns: from when on commands are awaited.
    :ivar timeouts: how often commands have expired.
    :ivar refused: commands that were not finite.
    :ivar has_passed: whether a command has passed since the start.
    """

    def __init__(self, config: CommandTimeoutConfig, start_ns: int) -> None:
        self._timeout_ns = round(config.cmd_vel_timeout_s * 1e9)
        self._repeat_ns = round(config.zero_repeat_s * 1e9)
        self._came_ns = start_ns
        self.timeouts = 0
        self.refused = 0
        self.has_passed = False
        self._is_silent = False

    @property
    def is_silent(self) -> bool:
        """Whether the last command, or the wait for the first, has expired."""
        return self._is_silent

    def take(self, speeds: tuple[float, ...], steady_ns: int) -> bool:
        """
        Return whether a command may pass; one that is not finite may not, nor does it count.

        :param speeds: all linear and angular speeds of the command.
        """
        if not np.isfinite(speeds).all():
            self.refused += 1
            return False
        self._came_ns = steady_ns
        self._is_silent = False
        self.has_passed = True
        return True

    def must_stop(self, steady_ns: int) -> bool:
        """Return whether zero has to be sent now; ask often, at least ten times a second."""
        silence_ns = steady_ns - self._came_ns
        if silence_ns <= self._timeout_ns:
            return False
        if not self._is_silent:
            self._is_silent = True
            self.timeouts += self.has_passed
        return silence_ns <= self._timeout_ns + self._repeat_ns
