"""Frames from videos, folders, bags and cameras; ``open_source`` finds the right one."""

from perception_nodes.imaging.sources.playback import Playback, PlaybackEnd
from perception_nodes.imaging.sources.registry import open_source
from perception_nodes.imaging.sources.source import (
    FolderStamps,
    FrameSource,
    RecordedFrame,
    SourceError,
    SourceOptions,
)

__all__ = [
    'FolderStamps',
    'FrameSource',
    'Playback',
    'PlaybackEnd',
    'RecordedFrame',
    'SourceError',
    'SourceOptions',
    'open_source',
]
