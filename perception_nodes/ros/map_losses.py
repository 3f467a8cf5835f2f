"""What kept masks out of the map, for the diagnostics."""

from __future__ import annotations

from dataclasses import replace

from perception_nodes.mapping import UpdateStatus
from perception_nodes.mapping.map_stage import MapStage
from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.ros.mask_source import MaskSource


class MapLosses:
    """
    Adds to the figures of the frame path what became of masks on their way into the map.

    :ivar last_refusal: why the map refused a frame last.
    """

    def __init__(self) -> None:
        self.last_refusal = ''
        self._reported = 0

    def added_to(self, health: Health, source: MaskSource, stage: MapStage) -> Health:
        """Return the health with counters; masks lost since the last call are a warning."""
        counts, losses = stage.grid.counts, source.losses
        reason = source.last_loss or self.last_refusal
        health = replace(
            health,
            values={
                **health.values,
                **source.values,
                **{f'map ({status.value})': count for status, count in counts.updates.items()},
                **{f'map event ({event.value})': n for event, n in counts.events.items()},
                'unknown_labels': ', '.join(stage.unknown_labels()) or 'none',
                'last_loss': reason or 'none',
            },
        )
        lost = sum(losses.values()) + sum(counts.updates.values())
        lost -= counts.updates[UpdateStatus.FUSED]
        news, self._reported = lost - self._reported, lost
        if news <= 0 or health.level is Level.ERROR:
            return health
        level = Level.ERROR if losses['uncalibrated'] else Level.WARN
        return replace(health, level=level, message=f'{news} masks left out: {reason}')
