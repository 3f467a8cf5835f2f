"""Frames at equal distances out of folders, videos and bags."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from perception_nodes.imaging.sources.registry import open_source
from perception_nodes.imaging.sources.source import FrameSource, SourceOptions
from perception_nodes.structures import Frame


def spread_frames(addresses: Sequence[str], most: int, *, topic: str = '') -> Iterator[Frame]:
    """
    Yield frames spread evenly over all of several sources.

    :param addresses: folders of pictures, videos, bags, as ``open_source`` takes them.
    :param most: number of frames; all when there are fewer.
    :param topic: image topic of bags; empty takes the only one.
    :raises ValueError: for a live camera, something that cannot be opened, or no frame at all.
    """
    options = SourceOptions(topic=topic)
    sources = [_recording(address, options) for address in addresses]
    count = 0
    try:
        total = sum(source.length or 0 for source in sources)
        parts = max(total, most)
        for number, frame in enumerate(itertools.chain.from_iterable(sources)):
            # The last frame of each of `most` equal parts.
            is_last = (number + 1) * most // parts > number * most // parts
            if is_last and count < most:
                count += 1
                yield frame
    finally:
        for source in sources:
            source.close()
    if not count:
        raise ValueError(f'no readable picture in {", ".join(addresses)}')


def _recording(address: str, options: SourceOptions) -> FrameSource:
    source = open_source(address, options)
    if source.live:
        source.close()
        raise ValueError(f'{address}: is a live camera; record it first (ros2 bag record)')
    return source
