"""Faults between the simulator and the follower, as wrappers of what is delivered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from perception_nodes.imaging.compressed import decode_compressed, encode_compressed
from perception_nodes.imaging.encodings import ImageView
from perception_nodes.imaging.image_error import ImageError
from perception_nodes.simulation.episodes.follower import CameraFrame
from perception_nodes.simulation.vehicle import Odometry
from perception_nodes.structures import ColorOrder, Frame

FAULT_STREAM = 11
CORRUPT_BYTES = 40
DELAY_S, DROP_SHARE, JUMP_S = 0.3, 0.5, -2.0


class FaultKind(str, Enum):
    """What goes wrong."""

    NONE = 'none'
    FREEZE = 'freeze'
    """The camera repeats one picture with new stamps."""
    BLACK = 'black'
    CORRUPT = 'corrupt'
    """Bytes of the JPEG stream are wrong; what the decoder refuses does not arrive."""
    DELAY = 'delay'
    """Pictures come 0.3 s late."""
    DROP = 'drop'
    """Half of the pictures are lost."""
    SILENT = 'silent'
    """No pictures at all."""
    TF_LOSS = 'tf_loss'
    """Nobody says where the camera is mounted."""
    PAUSE = 'pause'
    """The simulator stands still while steady time goes on."""
    CLOCK_JUMP = 'clock_jump'
    """All stamps jump back by 2 s, and forward again at the end."""
    KILLED = 'killed'
    """The follower is not there."""

    @property
    def demands_stop(self) -> bool:
        """Whether nobody may drive on."""
        return self not in (FaultKind.NONE, FaultKind.DROP)

    @property
    def demands_rest(self) -> bool:
        """Whether nobody may drive again before it is over: jumped stamps are soon consistent."""
        return self.demands_stop and self is not FaultKind.CLOCK_JUMP


@dataclass(frozen=True, kw_only=True)
class FaultPlan:
    """
    When something goes wrong, in steady time.

    :param seed: of lost pictures and wrong bytes.
    """

    kind: FaultKind
    start_s: float
    duration_s: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse times that are not in order."""
        object.__setattr__(self, 'kind', FaultKind(self.kind))
        if not (self.start_s >= 0 and self.duration_s > 0):
            raise ValueError(
                f'a fault needs start_s ≥ 0 and duration_s > 0, got {self.start_s!r} and '
                f'{self.duration_s!r}'
            )

    def is_active(self, steady_ns: int) -> bool:
        """Whether it is wrong now."""
        return 0 <= steady_ns * 1e-9 - self.start_s < self.duration_s


class FaultInjector:
    """
    Passes pictures, stamps and odometry on, spoilt while the fault is active.

    :param plan: the fault; None passes everything on as it is.
    :ivar observable_ns: steady time of the first delivery that was not as it should be.
    """

    def __init__(self, plan: FaultPlan | None = None) -> None:
        self.plan = plan
        self.observable_ns: int | None = None
        self._last: CameraFrame | None = None
        self._late: list[tuple[int, CameraFrame]] = []

    def is_active(self, steady_ns: int, *kinds: FaultKind) -> bool:
        """Whether the fault is one of these kinds (any without names), and active."""
        plan = self.plan
        if plan is None or (kinds and plan.kind not in kinds):
            return False
        return plan.kind is not FaultKind.NONE and plan.is_active(steady_ns)

    def clock(self, stamp_ns: int, steady_ns: int) -> int:
        """Return the stamp that the clock shows."""
        if self.is_active(steady_ns, FaultKind.CLOCK_JUMP):
            self._note(steady_ns)
            return max(0, stamp_ns + round(JUMP_S * 1e9))
        return stamp_ns

    def odometry(self, odometry: Odometry, steady_ns: int) -> Odometry:
        """Return odometry with the stamp that the clock gives it."""
        return replace(odometry, stamp_ns=self.clock(odometry.stamp_ns, steady_ns))

    def deliver(self, taken: CameraFrame, steady_ns: int) -> CameraFrame | None:
        """Return the newest picture that arrives now, None when none does."""
        if not self.is_active(steady_ns):
            self._last = taken
            self._late.clear()
            return taken
        plan = self.plan
        kind = plan.kind if plan is not None else FaultKind.NONE
        rng = np.random.default_rng(
            [FAULT_STREAM, 0 if plan is None else plan.seed, taken.frame.stamp_ns]
        )
        if kind is FaultKind.DELAY:
            return self._delayed(taken, steady_ns)
        if kind is FaultKind.DROP and rng.random() >= DROP_SHARE:
            return taken
        if kind is not FaultKind.KILLED:
            self._note(steady_ns)
        if kind in (FaultKind.DROP, FaultKind.SILENT):
            return None
        if kind is FaultKind.TF_LOSS:
            return replace(taken, base_from_camera=None)
        if kind is FaultKind.CLOCK_JUMP:
            return _with(taken, stamp_ns=self.clock(taken.frame.stamp_ns, steady_ns))
        if kind is FaultKind.FREEZE and self._last is not None:
            frozen = self._last
            return replace(_with(taken, pixels=frozen.frame.pixels), depth_m=frozen.depth_m)
        if kind is FaultKind.BLACK:
            return _with(taken, pixels=np.zeros_like(taken.frame.pixels))
        if kind is FaultKind.CORRUPT:
            pixels = corrupted(taken.frame.pixels, rng)
            return None if pixels is None else _with(taken, pixels=pixels)
        return taken

    def _delayed(self, taken: CameraFrame, steady_ns: int) -> CameraFrame | None:
        """Return what was taken 0.3 s ago."""
        self._note(steady_ns)
        self._late.append((steady_ns + round(DELAY_S * 1e9), taken))
        due = [entry for entry in self._late if entry[0] <= steady_ns]
        self._late = self._late[len(due) :]
        return due[-1][1] if due else None

    def note_missing(self, steady_ns: int) -> None:
        """Note that nothing was delivered."""
        self._note(steady_ns)

    def _note(self, steady_ns: int) -> None:
        """Keep the time of the first wrong delivery."""
        if self.observable_ns is None:
            self.observable_ns = steady_ns


def corrupted(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """
    Return a picture whose JPEG stream has wrong bytes, ``None`` where the decoder refuses it.

    :param rgb: (H, W, 3) uint8.
    """
    stream = np.frombuffer(encode_compressed(ImageView(rgb, 'rgb8')), np.uint8).copy()
    places = rng.integers(min(700, len(stream) // 2), len(stream), CORRUPT_BYTES)
    stream[places] = rng.integers(0, 256, CORRUPT_BYTES)
    try:
        return decode_compressed(stream).to_frame().in_order(ColorOrder.RGB)
    except ImageError:
        return None


def _with(taken: CameraFrame, **changes: object) -> CameraFrame:
    """Return the picture with other pixels or another stamp."""
    frame: Frame = replace(taken.frame, **changes)  # type: ignore[arg-type]
    return replace(taken, frame=frame)
