"""``perception robustness``: what worse pictures cost a segmenter."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

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
from perception_nodes.cli.evaluation_options import described
from perception_nodes.cli.model_options import DeviceOption, PrecisionOption, ThreadsOption
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.robustness_report import robustness_report
from perception_nodes.cli.segmentation_report import Worst
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.robustness import CORRUPTIONS, SEVERITIES
from perception_nodes.robustness.measuring import (
    Robustness,
    Stand,
    hardest,
    look,
    most_wrong,
    stand_of,
)
from perception_nodes.robustness.suite import SUITE_VERSION, check_choice
from perception_nodes.segmentation import Segmenter
from perception_nodes.visualization.report import write_report

_CLEAN, _NONE = 'clean', 'none'
_WORST_SHOWN = 6


def robustness(
    data: Annotated[str, typer.Option(help='camvid:folder@val, masks:folder[::10], …')],
    model: Annotated[
        list[str], typer.Option('--model', '-m', help='May be repeated: compared with the first.')
    ],
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/robustness'
    ),
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
    """Measure segmenters on corrupted and attacked pictures; one report."""
    names = [] if corruption == [_NONE] else corruption or list(CORRUPTIONS)
    severities = severity or list(SEVERITIES)
    plan = planned(attacks, epsilon, iterations, restarts, step)
    check_choice(names, severities)
    labelled = open_masked_set(data)
    digest = labelled.digest()
    results, worst, attacked, sections, runs = {}, {}, {}, [], []
    for number, address in enumerate(model):
        segmenter = Segmenter.load(address, device=device, precision=precision, threads=threads)
        console.print(segmenter.description, highlight=False)
        runs.append(described(segmenter))
        identity = {'data_sha256': digest, 'suite': SUITE_VERSION, **runs[-1]}
        kept = _Kept(out / f'stands_{number}.json', identity)
        name = segmenter.bundle.name if len(model) == 1 else f'{number + 1}: {address}'
        if plan is not None:  # first: a model without gradients is refused at once
            folder = out / 'attacked' / str(number)
            attacked[name] = attacked_result(
                segmenter, labelled, plan, folder, surrogate=surrogate, threads=threads
            )
            sections.append(attack_section(segmenter, labelled, name, attacked[name]))
        results[name] = _measured(segmenter, labelled, name, names, severities, kept)
        worst[name] = _worst(segmenter, labelled, results[name])
        segmenter.close()
    models = [
        {**run, **results[name].to_dict(), **_attack_record(attacked.get(name))}
        for name, run in zip(results, runs, strict=True)
    ]
    record = {
        'data': data, 'data_sha256': digest, 'suite': SUITE_VERSION,
        'pictures': len(labelled.pictures), 'severities': severities,
        'machine': describe_machine(), 'models': models,
    }  # fmt: skip
    (out / 'metrics.json').write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')
    report = robustness_report(list(results.values()), worst, labelled, record, sections)
    write_report(report, out / 'report.html')
    _print(list(results.values()))
    _print_attacked(attacked)
    console.print(f'→ {out / "report.html"}', highlight=False)


def _attack_record(result: AttackResult | None) -> dict[str, Any]:
    """Return what the JSON file says about the attacks on a model."""
    return {} if result is None else {'under_attack': result.to_dict()}


class _Kept:
    """
    What was measured already, so that an interrupted run goes on.

    :param path: of the JSON file.
    :param identity: of set, suite and weights; a file of others is begun anew.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self._path, self._identity = path, identity
        self._stands: dict[str, Any] = {}
        if path.is_file():
            found = json.loads(path.read_text(encoding='utf-8'))
            if found['identity'] == identity:
                self._stands = found['stands']

    def get(self, key: str, measure: Callable[[], Stand]) -> Stand:
        """Return a stand, measured if it is not known."""
        if key not in self._stands:
            self._stands[key] = asdict(measure())
            self._path.parent.mkdir(parents=True, exist_ok=True)
            content = {'identity': self._identity, 'stands': self._stands}
            part = self._path.with_suffix('.part')
            part.write_text(json.dumps(content) + '\n', encoding='utf-8')
            part.replace(self._path)
        return Stand(**self._stands[key])

    def __contains__(self, key: str) -> bool:
        return key in self._stands


def _measured(
    segmenter: Segmenter,
    labelled: MaskedSet,
    model: str,
    names: Sequence[str],
    severities: Sequence[int],
    kept: _Kept,
) -> Robustness:
    """Return how a model stands, with a progress bar."""
    total = len(labelled.pictures) * (1 + len(names) * len(severities))
    with progress_bar('Corrupting and segmenting', total) as advance:

        def stand(key: str, corruption: tuple[str, int] | None) -> Stand:
            if key in kept:
                advance(len(labelled.pictures), key)
            return kept.get(
                key, lambda: stand_of(segmenter, labelled, corruption, lambda: advance(1, key))
            )

        clean = stand(_CLEAN, None)
        by_corruption = {
            name: {level: stand(f'{name} {level}', (name, level)) for level in severities}
            for name in names
        }
    return Robustness(model=model, clean=clean, by_corruption=by_corruption)


def _worst(segmenter: Segmenter, labelled: MaskedSet, item: Robustness) -> list[Worst]:
    """Return pictures with most wrong pixels, each under another corruption."""
    by_name = {picture.path.name: picture for picture in labelled.pictures}
    entries = []
    for name, severity in most_wrong(item, _WORST_SHOWN):
        stand = item.by_corruption[name][severity]
        picture = by_name[stand.worst_picture]
        frame, truth, found = look(segmenter, labelled, picture, (name, severity))
        entries.append(
            Worst(name=f'{name} {severity}, {picture.path.name}', frame=frame, truth=truth,
                  found=found, wrong=stand.worst_wrong)
        )  # fmt: skip
    return entries


def _print(results: Sequence[Robustness]) -> None:
    """Show the table, if anything was corrupted; the figures are results and go to stdout."""
    if not results[0].by_corruption:
        return
    table = ConsoleTable(title='mean IoU')
    for heading in ('', *(item.model for item in results)):
        table.add_column(heading, justify='right' if heading else 'left')
    table.add_row(_CLEAN, *(f'{item.clean.mean_iou:.3f}' for item in results))
    table.add_section()
    for name in hardest(results[0]):
        table.add_row(name, *(f'{item.mean_of(name):.3f}' for item in results))
    table.add_section()
    table.add_row('mean of all', *(f'{item.mean_iou:.3f}' for item in results))
    table.add_row('of clean', *(f'{item.ratio:.1%}' for item in results))
    table.add_row('calibration error', *(f'{item.calibration_error:.3f}' for item in results))
    Console().print(table)


def _print_attacked(attacked: Mapping[str, AttackResult]) -> None:
    """Show mean IoU under every attack."""
    if not attacked:
        return
    table = ConsoleTable(title='mean IoU under attack')
    for heading in ('', *attacked):
        table.add_column(heading, justify='right' if heading else 'left')
    for rows in zip(*(rows_of(result) for result in attacked.values()), strict=True):
        table.add_row(rows[0][0], *(f'{stand.mean_iou:.3f}' for _, stand, _ in rows))
    Console().print(table)
