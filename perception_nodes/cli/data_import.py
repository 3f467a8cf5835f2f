"""``perception data import-bag``: frames of a rosbag2 as pictures to label, without ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.curation.bag_frames import CALIBRATION, FrameChoice, import_frames
from perception_nodes.imaging.sources.bag import BagSource
from perception_nodes.imaging.sources.source import SourceOptions


def import_bag(
    bag: Annotated[
        Path, typer.Argument(help='Folder of a rosbag2, or a .mcap or .db3 file.', exists=True)
    ],
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')],
    topic: Annotated[
        str, typer.Option(help='Image or CompressedImage; needed when there are several.')
    ] = '',
    every: Annotated[float, typer.Option(help='Seconds between frames, at least; 0: all.')] = 0.0,
    limit: Annotated[int | None, typer.Option(help='Most frames to write.')] = None,
    keep_duplicates: Annotated[
        bool, typer.Option('--keep-duplicates', help='Keep what a standing robot saw again.')
    ] = False,
) -> None:
    """
    Write the frames of an image topic with an index, and the camera's calibration.

    Frames that show the same as the one written last are left out.
    """
    choice = FrameChoice(every_s=every, limit=limit, keep_duplicates=keep_duplicates)
    with (
        BagSource(bag, SourceOptions(topic=topic)) as source,
        progress_bar(f'Reading {source.topic}', source.length) as advance,
    ):
        result = import_frames(source, bag.resolve().stem, out, choice, advance)
    left_out = {'show the same': result.same, 'too soon': result.too_soon, **result.unreadable}
    words = ', '.join(f'{count} {reason}' for reason, count in left_out.items() if count)
    console.print(f'{result.written} frames in {out}; left out: {words or "none"}', markup=False)
    if result.calibrated:
        console.print(f'Calibration: {out / CALIBRATION}', highlight=False, markup=False)
