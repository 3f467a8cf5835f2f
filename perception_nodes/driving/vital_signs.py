"""Everything that forbids to drive, looked at in the order of gravity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perception_nodes.driving.freshness import ClockWatch, FreshnessWatch, InputState
from perception_nodes.driving.frozen_picture import FreezeConfig, FrozenPicture
from perception_nodes.driving.supervisor import Fault, StopReason
from perception_nodes.structures import setting

LONGEST_LEAD_NS = 2_000_000_000
"""What was taken and lies further ahead of the clock would hide all that comes for too long."""


class ObstacleSource(str, Enum):
    """Where obstacles may come from."""

    DETECTIONS = 'detections'
    OCCUPANCY = 'occupancy'
    DEPTH = 'depth'


@dataclass(frozen=True, kw_only=True)
class VitalConfig(FreezeConfig):
    """Limits beyond which an input is no longer to be trusted."""

    max_picture_age_s: float = setting(
        0.2,
        'Largest age of the newest picture, by its stamp, seconds',
        minimum=0.02,
        maximum=10.0,
    )
    max_path_age_s: float = setting(
        0.2,
        'Largest age of the path that is followed, by the stamp of its picture, seconds',
        minimum=0.02,
        maximum=10.0,
    )
    max_odometry_age_s: float = setting(
        0.2,
        'Largest age of the newest odometry, by its stamp, seconds',
        minimum=0.02,
        maximum=10.0,
    )
    max_silence_s: float = setting(
        0.2,
        'Steady time that pictures or odometry may be silent, seconds; raise it for simulators '
        'that run slower than real time',
        minimum=0.02,
        maximum=60.0,
    )
    obstacle_sources: tuple[str, ...] = setting(
        (), 'Where things in the way are looked for: detections, occupancy, depth',
        choices=tuple(item.value for item in ObstacleSource),
    )  # fmt: skip
    max_obstacles_age_s: float = setting(
        0.4,
        'Largest age of each source of obstacles, by its stamp, and its silence, seconds',
        minimum=0.02,
        maximum=10.0,
    )
    require_dead_man: bool = setting(
        True, 'Drive only while the topic dead_man says true, again and again'
    )
    dead_man_timeout_s: float = setting(
        0.25, 'Steady time for which dead_man counts, seconds', minimum=0.02, maximum=5.0
    )
    max_lateral_error_m: float = setting(
        0.3, 'Largest distance of base_link from the path, metres', minimum=0.01, maximum=10.0
    )

    @property
    def oldest_s(self) -> float:
        """Age up to which anything that was seen is used."""
        return max(self.max_picture_age_s, self.max_path_age_s, self.max_obstacles_age_s)


class VitalSigns:
    """
    Notes what comes in, and tells what is wrong; time is an argument.

    :param config: limits.
    """

    def __init__(self, config: VitalConfig) -> None:
        self._config = config
        silence = config.max_silence_s
        self._pictures = FreshnessWatch('picture', config.max_picture_age_s, silence)
        self._odometry = FreshnessWatch('odometry', config.max_odometry_age_s, silence)
        oldest = config.max_obstacles_age_s
        self._obstacles = {
            source: FreshnessWatch(source, oldest, oldest) for source in config.obstacle_sources
        }
        self._clock = ClockWatch()
        self._frozen = FrozenPicture(config)
        self._dead_man: tuple[bool, int] | None = None
        self._clock_problem = ''

    def reset(self) -> None:
        """Forget everything that came, as after a jump of the clock; the dead man stays."""
        for watch in self._watches:
            watch.reset()
        self._frozen.reset()

    def observe_clock(self, now_ns: int, steady_ns: int) -> bool:
        """Return whether the clock jumped since the last call, or what came shows that it did."""
        self._clock_problem = self._clock.observe(now_ns, steady_ns)
        stamps = [watch.newest_ns for watch in self._watches if watch.newest_ns is not None]
        ahead_ns = max(stamps, default=now_ns) - now_ns
        if not self._clock_problem and ahead_ns > LONGEST_LEAD_NS:
            self._clock_problem = f'the clock is {ahead_ns * 1e-9:.3f} s behind what came before'
        return bool(self._clock_problem)

    @property
    def clock_jumped(self) -> bool:
        """Whether the clock had jumped at the last look."""
        return bool(self._clock_problem)

    def note_dead_man(self, pressed: bool, steady_ns: int) -> None:
        """Note a message of the dead man's switch."""
        self._dead_man = (pressed, steady_ns)

    def note_picture(self, stamp_ns: int, steady_ns: int) -> bool:
        """Note that a picture came; return False for one that is stamped by another clock."""
        return self._note(self._pictures, stamp_ns, steady_ns)

    def note_pixels(
        self, pictures: tuple[np.ndarray, ...], travelled_m: float, turned_rad: float
    ) -> None:
        """Compare a picture with the one before; see :class:`FrozenPicture`."""
        self._frozen.note(pictures, travelled_m, turned_rad)

    def note_odometry(self, stamp_ns: int, steady_ns: int) -> bool:
        """Note that odometry came; return False for what is stamped by another clock."""
        return self._note(self._odometry, stamp_ns, steady_ns)

    def note_obstacles(self, source: str, stamp_ns: int, steady_ns: int) -> bool:
        """Note that a source of obstacles spoke; return False where that does not count."""
        watch = self._obstacles.get(source)
        return watch is not None and self._note(watch, stamp_ns, steady_ns)

    def picture(self, now_ns: int, steady_ns: int) -> InputState:
        """Return how the pictures stand."""
        return self._pictures.state(now_ns, steady_ns)

    def odometry(self, now_ns: int, steady_ns: int) -> InputState:
        """Return how odometry stands."""
        return self._odometry.state(now_ns, steady_ns)

    def obstacles_age_s(self, now_ns: int, steady_ns: int) -> float:
        """Return the age of the oldest wanted source; NaN without any, or before one has come."""
        states = [watch.state(now_ns, steady_ns) for watch in self._obstacles.values()]
        return float(np.max([state.age_s for state in states])) if states else float('nan')

    def faults(self, now_ns: int, steady_ns: int) -> list[Fault]:
        """Return what is wrong with the inputs, the gravest first."""
        found = [
            Fault(reason, problem)
            for reason, problem in (
                self._dead_man_problem(steady_ns),
                (StopReason.CLOCK_JUMP, self._clock_problem),
                (StopReason.CAMERA_STALE, self.picture(now_ns, steady_ns).problem),
                (StopReason.PICTURE_FROZEN, self._frozen.problem),
                (StopReason.ODOMETRY_STALE, self.odometry(now_ns, steady_ns).problem),
            )
            if problem
        ]
        states = [watch.state(now_ns, steady_ns) for watch in self._obstacles.values()]
        stale = [state.problem for state in states if state.problem]
        return found + [Fault(StopReason.OBSTACLES_STALE, problem) for problem in stale]

    @property
    def _watches(self) -> tuple[FreshnessWatch, ...]:
        return (self._pictures, self._odometry, *self._obstacles.values())

    def _note(self, watch: FreshnessWatch, stamp_ns: int, steady_ns: int) -> bool:
        """Note what came, or refuse it: kept, it would make all that comes after it look old."""
        ahead_s = self._clock.ahead_s(stamp_ns, steady_ns)
        if ahead_s > 0:
            watch.refuse(ahead_s)
            return False
        watch.note(stamp_ns, steady_ns)
        return True

    def _dead_man_problem(self, steady_ns: int) -> tuple[StopReason, str]:
        silent, limit_s = StopReason.DEAD_MAN_SILENT, self._config.dead_man_timeout_s
        if not self._config.require_dead_man:
            return silent, ''
        if self._dead_man is None:
            return (
                silent,
                'dead_man has not spoken yet: hold the switch, or require_dead_man:=false',
            )
        pressed, came_ns = self._dead_man
        silence_s = (steady_ns - came_ns) * 1e-9
        if silence_s > limit_s:
            return silent, f'dead_man has been silent for {silence_s:.2f} s, limit {limit_s:.2f} s'
        return StopReason.DEAD_MAN_RELEASED, '' if pressed else 'dead_man is released'
