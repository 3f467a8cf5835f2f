"""Run benchmarks: ``python -m benchmarks overhead transport``; JSON goes to ``--out``."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks.arrival import ArrivalCase, measure_arrival
from benchmarks.command import CommandCase, measure_command
from benchmarks.null_model import write_null_bundle
from benchmarks.overhead import OverheadCase, measure_overhead
from benchmarks.transport import (
    TransportCase,
    measure_transport,
    measure_transport_with_inference,
)
from perception_nodes.evaluation.machine import describe_machine

DEFAULT_MODEL = 'package://perception_suite/resource/models/simulator_detector'
_BUNDLED = 'package://perception_suite/resource/models/'
SEGMENTERS = {
    'fp32': f'{_BUNDLED}simulator_segmenter',
    'int8': f'{_BUNDLED}simulator_segmenter_int8',
}
SIZES_WH = ((640, 480), (1920, 1080))
Report = dict[str, dict[str, float]]

_console = Console()


def run_overhead(model: str) -> Report:
    """Measure what the node adds to a null model and to a real one."""
    report: Report = {}
    with tempfile.TemporaryDirectory() as folder:
        null = str(write_null_bundle(Path(folder)))
        for size_wh in SIZES_WH:
            for name, uri in (('null model', null), ('detector', model)):
                case = OverheadCase(
                    name=f'{name}, {size_wh[0]}×{size_wh[1]}',
                    model=uri,
                    size_wh=size_wh,
                    throughput=uri == model,
                )
                report[case.name] = _shown(case.name, lambda case=case: measure_overhead(case))
    return report


def run_transport(model: str) -> Report:
    """Measure the way from publish to the mailbox, with the baseline, and under inference."""
    report: Report = {}
    for best_effort in (False, True):
        for shipped in (True, False):
            case = TransportCase(shipped=shipped, best_effort=best_effort)
            report[case.name] = _shown(
                case.name, lambda case=case: measure_transport(case).report()
            )
    case = TransportCase(shipped=True, best_effort=False)
    name = f'{case.name}, inference on'
    report[name] = _shown(name, lambda: measure_transport_with_inference(case, model))
    return report


def run_arrival(model: str) -> Report:
    """Measure how long results take, with the bundled models."""
    report: Report = {}
    segmenters = [('segmentation', form, uri) for form, uri in SEGMENTERS.items()]
    for task, form, uri in (('detection', 'fp32', model), *segmenters):
        case = ArrivalCase(task=task, model=uri)
        name = f'{task}_node, {form}, {case.size_wh[0]}×{case.size_wh[1]}'
        report[name] = _shown(name, lambda case=case: measure_arrival(case))
    return report


def run_command(model: str) -> Report:
    """Measure how long a command takes, with the bundled segmenters."""
    report: Report = {}
    for form, uri in SEGMENTERS.items():
        case = CommandCase(model=uri)
        name = f'segmentation ({form}) and path following, {case.course}, {case.threads} threads'
        report[name] = _shown(name, lambda case=case: measure_command(case))
    return report


BENCHMARKS: dict[str, Callable[[str], Report]] = {
    'arrival': run_arrival,
    'command': run_command,
    'overhead': run_overhead,
    'transport': run_transport,
}


def _shown(name: str, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Measure with a spinner, then print the figures."""
    with _console.status(name):
        figures = measure()
    _console.print(f'[bold]{name}[/bold]')
    for key, value in figures.items():
        _console.print(f'  {key:46} {value:10.3f}')
    return figures


def main() -> None:
    """Run the named benchmarks and write one JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('names', nargs='*', choices=[*BENCHMARKS, []], help='default: all')
    parser.add_argument('--model', default=DEFAULT_MODEL, help='bundle folder or URI')
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks'))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or BENCHMARKS:
        result = {'machine': describe_machine(), 'report': BENCHMARKS[name](options.model)}
        path = options.out / f'{name}.json'
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + '\n')
        _console.print(f'written: {path}')


if __name__ == '__main__':
    main()
