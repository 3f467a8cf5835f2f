"""What a camera says about itself."""

from __future__ import annotations

from collections.abc import Mapping

from perception_nodes.imaging.sources import Playback, PlaybackEnd
from perception_nodes.ros.camera_config import CameraConfig
from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.streaming import AgeSummary


def camera_health(
    config: CameraConfig,
    playback: Playback,
    summary: AgeSummary,
    *,
    skipped: Mapping[str, int],
    subscribers: int,
    waiting: bool,
    end: PlaybackEnd | None,
) -> Health:
    """
    Return level, cause and figures.

    :param summary: durations of publishing.
    :param skipped: ``{reason: count}`` of pictures that could not be read.
    :param waiting: subscribers are waited for.
    :param end: None while it plays.
    """
    level, message = _verdict(config, playback, skipped, waiting=waiting, end=end)
    return Health(
        level=level,
        message=message,
        values={
            'source': config.source,
            'pacing': config.pacing,
            'published': playback.delivered,
            'rate_hz': summary.rate_hz,
            'publish_p50_ms': summary.p50_ms,
            'publish_p95_ms': summary.p95_ms,
            'finished': end is not None,
            'passes': playback.passes,
            'slips': playback.slips,
            'subscribers': subscribers,
            'skipped': sum(skipped.values()),
            **{f'skipped ({reason})': count for reason, count in sorted(skipped.items())},
        },
    )


def _verdict(
    config: CameraConfig,
    playback: Playback,
    skipped: Mapping[str, int],
    *,
    waiting: bool,
    end: PlaybackEnd | None,
) -> tuple[Level, str]:
    """Return the worst finding first."""
    if end is not None and end.error:
        return Level.ERROR, f'playback ended: {end.error}'
    if skipped:
        reasons = ', '.join(f'{count} {reason}' for reason, count in sorted(skipped.items()))
        return Level.WARN, f'pictures skipped: {reasons}; the log names them'
    if end is not None:
        return Level.OK, f'finished after {end.delivered} frames'
    if waiting:
        return Level.OK, f'waiting for {config.wait_for_subscribers} subscribers'
    return Level.OK, 'paused, call ~/play' if playback.paused else 'playing'
