"""``perception select``: which pictures to label next."""

from __future__ import annotations

import csv
import shlex
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from perception_nodes.classification import Classifier
from perception_nodes.cli.model_options import DeviceOption, PrecisionOption, ThreadsOption
from perception_nodes.cli.opened_model import open_model
from perception_nodes.cli.progress import console, track
from perception_nodes.cli.report_blocks import leave, thumbnail
from perception_nodes.cli.sources import find_sources
from perception_nodes.curation.selection import (
    Strategy,
    doubt_of_boxes,
    doubt_of_classes,
    doubt_of_mask,
    select,
    unlikeness,
)
from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.fewshot.embedding import Embedder, GradientColorEmbedder
from perception_nodes.inference.registry import resolve_model
from perception_nodes.segmentation import SegmentationConfig, Segmenter
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization.report import (
    Gallery,
    Report,
    Section,
    Text,
    picture,
)

_FAINTEST = 0.05
_THUMBNAIL_PX = 360
_WHOLE_PICTURE = GradientColorEmbedder(center_width=0.0)
"""Unlike crops of one thing, all of a picture counts."""


def select_command(
    sources: Annotated[list[str], typer.Argument(help='Unlabelled pictures: folders, patterns.')],
    count: Annotated[int, typer.Option('--count', '-n', help='Pictures to choose.', min=1)],
    model: Annotated[
        str, typer.Option('--model', '-m', help='What doubts; not needed for diversity, random.')
    ] = '',
    labelled: Annotated[
        list[str] | None, typer.Option(help='Pictures that are labelled already; repeatable.')
    ] = None,
    strategy: Annotated[
        str, typer.Option(help=f'One of {", ".join(item.value for item in Strategy)}.')
    ] = Strategy.BOTH.value,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/select'
    ),
    copy: Annotated[bool, typer.Option(help='Copy the chosen pictures to OUT/pictures.')] = True,
    seed: Annotated[int, typer.Option(min=0, help='Of random.')] = 0,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Choose the pictures that are most worth labelling."""
    wanted = _strategy(strategy)
    if wanted in (Strategy.BOTH, Strategy.UNCERTAINTY) and not model:
        raise ValueError(
            f'--strategy {wanted.value} asks what a model doubts; give --model, or take '
            f'{Strategy.DIVERSITY.value}'
        )
    paths = _pictures(sources)
    doubt = _doubter(model, device=device, precision=precision, threads=threads)
    vectors, doubts = [], []
    for path in track(paths, 'Looking'):
        frame = read_picture(path)
        vectors.append(_vector(_WHOLE_PICTURE, frame))
        doubts.append(doubt(frame))
    placed = np.array(vectors, np.float32)
    already = _known_vectors(labelled) if labelled else None
    chosen = select(placed, np.array(doubts), count, wanted, known=already, seed=seed)
    entries = [
        Chosen(path=paths[number], doubt=doubts[number], unlike=float(unlike))
        for number, unlike in zip(chosen, unlikeness(placed, chosen, already), strict=True)
    ]
    words = [*sources, '--count', str(count), '--strategy', wanted.value, '--seed', str(seed)]
    words += ['--model', model] if model else []
    words += [word for place in labelled or () for word in ('--labelled', place)]
    record = {
        'command': shlex.join(['perception', 'select', *words]), 'strategy': wanted.value,
        'model': model, 'labelled': labelled or [], 'seed': seed, 'looked_at': len(paths),
    }  # fmt: skip
    _write(entries, record, out, copy=copy)
    console.print(f'{len(entries)} of {len(paths)} pictures → {out}', highlight=False)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """
    A picture to label, and why.

    :param doubt: of the model, 0..1.
    :param unlike: how far it is from those before it and from the labelled ones, 0..1.
    """

    path: Path
    doubt: float
    unlike: float


def _strategy(text: str) -> Strategy:
    names = [item.value for item in Strategy]
    if text not in names:
        raise ValueError(f'--strategy: {text!r} is not one of {", ".join(names)}')
    return Strategy(text)


def _pictures(sources: list[str]) -> list[Path]:
    found = [source.path for source in find_sources(sources) if not source.is_video]
    if not found:
        raise ValueError('no picture: take frames out of videos and bags first')
    return found


def _vector(embedder: Embedder, frame: Frame) -> np.ndarray:
    return embedder(np.ascontiguousarray(frame.in_order(ColorOrder.RGB)))


def _known_vectors(labelled: list[str]) -> np.ndarray:
    """Return (M, D) float32 of the pictures that are labelled already."""
    paths = track(_pictures(labelled), 'Looking at labelled')
    return np.array([_vector(_WHOLE_PICTURE, read_picture(path)) for path in paths], np.float32)


def _doubter(model: str, **where: object) -> Callable[[Frame], float]:
    """Return what tells how much a model doubts a picture; 0 without a model."""
    if not model:
        return lambda _frame: 0.0
    opened = open_model(resolve_model(model), **where)
    console.print(opened.description, highlight=False)
    if isinstance(opened, Detector):
        boxes = DetectionConfig(score_threshold=_FAINTEST)
        return lambda frame: doubt_of_boxes(opened(frame, boxes))
    if isinstance(opened, Segmenter):
        pixels = SegmentationConfig(min_confidence=0.0)
        return lambda frame: doubt_of_mask(opened(frame, pixels))
    if isinstance(opened, Classifier):
        return lambda frame: doubt_of_classes(opened(frame))
    raise ValueError(f'{model}: a model for {opened.task} tells no doubt; take a detector, '
                     'segmenter or classifier')  # fmt: skip


def _write(entries: list[Chosen], record: dict[str, Any], out: Path, *, copy: bool) -> None:
    """Write the list, copies for the labelling tool, figures and page."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / 'selected.csv').open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(('picture', 'doubt', 'unlike'))
        writer.writerows(
            (item.path, f'{item.doubt:.4f}', f'{item.unlike:.4f}') for item in entries
        )
    if copy:
        (out / 'pictures').mkdir(exist_ok=True)
        for number, item in enumerate(entries):
            shutil.copy2(item.path, out / 'pictures' / f'{number:04d}_{item.path.name}')
    words = (
        f'{len(entries)} of {record["looked_at"]} pictures, the most wanted first. Doubt: what '
        'the model does not know, 0 to 1. Unlike: how far a picture is from those before it and '
        'from the labelled ones, 0 to 1.'
    )
    gallery = Gallery(pictures=tuple(
        picture(
            thumbnail(read_picture(item.path), _THUMBNAIL_PX),
            f'{item.path.name}: doubt {item.doubt:.2f}, unlike {item.unlike:.2f}',
        )
        for item in entries
    ))  # fmt: skip
    page = Report(
        title='Pictures to label', subtitle=f'strategy {record["strategy"]}',
        sections=(Section(title='Chosen', blocks=(Text(paragraphs=(words,)), gallery)),),
        footer=record['command'],
    )  # fmt: skip
    leave(page, {**record, 'pictures': [asdict(item) for item in entries]}, out)
