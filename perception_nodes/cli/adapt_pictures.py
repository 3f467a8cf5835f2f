"""Frames at equal distances out of folders, videos and bags."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from perception_nodes.imaging.sources import FrameSource, SourceOptions, open_source
from perception_nodes.structures import Frame


def read_spread(addresses: Sequence[str], most: int, *, topic: str = '') -> list[Frame]:
    """
    Return frames spread evenly over all of several sources.

    :param addresses: folders of pictures, videos, bags, as ``open_source`` takes them.
    :param most: number of frames; all when there are fewer.
    :param topic: image topic of bags; empty takes the only one.
    :raises ValueError: for a live camera, something that cannot be opened, or no frame at all.
    """
    options = SourceOptions(topic=topic)
    sources = [_recording(address, options) for address in addresses]
    try:
        total = sum(source.length or 0 for source in sources)
        parts = max(total, most)
        # The last frame of each of `most` equal parts.
        frames = [
            frame
            for number, frame in enumerate(itertools.chain.from_iterable(sources))
            if (number + 1) * most // parts > number * most // parts
        ]
    finally:
        for source in sources:
            source.close()
    if not frames:
        raise ValueError(f'no readable picture in {", ".join(addresses)}')
    return frames[:most]


def _recording(address: str, options: SourceOptions) -> FrameSource:
    source = open_source(address, options)
    if source.live:
        source.close()
        raise ValueError(f'{address}: is a live camera; record it first (ros2 bag record)')
    return source
