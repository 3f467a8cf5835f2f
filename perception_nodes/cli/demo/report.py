"""The page that a demo leaves behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from perception_nodes.cli.demo.pictures import Scene, count_errors, worst_moments
from perception_nodes.evaluation.demo_result import (
    SMALLEST_SIDE_PX,
    ClassResult,
    DemoResult,
    Percentiles,
)
from perception_nodes.evaluation.demo_run import DemoRun, RunFrame
from perception_nodes.evaluation.matching import DEFAULT_IOU, Counts, total
from perception_nodes.visualization.plots import (
    PrecisionRecallCurve,
    latency_svg,
    precision_recall_svg,
)
from perception_nodes.visualization.report import (
    Block,
    Figure,
    Figures,
    Gallery,
    Picture,
    Plot,
    Report,
    Section,
    Table,
    Text,
    Video,
    contact_sheet,
    picture,
)

_SHEET_PICTURES = 12
_TILE_WIDTH = 420
_PHASE_WORDS = {
    'wait_s': 'waiting for the worker',
    'convert_s': 'message to pixels',
    'preprocess_s': 'pixels to network input',
    'inference_s': 'network',
    'postprocess_s': 'network output to boxes',
    'publish_s': 'boxes to messages, publish',
    'total_s': 'arrival to published result',
}


def build_report(
    scene: Scene,
    result: DemoResult,
    *,
    drive: Sequence[Section] = (),
    video: str,
    facts: Mapping[str, str],
    command: str,
) -> Report:
    """
    Return the page.

    :param drive: sections about driving and mapping; they come after the pictures.
    :param video: path of the video relative to the page.
    :param facts: what was measured on what, heading and text.
    :param command: what makes the same page again.
    """
    run = scene.run
    when = time.strftime('%Y-%m-%d %H:%M %Z')
    return Report(
        title='What the robot saw',
        subtitle=(
            f'{result.simulated_s:.0f} simulated seconds on a marked course, {when}. Simulator, '
            'nodes and recorder ran as separate processes and talked over DDS. '
            f'Detector: {run.model or "unknown"}.'
        ),
        sections=(
            Section(title='In short', blocks=(_key_figures(result),)),
            Section(title='Video', blocks=(_video(scene, video),)),
            *drive,
            Section(title='Pictures', blocks=_pictures(scene)),
            Section(title='Detections, right and wrong', blocks=_quality(run, result)),
            Section(title='Latency', blocks=_latency(result)),
            Section(title='Frames', blocks=(_frames(result),)),
            Section(title='Machine and method', blocks=(_machine(facts), _method())),
        ),
        footer=f'Made by: {command}',
    )


def _key_figures(result: DemoResult) -> Figures:
    overall, latency = result.overall, result.latency
    dropped = result.pictures - result.answered
    return Figures(
        items=(
            Figure(
                label='Precision',
                value=_share(overall.precision),
                note=f'{overall.hits} of {overall.hits + overall.extra} boxes are right',
            ),
            Figure(
                label='Recall',
                value=_share(overall.recall),
                note=f'{overall.hits} of {overall.hits + overall.missed} objects found',
            ),
            Figure(
                label='Latency, picture to boxes',
                value=f'{latency.p50:.0f} ms',
                note=f'median; p95 {latency.p95:.0f} ms, p99 {latency.p99:.0f} ms',
            ),
            Figure(
                label='Results per second',
                value=f'{result.results_per_s:.1f}',
                note='wall time, on the machine below',
            ),
            Figure(
                label='Pictures without a result',
                value=str(dropped),
                note=f'of {result.pictures} taken',
            ),
            Figure(
                label='Real-time factor',
                value=f'{result.real_time_factor:.2f}',
                note=f'{result.simulated_s:.0f} s simulated in {result.wall_s:.0f} s',
            ),
        )
    )


def _video(scene: Scene, video: str) -> Video:
    shown = [frame for frame in scene.run.frames if frame.jpeg and frame.found is not None]
    poster = ''
    if shown:
        richest = max(shown, key=lambda frame: len(frame.found) if frame.found is not None else 0)
        poster = picture(scene.video_picture(richest)).data_uri
    return Video(
        source=video,
        poster=poster,
        caption='Boxes: what the detector published, with its score; white dashes: what is really '
        'there. Tint: classes of the segmenter. Green line: the path that is followed. Right: '
        'the map so far, the lane in orange, the way in blue. Plays in simulated time.',
    )


def _pictures(scene: Scene) -> tuple[Block, ...]:
    """Return pictures evenly spread over the run, and those with the most errors."""
    frames = [
        f for f in scene.run.frames if f.jpeg and f.found is not None and f.truth is not None
    ]
    if not frames:
        return (Text(paragraphs=('No picture has both an answer and ground truth.',)),)
    spread = np.unique(np.linspace(0, len(frames) - 1, _SHEET_PICTURES).astype(int))
    tiles = [scene.picture(frames[i], width=_TILE_WIDTH) for i in spread]
    sheet = contact_sheet(tiles, columns=3, tile_width=_TILE_WIDTH)
    worst = worst_moments(frames)
    return (
        Gallery(pictures=(picture(sheet, f'{len(spread)} moments, evenly spread over the run'),)),
        Gallery(pictures=tuple(_worst(scene, frame) for frame in worst)),
    )


def _worst(scene: Scene, frame: RunFrame) -> Picture:
    caption = f'among the worst moments: {count_errors(frame)} boxes missed or extra'
    return picture(scene.picture(frame), caption)


def _quality(run: DemoRun, result: DemoResult) -> tuple[Block, ...]:
    there = {name: item for name, item in result.classes.items() if item.truths}
    phantoms = [name for name in result.classes if name not in there]
    rows = [_class_row(name, item.counts) for name, item in there.items()]
    if phantoms:
        counts = total({name: result.classes[name].counts for name in phantoms})
        rows.append(_class_row(f'never there: {", ".join(phantoms)}', counts))
    rows.append(_class_row('all', result.overall))
    table = Table(
        columns=('class', 'objects', 'found', 'missed', 'extra', 'precision', 'recall'),
        rows=tuple(rows),
        caption=f'A box is right when class and place agree (overlap ≥ {DEFAULT_IOU}). Objects '
        f'with a side below {SMALLEST_SIDE_PX:.0f} pixels do not count, nor do boxes of that '
        'size. An object counts once in every picture it is in.',
    )
    curves = [
        _curve(run.class_names.index(name), name, item)
        for name, item in there.items()
        if len(item.scores)
    ]
    plot = Plot(
        svg=precision_recall_svg(curves),
        caption='From the boxes as published, so the lines end (dot) at the threshold in use.',
    )
    if not result.unknown_classes:
        return (table, plot)
    note = 'Not counted, because the model does not know them: '
    return (table, plot, Text(paragraphs=(note + ', '.join(result.unknown_classes) + '.',)))


def _class_row(name: str, counts: Counts) -> tuple[object, ...]:
    truths = counts.hits + counts.missed
    figures = (counts.precision, counts.recall)
    return (name, truths, counts.hits, counts.missed, counts.extra, *figures)


def _curve(class_id: int, name: str, item: ClassResult) -> PrecisionRecallCurve:
    recall, precision = item.curve()
    return PrecisionRecallCurve(
        name=name,
        recall=recall,
        precision=precision,
        class_id=class_id,
        operating_point=(float(recall[-1]), float(precision[-1])),
    )


def _latency(result: DemoResult) -> tuple[Block, ...]:
    plot = Plot(
        svg=latency_svg(result.latency_at_s, result.latency_ms, x_label='simulated time [s]'),
        caption='From the publication of a picture to the publication of its boxes, by the time '
        'stamps that the middleware gives at the publishers (wall clock of one machine).',
    )
    rows = [('picture published to boxes published', *_milliseconds(result.latency))]
    rows += [(_PHASE_WORDS[name], *_milliseconds(item)) for name, item in result.phases.items()]
    table = Table(
        columns=('milliseconds', 'p50', 'p95', 'p99', 'largest'),
        rows=tuple(rows),
        caption='First row: the whole graph. Others: inside the detector, by its steady clock.',
        digits=1,
    )
    return (plot, table)


def _milliseconds(item: Percentiles) -> tuple[float, ...]:
    return (item.p50, item.p95, item.p99, item.largest)


def _frames(result: DemoResult) -> Table:
    counters = result.counters
    received = counters.get('received')
    rows: tuple[tuple[object, ...], ...] = (
        ('taken by the simulator', result.pictures),
        ('received by the recorder', result.recorded),
        ('received by the detector', received),
        ('lost on the way to it', None if received is None else result.pictures - received),
        ('replaced by a newer one before work began', counters.get('dropped')),
        ('refused as broken', counters.get('refused')),
        ('answered with boxes, or with "nothing found"', result.answered),
    )
    return Table(
        columns=('pictures', 'number'),
        rows=rows,
        caption='The detector always works on the newest picture: on a machine that is too slow, '
        'older ones are replaced, and counted. Its counters are those of its last result.',
    )


def _machine(facts: Mapping[str, str]) -> Table:
    return Table(columns=('what', 'value'), rows=tuple(facts.items()))


def _method() -> Text:
    return Text(
        paragraphs=(
            'Every figure is computed from the recorded bag, after the run. Pictures in the bag '
            'are JPEG copies; the detector saw the raw pictures. Precision and recall count '
            'pictures with an answer; pictures without one are counted above. The course and its '
            'objects come from the same simulator as the training pictures of the bundled '
            'models, so these figures say nothing about real cameras. Simulated time waits for '
            'the answers to each picture, so a slow machine takes longer and sees the same.',
        )
    )


def _share(value: float) -> str:
    return f'{100 * value:.1f} %' if np.isfinite(value) else '–'
