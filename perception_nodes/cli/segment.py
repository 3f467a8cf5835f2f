"""``perception segment``: the class of every pixel of pictures, folders, videos, without ROS."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from perception_nodes.cli.looking import OVERLAYS, look_at_all
from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.progress import console
from perception_nodes.cli.sources import find_sources
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.segmentation import SegmentationConfig, Segmenter
from perception_nodes.structures import UNLABELLED, Frame, SegmentationMask, settings_of
from perception_nodes.visualization import draw_mask
from perception_nodes.visualization.palette import PALETTE_RGB

MASKS, CONFIDENCE = 'masks', 'confidence'
_SETTINGS = settings_of(SegmentationConfig)
_PALETTE = tuple(PALETTE_RGB[number % len(PALETTE_RGB)] for number in range(UNLABELLED))


def _words(name: str) -> str:
    return f'{_SETTINGS[name][1].description}.'


def segment(
    sources: Annotated[list[str], typer.Argument(help='Pictures, folders, videos, patterns.')],
    model: ModelOption,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/segment'
    ),
    min_confidence: Annotated[
        float, typer.Option(help=_words('min_confidence'), min=0.0, max=1.0)
    ] = 0.0,
    class_map: Annotated[
        list[str] | None, typer.Option('--class-map', help=_words('class_map'))
    ] = None,
    confidence: Annotated[
        bool, typer.Option('--confidence', help='Also write 255 times the probability.')
    ] = False,
    overlays: Annotated[bool, typer.Option(help='Draw the masks on copies.')] = True,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Segment images, folders and videos; write masks as PNG and overlays."""
    found = find_sources(sources)
    config = SegmentationConfig(min_confidence=min_confidence, class_map=tuple(class_map or ()))
    segmenter = Segmenter.load(model, device=device, precision=precision, threads=threads)
    segmenter.check(config)
    console.print(segmenter.description, highlight=False)
    names = segmenter.classes_under(config)
    written: set[Path] = set()

    def look(frame: Frame, name: str) -> tuple[Callable[[], np.ndarray], str]:
        mask = segmenter(frame, config)
        _write(mask, out, _free_name(name, written), names, confidence=confidence)
        draw = functools.partial(
            draw_mask, frame.pixels, mask, names, color_order=frame.color_order
        )
        return draw, ''

    failed = look_at_all(found, 'Segmenting', look, out / OVERLAYS if overlays else None)
    console.print(f'{len(written)} masks → {out / MASKS}', highlight=False)
    segmenter.close()
    if failed:
        raise typer.Exit(code=1)


def _free_name(name: str, written: set[Path]) -> Path:
    """Return the file name of a mask; pictures of one name in several folders get a number."""
    path, _, index = name.partition('#')
    stem = Path(path).stem + (f'_{index}' if index else '')
    choice, number = Path(f'{stem}.png'), 1
    while choice in written:
        number += 1
        choice = Path(f'{stem}_{number}.png')
    written.add(choice)
    return choice


def _write(
    mask: SegmentationMask, out: Path, name: Path, names: tuple[str, ...], *, confidence: bool
) -> None:
    write_index_png(out / MASKS / name, mask.class_ids, palette_rgb=_PALETTE, names=names)
    if confidence:
        write_index_png(out / CONFIDENCE / name, mask.certainty)
