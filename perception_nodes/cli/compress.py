"""``perception compress``: faster forms of a model, measured, and the one to take."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as ConsoleTable

from perception_nodes.cli.model_options import ModelOption, ThreadsOption
from perception_nodes.cli.opened_model import open_model
from perception_nodes.cli.progress import console, track
from perception_nodes.compression.bundles import int8_forms
from perception_nodes.compression.scoring import LabelledSet, open_labelled
from perception_nodes.compression.tradeoff import (
    Candidate,
    NoCandidate,
    chosen,
    latencies_ms,
    pareto,
)
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.machine import describe_machine, multiplies_int8
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Plot,
    Report,
    Section,
    Table,
    Text,
    write_report,
)
from perception_nodes.visualization.tradeoff_plots import tradeoff_svg

ORIGINAL = 'fp32'
_TIMED_FRAMES = 8
_NO_INT8 = (
    'this processor has no instructions for 8-bit products (VNNI, Arm dot product): int8 is '
    'neither fast nor exact here; measure on the robot'
)


def compress(
    model: ModelOption,
    data: Annotated[
        str, typer.Option(help='Pictures like those to come, to measure ranges on; like --val.')
    ],
    val: Annotated[
        str, typer.Option(help='Labelled set that decides, as perception evaluate takes it.')
    ],
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/compress'
    ),
    bundle: Annotated[
        Path | None, typer.Option(help='Folder of the bundle; else OUT/bundle.')
    ] = None,
    max_loss: Annotated[
        float, typer.Option(help='Largest loss of score, 0..1.', min=0.0, max=1.0)
    ] = 0.01,
    target_latency: Annotated[
        float, typer.Option(help='Milliseconds to reach; 0: the fastest within --max-loss.', min=0)
    ] = 0.0,
    pictures: Annotated[int, typer.Option(help='For measuring ranges.', min=1)] = 48,
    rounds: Annotated[int, typer.Option(help='Timed runs of every form.', min=1)] = 60,
    threads: ThreadsOption = 0,
) -> None:
    """Quantise a model to int8 in several ways, measure all, write the one to take."""
    source = resolve_model(model)
    labelled = open_labelled(source.spec.task, val)
    ranges = spread_over(open_labelled(source.spec.task, data).pictures, pictures)
    quantised = int8_forms(
        source, ranges, out / 'forms', lambda form: open_model(form, device='cpu'), track
    )
    forms = {ORIGINAL: source, **quantised}
    opened = {
        name: open_model(form, device='cpu', threads=threads) for name, form in forms.items()
    }
    candidates = _measured(opened, forms, labelled, rounds)
    for item in opened.values():
        item.close()
    target_ms = target_latency or None
    try:
        taken = chosen(candidates, max_loss=max_loss, target_ms=target_ms)
    except NoCandidate:
        _tell(candidates, None, labelled.metric)
        raise
    if not multiplies_int8():
        console.print(_NO_INT8, style='yellow')
    target = bundle or out / 'bundle'
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(forms[taken.name].path, target)
    record = {
        'model': source.name, 'weights_sha256': source.spec.weights.sha256, 'val': val,
        'data': f'{len(ranges)} pictures of {data}', 'metric': labelled.metric,
        'max_loss': max_loss, 'target_latency_ms': target_ms, 'threads': threads,
        'machine': describe_machine(), 'candidates': [asdict(one) for one in candidates],
        'chosen': taken.name,
    }  # fmt: skip
    (out / 'compress.json').write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')
    write_report(_report(record, candidates, taken, target_ms), out / 'report.html')
    _tell(candidates, taken, labelled.metric)
    console.print(f'"{taken.name}" → {target}', highlight=False)


def _measured(
    opened: dict[str, FrameModel],
    forms: dict[str, ModelBundle],
    labelled: LabelledSet,
    rounds: int,
) -> list[Candidate]:
    """Return the figures of all forms, the original first."""
    frames = [read_picture(path) for path in spread_over(labelled.pictures, _TIMED_FRAMES)]
    with console.status('Timing all forms in turn'):
        times = latencies_ms(opened, frames, rounds)
    return [
        Candidate(
            name=name,
            score=labelled.score(item, track),
            latency_ms=times[name][0],
            network_ms=times[name][1],
            size_mb=forms[name].file(forms[name].spec.weights.file).stat().st_size / 1e6,
        )
        for name, item in opened.items()
    ]


def _rows(candidates: Sequence[Candidate]) -> list[tuple[Any, ...]]:
    """Return the cells of the table; paces are multiples of the original's."""
    first = candidates[0]
    return [
        (
            one.name, one.score, one.latency_ms, first.latency_ms / one.latency_ms,
            one.network_ms, first.network_ms / one.network_ms, one.size_mb,
        )
        for one in candidates
    ]  # fmt: skip


def _columns(metric: str) -> tuple[str, ...]:
    return ('form', metric, 'ms', 'times as fast', 'network ms', 'times as fast', 'MB')


def _tell(candidates: Sequence[Candidate], taken: Candidate | None, metric: str) -> None:
    """Show the table; the figures are results and go to stdout."""
    table = ConsoleTable()
    for heading in _columns(metric):
        table.add_column(heading, justify='left' if heading == 'form' else 'right')
    for name, score, *figures in _rows(candidates):
        style = 'bold' if taken is not None and taken.name == name else ''
        table.add_row(name, f'{score:.4f}', *(f'{value:.2f}' for value in figures), style=style)
    Console().print(table)


def _report(
    record: dict[str, Any],
    candidates: Sequence[Candidate],
    taken: Candidate,
    target_ms: float | None,
) -> Report:
    """Return the page."""
    metric, first = record['metric'], candidates[0]
    plot = tradeoff_svg(
        [(one.name, one.latency_ms, one.score) for one in candidates],
        front=[one.name for one in pareto(candidates)],
        chosen=taken.name,
        metric=metric,
        target_ms=target_ms,
    )
    figures = Figures(
        items=(
            Figure(label='taken', value=taken.name),
            Figure(label=metric, value=f'{taken.score:.3f}', note=f'{first.score:.3f} before'),
            Figure(
                label='median time', value=f'{taken.latency_ms:.1f} ms',
                note=f'{first.latency_ms:.1f} ms before, in the same run',
            ),
        )
    )  # fmt: skip
    table = Table(columns=_columns(metric), rows=tuple(_rows(candidates)))
    machine = Text(paragraphs=(', '.join(f'{k}: {v}' for k, v in record['machine'].items()),))
    return Report(
        title=f'{record["model"]}, compressed',
        subtitle=f'Scored on {record["val"]}; ranges from {record["data"]}.',
        sections=(
            Section(title='Result', blocks=(figures, Plot(svg=plot), table)),
            Section(title='Machine', blocks=(machine,)),
        ),
    )
