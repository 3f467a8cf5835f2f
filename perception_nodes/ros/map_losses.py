"""What kept masks out of the map, for the diagnostics."""

from __future__ import annotations

from collections import Counter
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
        self._reported: Counter[str] = Counter()
        self._words = 'none'

    def added_to(self, health: Health, source: MaskSource, stage: MapStage) -> Health:
        """Return the health with counters; masks lost since the last call are a warning."""
        # Copies: the worker counts on meanwhile.
        updates, events = dict(stage.grid.counts.updates), dict(stage.grid.counts.events)
        refused = {k.value: n for k, n in updates.items() if k is not UpdateStatus.FUSED}
        lost = source.losses + Counter(refused)
        news, self._reported = lost - self._reported, lost
        if news:
            self._words = self._cause(news, source)
        health = replace(
            health,
            values={
                **health.values,
                **source.values,
                **{f'map ({status.value})': count for status, count in updates.items()},
                **{f'map event ({event.value})': n for event, n in events.items()},
                'unknown_labels': ', '.join(stage.unknown_labels()) or 'none',
                'last_loss': self._words,
            },
        )
        if not news or health.level is Level.ERROR:
            return health
        level = Level.ERROR if 'uncalibrated' in news else Level.WARN
        message = f'{news.total()} masks left out: {self._words}'
        return replace(health, level=level, message=message)

    def _cause(self, news: Counter[str], source: MaskSource) -> str:
        """Return the cause of the newest losses in words."""
        if any(reason in source.losses for reason in news):
            return source.last_loss
        return self.last_refusal
