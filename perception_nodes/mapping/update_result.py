"""What became of the frames that a map was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from perception_nodes.mapping.motion import Verdict


class UpdateStatus(str, Enum):
    """What became of a frame. Everything but ``FUSED`` has left the map as it was."""

    FUSED = 'fused'
    TRANSFORM_MISSING = 'transform_missing'
    TRANSFORM_LATE = 'transform_late'
    TRANSFORM_WRONG = 'transform_wrong'
    FRAME_LATE = 'frame_late'
    ODOMETRY_JUMP = 'odometry_jump'
    OUTSIDE_WINDOW = 'outside_window'


class MapEvent(str, Enum):
    """What happened to the map as a whole before a frame was fused."""

    NONE = 'none'
    RESET = 'reset'
    REANCHORED = 'reanchored'


@dataclass(frozen=True, kw_only=True)
class UpdateResult:
    """
    What became of a frame.

    :param reason: why it was refused, or what happened to the map, in words.
    :param cells: cells that the frame saw.
    """

    status: UpdateStatus
    reason: str = ''
    event: MapEvent = MapEvent.NONE
    cells: int = 0


@dataclass
class GridCounts:
    """Frames by what became of them, and what happened to the map."""

    updates: Counter[UpdateStatus] = field(default_factory=Counter)
    events: Counter[MapEvent] = field(default_factory=Counter)


REFUSALS = {
    Verdict.LATE: UpdateResult(
        status=UpdateStatus.FRAME_LATE, reason='a frame of this time or later is already fused'
    ),
    Verdict.JUMP: UpdateResult(
        status=UpdateStatus.ODOMETRY_JUMP,
        reason='the robot cannot have moved so far (max_speed_m_s, max_turn_rad_s)',
    ),
}
"""Verdicts on a pose that keep a frame out of the map."""
