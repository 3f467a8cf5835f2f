"""What came out of an episode, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np


class Outcome(str, Enum):
    """How an episode ended."""

    FINISHED = 'finished'
    STOPPED = 'stopped'
    """The robot stood still for too long."""
    DEPARTED = 'departed'
    """A wheel left the lane."""
    CONTACT = 'contact'
    """The robot touched something while it moved."""
    TIMED_OUT = 'timed_out'


@dataclass(frozen=True, kw_only=True)
class Stop:
    """
    A time of standing still after having driven.

    :param at_m: where on the route.
    :param reason: the follower's status when it stood.
    :param justified: a fault was active, or somebody in the way, for all of it but 0.3 s.
    """

    start_s: float
    duration_s: float
    at_m: float
    reason: str
    justified: bool


@dataclass(frozen=True, kw_only=True)
class FaultResponse:
    """
    What a fault led to; times in steady seconds, None where it did not happen.

    :param observable_s: when the follower got the first wrong delivery.
    :param zero_command_after_s: from there to the first zero that the base obeyed.
    :param at_rest_after_s: from that zero to less than 0.02 m/s.
    :param moved_after_rest_m: way from that rest to the end of the fault, in metres.
    :param recovered_after_s: from the end of the fault to more than 0.05 m/s.
    :param speed_m_s: when it became observable.
    """

    kind: str
    observable_s: float | None
    zero_command_after_s: float | None
    at_rest_after_s: float | None
    moved_after_rest_m: float | None
    recovered_after_s: float | None
    speed_m_s: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """
    The run, moment by moment: arrays of one length N.

    :param time_s: simulated time.
    :param steady_s: time that goes on in pauses.
    :param pose: (N, 3) x and y in metres, yaw in rad, true pose of base_link in the world.
    :param s_m: arc length on the route.
    :param lateral_m: true distance from the middle line, left positive.
    :param speed_m_s: true speed.
    :param command: (N, 2) the speeds that the base was told, m/s and rad/s.
    :param status: the follower's words.
    """

    time_s: np.ndarray
    steady_s: np.ndarray
    pose: np.ndarray
    s_m: np.ndarray
    lateral_m: np.ndarray
    speed_m_s: np.ndarray
    command: np.ndarray
    status: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class EpisodeResult:
    """
    One run on one course.

    :param distance_m: driven along the route.
    :param lap_time_s: from the first motion to the finish; None when it was not reached.
    :param nominal_time_s: the way to the finish at the wanted speed.
    :param lateral_rms_m: of the true lateral error while moving.
    :param departures: how often a wheel left the lane.
    :param contacts: how often something was touched while faster than 0.02 m/s.
    :param real_time_factor: simulated seconds in a real one.
    """

    course: str
    seed: int
    outcome: Outcome
    simulated_s: float
    distance_m: float
    lap_time_s: float | None
    nominal_time_s: float
    lateral_rms_m: float
    lateral_max_m: float
    departures: int
    contacts: int
    stops: tuple[Stop, ...]
    fault: FaultResponse | None
    real_time_factor: float
    trace: Trace

    @property
    def false_stops(self) -> int:
        """Stops without a cause."""
        return sum(not stop.justified for stop in self.stops)

    def as_document(self) -> dict[str, Any]:
        """Return everything but the trace as plain numbers and texts."""
        document = {
            key: value
            for key, value in vars(self).items()
            if key not in ('trace', 'stops', 'fault', 'outcome')
        }
        document['outcome'] = self.outcome.value
        document['false_stops'] = self.false_stops
        document['stops'] = [asdict(stop) for stop in self.stops]
        document['fault'] = None if self.fault is None else asdict(self.fault)
        return document
