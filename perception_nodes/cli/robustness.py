"""``perception robustness``: what worse pictures cost a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as ConsoleTable

from perception_nodes.cli.attack_report import attack_section, rows_of
from perception_nodes.cli.attacks import (
    AttackResult,
    AttacksOption,
    EpsilonOption,
    IterationsOption,
    RestartsOption,
    StepOption,
    SurrogateOption,
    attacked_result,
    planned,
)
from perception_nodes.cli.evaluation_options import RenameOption, cell, described, renames_of
from perception_nodes.cli.model_options import DeviceOption, PrecisionOption, ThreadsOption
from perception_nodes.cli.opened_model import open_model
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.report_blocks import leave
from perception_nodes.cli.robustness_kept import KeptStands
from perception_nodes.cli.robustness_pictures import worst_pictures
from perception_nodes.cli.robustness_report import robustness_report
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.registry import resolve_model
from perception_nodes.robustness import CORRUPTIONS, SEVERITIES
from perception_nodes.robustness.opening import SUBJECTS, open_labelled, subject_of
from perception_nodes.robustness.segmentation import SegmentationSubject
from perception_nodes.robustness.stand import METRIC_WORDS, Robustness, Stand, hardest
from perception_nodes.robustness.subject import Spoil, Subject
from perception_nodes.robustness.suite import SUITE_VERSION, check_choice
from perception_nodes.visualization.report import Section

if TYPE_CHECKING:
    from perception_nodes.robustness.attacking import AttackPlan

_CLEAN, _NONE = 'clean', 'none'


def robustness(
    data: Annotated[
        str,
        typer.Option(
            help='As the task of the model has it: camvid:folder@val, masks:folder[::10]; '
            'coco:annotations.json, voc:folder@val; folder:DIR.'
        ),
    ],
    model: Annotated[
        list[str],
        typer.Option(
            '--model',
            '-m',
            help='Segmenter, detector or classifier; repeated: compared with the first.',
        ),
    ],
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/robustness'
    ),
    images: Annotated[Path | None, typer.Option(help='Folder of the pictures, for coco.')] = None,
    rename: RenameOption = None,
    corruption: Annotated[
        list[str] | None, typer.Option(help=f'Default: all; or none. {", ".join(CORRUPTIONS)}.')
    ] = None,
    severity: Annotated[list[int] | None, typer.Option(help='1 to 5; default: all.')] = None,
    attacks: AttacksOption = '',
    epsilon: EpsilonOption = 4,
    step: StepOption = 0.0,
    iterations: IterationsOption = 20,
    restarts: RestartsOption = 1,
    surrogate: SurrogateOption = '',
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Measure models on corrupted pictures, segmenters on attacked ones too; one report."""
    renamed = renames_of(rename)
    plan = planned(attacks, epsilon, iterations, restarts, step)
    bundles = [resolve_model(address) for address in model]
    task = _task_of(bundles)
    names, severities = _choice(task, corruption), severity or list(SEVERITIES)
    check_choice(names, severities)
    labelled = open_labelled(task, data, images)
    digest = labelled.digest()
    results, worst, attacked, sections, runs = {}, {}, {}, [], []
    for number, (bundle, address) in enumerate(zip(bundles, model, strict=True)):
        opened = open_model(bundle, device=device, precision=precision, threads=threads)
        subject: Subject = subject_of(opened, labelled, renamed)
        console.print(opened.description, highlight=False)
        runs.append(described(opened))
        identity = {
            'data_sha256': digest, 'suite': SUITE_VERSION, 'renamed': renamed, **runs[-1],
        }  # fmt: skip
        kept = KeptStands(out / f'stands_{number}.json', identity)
        name = bundle.name if len(model) == 1 else f'{number + 1}: {address}'
        if plan is not None:  # first: a model without gradients is refused at once
            folder = out / 'attacked' / str(number)
            attacked[name], section = _under_attack(
                subject, plan, folder, name, surrogate=surrogate, threads=threads
            )
            sections.append(section)
        results[name] = _measured(subject, name, names, severities, kept)
        worst[name] = worst_pictures(subject, results[name])
        opened.close()
    record: dict[str, Any] = {
        'data': data, 'data_sha256': digest, 'suite': SUITE_VERSION, 'task': task,
        'pictures': len(subject.names), 'severities': severities, 'renamed': renamed,
        'left_out': _left_out(task) if names else {}, 'machine': describe_machine(),
        'models': [
            {**run, **results[name].to_dict(), **_attack_record(attacked.get(name))}
            for name, run in zip(results, runs, strict=True)
        ],
    }  # fmt: skip
    middle = subject.names[len(subject.names) // 2]
    shown = (middle, subject.frame(middle))
    report = robustness_report(list(results.values()), worst, shown, record, sections)
    page = leave(report, record, out, 'metrics.json')
    _print(list(results.values()), record['left_out'])
    _print_attacked(attacked)
    console.print(f'→ {page}', highlight=False)


def _task_of(bundles: Sequence[ModelBundle]) -> str:
    """Return the task of all models."""
    tasks = list(dict.fromkeys(bundle.spec.task for bundle in bundles))
    if len(tasks) > 1:
        raise ValueError(
            f'models for {", ".join(tasks)} cannot be compared; give those of one task'
        )
    return tasks[0]


def _left_out(task: str) -> Mapping[str, str]:
    """Return the corruptions after which the labels of a task are no longer true, and why."""
    left_out: Mapping[str, str] = SUBJECTS[task].left_out if task in SUBJECTS else {}
    return left_out


def _choice(task: str, asked: list[str] | None) -> list[str]:
    """
    Return the corruptions to measure.

    :raises ValueError: when one is asked for after which the labels are no longer true.
    """
    if asked == [_NONE]:
        return []
    left_out = _left_out(task)
    for name in asked or ():
        if name in left_out:
            raise ValueError(f'corruption {name!r}: not for {task}, since {left_out[name]}')
    return asked or [name for name in CORRUPTIONS if name not in left_out]


def _under_attack(
    subject: Subject, plan: AttackPlan, folder: Path, name: str, **how: Any
) -> tuple[AttackResult, Section]:
    """
    Attack a segmenter; return the figures, and the section of the page.

    :raises ValueError: for a model of another task, or where classes are renamed.
    """
    if not isinstance(subject, SegmentationSubject) or subject.renamed:
        raise ValueError('--attacks: segmenters alone are attacked, and without --rename')
    pair = subject.model, subject.labelled
    result = attacked_result(*pair, plan, folder, **how)
    return result, attack_section(*pair, name, result)


def _attack_record(result: AttackResult | None) -> dict[str, Any]:
    """Return what the JSON file says about the attacks on a model."""
    return {} if result is None else {'under_attack': result.to_dict()}


def _measured(
    subject: Subject, model: str, names: Sequence[str], severities: Sequence[int], kept: KeptStands
) -> Robustness:
    """Return how a model stands, with a progress bar."""
    pictures = len(subject.names)
    with progress_bar('Corrupting and looking', pictures * (1 + len(names) * len(severities))) as (
        advance
    ):

        def stand(key: str, corruption: Spoil) -> Stand:
            if key in kept:
                advance(pictures, key)
            return kept.get(key, lambda: subject.stand(corruption, lambda: advance(1, key)))

        clean = stand(_CLEAN, None)
        by_corruption = {
            name: {level: stand(f'{name} {level}', (name, level)) for level in severities}
            for name in names
        }
    return Robustness(model=model, metric=subject.metric, clean=clean, by_corruption=by_corruption)


def _print(results: Sequence[Robustness], left_out: Mapping[str, str]) -> None:
    """Show the table, if anything was corrupted; the figures are results and go to stdout."""
    if not results[0].by_corruption:
        return
    table = ConsoleTable(title=METRIC_WORDS[results[0].metric])
    for heading in ('', *(item.model for item in results)):
        table.add_column(heading, justify='right' if heading else 'left')
    table.add_row(_CLEAN, *(cell(item.clean.score) for item in results))
    table.add_section()
    for name in hardest(results[0]):
        table.add_row(name, *(cell(item.mean_of(name)) for item in results))
    table.add_section()
    table.add_row('mean of all', *(cell(item.score) for item in results))
    table.add_row('of clean', *(f'{item.ratio:.1%}' for item in results))
    table.add_row('calibration error', *(cell(item.calibration_error) for item in results))
    Console().print(table)
    for name, reason in left_out.items():
        console.print(f'left out: {name}, since {reason}', highlight=False)


def _print_attacked(attacked: Mapping[str, AttackResult]) -> None:
    """Show mean IoU under every attack."""
    if not attacked:
        return
    table = ConsoleTable(title='mean IoU under attack')
    for heading in ('', *attacked):
        table.add_column(heading, justify='right' if heading else 'left')
    for rows in zip(*(rows_of(result) for result in attacked.values()), strict=True):
        table.add_row(rows[0][0], *(f'{stand.score:.3f}' for _, stand, _ in rows))
    Console().print(table)
