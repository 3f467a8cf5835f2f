"""The state machine that lets the robot drive, and stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from perception_nodes.structures import check_settings, setting

STANDING_M_S = 0.02
"""Below this speed a robot counts as standing."""
BRAKING_GRACE_S = 0.5
"""How much longer than its brakes need a robot may take before the status complains."""


class DriveState(Enum):
    """What the follower is doing; names and values as in ``PathFollowingStatus``."""

    DISABLED = 0
    WAITING = 1
    DRIVING = 2
    STOPPING = 3
    STOPPED = 4
    RECOVERING = 5


class StopReason(Enum):
    """Why it stands or brakes; names and values as in ``PathFollowingStatus``."""

    NONE = 0
    NOT_ENABLED = 1
    DEAD_MAN_RELEASED = 2
    DEAD_MAN_SILENT = 3
    CLOCK_JUMP = 4
    NO_CAMERA_INFO = 5
    TF_MISSING = 6
    CAMERA_STALE = 7
    PICTURE_FROZEN = 8
    PATH_LOST = 9
    LOW_CONFIDENCE = 10
    OFF_PATH = 11
    ODOMETRY_STALE = 12
    OBSTACLES_STALE = 13
    OBSTACLE = 14
    CONTROLLER_ERROR = 15
    PATH_END = 16


@dataclass(frozen=True)
class Fault:
    """
    One thing that forbids to drive.

    :param reason: which.
    :param text: in words, with the value and its limit.
    """

    reason: StopReason
    text: str


NOT_ENABLED = Fault(StopReason.NOT_ENABLED, 'not enabled: call ~/enable with true')
HEALTHY = Fault(StopReason.NONE, '')


@dataclass(frozen=True, kw_only=True)
class SupervisorConfig:
    """How a stop goes, and what ends it."""

    recover_s: float = setting(
        0.5,
        'Everything has to be healthy for this long before the robot moves, seconds',
        minimum=0.0,
        maximum=60.0,
    )
    stop_ramp_s: float = setting(
        0.0,
        'Time in which the command falls to zero at a stop, on the same arc, seconds; 0 sends '
        'zero at once and leaves braking to the base',
        minimum=0.0,
        maximum=0.15,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """
    What may be done now.

    :param state: of the machine.
    :param fault: why it stands, brakes or waits; :data:`HEALTHY` while driving.
    :param speed_share: what is left of the last speed: 1 while driving, falling while stopping.
    """

    state: DriveState
    fault: Fault
    speed_share: float = 0.0


class Supervisor:
    """
    States and what leads from one to the next; time is an argument.

    ======== ==================================================== ==========
    from     when                                                 to
    ======== ==================================================== ==========
    any      not enabled, and standing                            DISABLED
    DISABLED enabled                                              WAITING
    WAITING  no fault for ``recover_s``                           DRIVING
    DRIVING  a fault, or not enabled                              STOPPING
    STOPPING standing, or past the time that braking takes        STOPPED
    STOPPED  no fault                                             RECOVERING
    RECOV.   no fault for ``recover_s``                           DRIVING
    RECOV.   a fault                                              STOPPED
    ======== ==================================================== ==========

    :param config: times.
    :param brake_m_s2: what the base brakes with.
    """

    def __init__(self, config: SupervisorConfig, brake_m_s2: float) -> None:
        self._config = config
        self._brake_m_s2 = brake_m_s2
        self._state = DriveState.DISABLED
        self._cause = NOT_ENABLED
        self._since_ns = 0
        self._standing_by_ns = 0
        self._healthy_since_ns: int | None = None

    @property
    def state(self) -> DriveState:
        """The present state."""
        return self._state

    def step(
        self, *, enabled: bool, faults: Sequence[Fault], speed_m_s: float | None, steady_ns: int
    ) -> Verdict:
        """
        Return what may be done at a time.

        :param enabled: somebody wants the robot to drive.
        :param faults: everything that forbids it, the gravest first.
        :param speed_m_s: by fresh odometry, None when unknown.
        """
        fault = NOT_ENABLED if not enabled else (faults[0] if faults else HEALTHY)
        if fault is not HEALTHY:
            self._healthy_since_ns = None
        elif self._healthy_since_ns is None:
            self._healthy_since_ns = steady_ns
        _STEPS[self._state](self, fault, speed_m_s, steady_ns)
        return self._verdict(fault, speed_m_s, steady_ns)

    def _verdict(self, fault: Fault, speed_m_s: float | None, steady_ns: int) -> Verdict:
        if self._state is DriveState.DRIVING:
            return Verdict(state=self._state, fault=HEALTHY, speed_share=1.0)
        if self._state is DriveState.STOPPING:
            share = self._speed_share(steady_ns)
            return Verdict(state=self._state, fault=self._cause, speed_share=share)
        if self._state is DriveState.STOPPED and speed_m_s is not None:
            late_s = (steady_ns - self._standing_by_ns) * 1e-9
            if abs(speed_m_s) > STANDING_M_S and late_s > 0:
                words = f'{self._cause.text}; the base still moves at {speed_m_s:.2f} m/s'
                return Verdict(state=self._state, fault=Fault(self._cause.reason, words))
        if self._state in (DriveState.STOPPED, DriveState.RECOVERING):
            return Verdict(state=self._state, fault=self._cause)
        return Verdict(state=self._state, fault=fault)

    def _speed_share(self, steady_ns: int) -> float:
        """Return the braking profile: a straight ramp."""
        ramp_s = self._config.stop_ramp_s
        passed_s = (steady_ns - self._since_ns) * 1e-9
        return max(0.0, 1 - passed_s / ramp_s) if ramp_s > 0 else 0.0

    def _go(self, state: DriveState, steady_ns: int) -> None:
        self._state, self._since_ns = state, steady_ns

    def _lasts(self, steady_ns: int) -> bool:
        """Return whether everything has been healthy for long enough."""
        since_ns = self._healthy_since_ns
        return since_ns is not None and (steady_ns - since_ns) * 1e-9 >= self._config.recover_s

    def _when_disabled(self, fault: Fault, speed_m_s: float | None, steady_ns: int) -> None:
        if fault is not NOT_ENABLED:
            self._go(DriveState.WAITING, steady_ns)

    def _when_waiting(self, fault: Fault, speed_m_s: float | None, steady_ns: int) -> None:
        if fault is NOT_ENABLED:
            self._go(DriveState.DISABLED, steady_ns)
        elif self._lasts(steady_ns):
            self._go(DriveState.DRIVING, steady_ns)

    def _when_driving(self, fault: Fault, speed_m_s: float | None, steady_ns: int) -> None:
        if fault is HEALTHY:
            return
        self._cause = fault
        self._go(DriveState.STOPPING, steady_ns)
        speed = abs(speed_m_s) if speed_m_s is not None else 0.0
        braking_s = self._config.stop_ramp_s + speed / self._brake_m_s2
        self._standing_by_ns = steady_ns + round((braking_s + BRAKING_GRACE_S) * 1e9)

    def _when_stopping(self, fault: Fault, speed_m_s: float | None, steady_ns: int) -> None:
        standing = speed_m_s is not None and abs(speed_m_s) <= STANDING_M_S
        ramped = self._speed_share(steady_ns) == 0.0
        if (standing and ramped) or steady_ns >= self._standing_by_ns:
            self._go(DriveState.STOPPED, steady_ns)
            self._when_stopped(fault, speed_m_s, steady_ns)

    def _when_stopped(self, fault: Fault, speed_m_s: float | None, steady_ns: int) -> None:
        if fault is NOT_ENABLED:
            self._go(DriveState.DISABLED, steady_ns)
        elif fault is HEALTHY:
            self._go(DriveState.RECOVERING, steady_ns)
        else:
            self._cause = fault

    def _when_recovering(self, fault: Fault, speed_m_s: float | None, steady_ns: int) -> None:
        if fault is NOT_ENABLED:
            self._go(DriveState.DISABLED, steady_ns)
        elif fault is not HEALTHY:
            self._cause = fault
            self._go(DriveState.STOPPED, steady_ns)
        elif self._lasts(steady_ns):
            self._go(DriveState.DRIVING, steady_ns)


_STEPS = {
    DriveState.DISABLED: Supervisor._when_disabled,
    DriveState.WAITING: Supervisor._when_waiting,
    DriveState.DRIVING: Supervisor._when_driving,
    DriveState.STOPPING: Supervisor._when_stopping,
    DriveState.STOPPED: Supervisor._when_stopped,
    DriveState.RECOVERING: Supervisor._when_recovering,
}
