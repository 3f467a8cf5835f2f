"""``perception doctor``: why nothing is detected, one line of cure each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from perception_nodes.cli.progress import progress_bar

if TYPE_CHECKING:
    from perception_nodes.ros.doctor.finding import Finding
    from perception_nodes.ros.doctor.snapshot import GraphSnapshot

_MARKS = {
    'ok': ('✓', 'green'),
    'info': ('!', 'cyan'),
    'warning': ('!', 'yellow'),
    'error': ('✗', 'bold red'),
}
# The bar counts tenths of a second.
_STEPS_PER_SECOND = 10


def doctor(
    duration: Annotated[float, typer.Option(help='Seconds to observe the graph.', min=1.0)] = 5.0,
    as_json: Annotated[bool, typer.Option('--json', help='Print the findings as JSON.')] = False,
    strict: Annotated[bool, typer.Option('--strict', help='Warnings fail too.')] = False,
    target_frame: Annotated[
        list[str] | None,
        typer.Option(help='Frame that images must be connected to; may be repeated.'),
    ] = None,
    graph: Annotated[
        bool, typer.Option('--graph/--no-graph', help='Look at the running ROS graph too.')
    ] = True,
    other_domains: Annotated[
        bool,
        typer.Option('--other-domains/--own-domain', help='Listen on other ROS domains too.'),
    ] = True,
) -> None:
    """
    Find out why nothing is detected.

    Checks this machine, watches the ROS graph for a few seconds and names every cause of silence
    with its cure. Exit code 0: healthy; 1: at least one cause (with --strict: or warning) found.
    """
    from perception_nodes.ros.doctor.environment import examine_environment
    from perception_nodes.ros.doctor.surroundings import read_surroundings

    environment = examine_environment(read_surroundings())
    findings: list[Finding] = []
    snapshot = None
    if graph and not any(item.check == 'ros' and item.severity == 'error' for item in environment):
        snapshot = _observe(duration, target_frame, other_domains)
        findings = _examine(snapshot)
    everything = environment + findings
    failed = _is_ill(everything, strict)
    if as_json:
        _print_json(environment, findings, snapshot, failed)
    else:
        _print_words(environment, findings, snapshot, failed)
    raise typer.Exit(1 if failed else 0)


def _observe(duration: float, target_frames: list[str] | None, others: bool) -> GraphSnapshot:
    """Look at the graph behind a progress bar."""
    from perception_nodes.ros.doctor.observe import ObservationConfig, observe

    frames = {'target_frames': tuple(target_frames)} if target_frames else {}
    config = ObservationConfig(duration_s=duration, other_domains=others, **frames)
    total = int(duration * _STEPS_PER_SECOND)
    with progress_bar('Watching the graph', total) as advance:
        return observe(config, _stepper(advance, total))


def _stepper(advance: Callable[..., None], total: int) -> Callable[[float], None]:
    """Return a callback that turns seconds into steps of the bar."""
    done = 0

    def on_progress(elapsed_s: float) -> None:
        nonlocal done
        steps = min(int(elapsed_s * _STEPS_PER_SECOND), total) - done
        if steps > 0:
            done += steps
            advance(steps)

    return on_progress


def _examine(snapshot: GraphSnapshot) -> list[Finding]:
    from perception_nodes.ros.doctor.checks import examine

    return examine(snapshot)


def _is_ill(findings: Iterable[Finding], strict: bool) -> bool:
    """Tell whether the exit code is 1."""
    bad = {'error', 'warning'} if strict else {'error'}
    return any(item.severity.value in bad for item in findings)


def _print_json(
    environment: list[Finding],
    findings: list[Finding],
    snapshot: GraphSnapshot | None,
    failed: bool,
) -> None:
    """Print one object to stdout."""
    report = {
        'healthy': not failed,
        'environment': [item.to_dict() for item in environment],
        'graph': [item.to_dict() for item in findings],
        'observed': None if snapshot is None else _counts(snapshot),
    }
    print(json.dumps(report, indent=2, ensure_ascii=False))


def _counts(snapshot: GraphSnapshot) -> dict[str, object]:
    """Return what was looked at, so that a clean bill can be believed."""
    return {
        'domain_id': snapshot.domain_id,
        'nodes': [node.name for node in snapshot.nodes],
        'messages': {stream.topic: len(stream.samples) for stream in snapshot.streams},
        'transforms': len(snapshot.transforms),
        'other_domains': [view.domain_id for view in snapshot.other_domains],
    }


def _print_words(
    environment: list[Finding],
    findings: list[Finding],
    snapshot: GraphSnapshot | None,
    failed: bool,
) -> None:
    """Print one line a finding and one a cure."""
    console = Console(highlight=False, soft_wrap=True)
    console.print('Machine', style='bold')
    _print_findings(console, environment)
    if snapshot is not None:
        console.print(_graph_title(snapshot), style='bold')
        _print_findings(console, findings)
        if not findings:
            console.print(_clean_bill(snapshot))
    words, style = _verdict(snapshot, failed)
    console.print(words, style=style)


def _verdict(snapshot: GraphSnapshot | None, failed: bool) -> tuple[str, str]:
    """Return the last line and its style; a machine alone proves no graph."""
    if failed:
        return 'ill: see ✗ above', 'bold red'
    if snapshot is None or not snapshot.nodes:
        return 'machine healthy, no graph seen', 'bold'
    return 'healthy', 'bold green'


def _print_findings(console: Console, findings: Iterable[Finding]) -> None:
    for item in findings:
        mark, style = _MARKS[item.severity.value]
        line = Text.assemble((f'{mark} ', style), (item.subject, 'bold'), f': {item.what}')
        if item.cure:
            line.append(f' → {item.cure}', style='green' if item.severity == 'error' else 'dim')
        console.print(line)


def _graph_title(snapshot: GraphSnapshot) -> str:
    seconds = snapshot.ended_s - snapshot.started_s
    return f'Graph on domain {snapshot.domain_id}, {len(snapshot.nodes)} nodes, {seconds:.0f} s'


def _clean_bill(snapshot: GraphSnapshot) -> Text:
    """Say what was seen when nothing is wrong."""
    if not snapshot.nodes:
        return Text('! no node is running: start the graph, then call the doctor again')
    heard = [f'{stream.topic} {len(stream.samples)}' for stream in snapshot.streams]
    words = 'no cause of silence; messages heard: ' + (', '.join(heard) or 'no perception topics')
    return Text.assemble(('✓ ', 'green'), words)
