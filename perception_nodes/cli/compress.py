"""``perception compress``: faster forms of a model, measured, and the one to take."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from perception_nodes.cli.compression_report import compression_report, tell_candidates
from perception_nodes.cli.model_options import DeviceOption, ModelOption, ThreadsOption
from perception_nodes.cli.opened_model import open_model
from perception_nodes.cli.progress import console, track
from perception_nodes.compression.bundles import check_alike, forms_of_others, int8_forms
from perception_nodes.compression.scoring import LabelledSet, open_labelled
from perception_nodes.compression.tradeoff import Candidate, NoCandidate, chosen, latencies_ms
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.machine import describe_machine, multiplies_int8
from perception_nodes.imaging.sources.spread import spread_frames
from perception_nodes.inference.bundle import ModelBundle, copy_bundle
from perception_nodes.inference.bundle_folder import check_target
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.structures import Frame
from perception_nodes.visualization.report import write_report

ORIGINAL = 'fp32'
_TIMED_FRAMES = 8
_NO_INT8 = (
    'this processor has no instructions for 8-bit products (VNNI, Arm dot product): int8 is '
    'neither fast nor exact here; measure on the robot'
)


def compress(
    model: ModelOption,
    val: Annotated[
        str, typer.Option(help='Labelled set that decides, as perception evaluate takes it.')
    ],
    data: Annotated[
        str, typer.Option(help='Pictures like those to come, to measure ranges on; like --val.')
    ] = '',
    calibrate: Annotated[
        list[str] | None,
        typer.Option(help='In place of --data: folder, video or bag, no labels; repeatable.'),
    ] = None,
    topic: Annotated[str, typer.Option(help='Image topic of bags with several.')] = '',
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            help='Another model of the same task and classes to compare: pruned, distilled, '
            'smaller; repeatable.'
        ),
    ] = None,
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
        float,
        typer.Option(
            help='Milliseconds to reach: the best within --max-loss that does is taken; 0: the '
            'fastest within --max-loss.',
            min=0,
        ),
    ] = 0.0,
    pictures: Annotated[int, typer.Option(help='For measuring ranges.', min=1)] = 48,
    rounds: Annotated[int, typer.Option(help='Timed runs of every form.', min=1)] = 60,
    device: DeviceOption = 'cpu',
    threads: ThreadsOption = 0,
) -> None:
    """Quantise a model to int8 in several ways, measure all, write the one to take."""
    source, others = resolve_model(model), [resolve_model(one) for one in candidate or []]
    for other in others:
        check_alike(source, other)
    target = _target(bundle or out / 'bundle', out / 'forms', [source, *others])
    labelled = open_labelled(source.spec.task, val)
    frames, shown = _frames(source.spec.task, data, calibrate or [], pictures, topic)
    with closing(_Run(labelled=labelled, wanted=device, threads=threads)) as run:
        # Before the minutes of quantising: a wrong device, or labels without a score.
        run.add(ORIGINAL, source)

        def quantised(one: ModelBundle, folder: str) -> dict[str, ModelBundle]:
            return int8_forms(one, frames, out / 'forms' / folder, _on_cpu, track, shown=shown)

        for name, form in quantised(source, '').items():
            run.add(name, form)
        for name, form in forms_of_others(others, quantised, _say).items():
            run.add(name, form)
        candidates = run.candidates(rounds)
    record = {
        'model': source.name, 'weights_sha256': source.spec.weights.sha256, 'val': val,
        'data': shown, 'metric': labelled.metric, 'max_loss': max_loss,
        'target_latency_ms': target_latency or None, 'device': run.device, 'threads': threads,
        'machine': describe_machine(), 'candidates': [asdict(one) for one in candidates],
    }  # fmt: skip
    if run.device == 'cpu' and not multiplies_int8():
        _say(_NO_INT8)
    taken = _concluded(record, candidates, out)
    copy_bundle(run.forms[taken.name], target)
    console.print(f'"{taken.name}" → {target}', highlight=False)


def _on_cpu(bundle: ModelBundle) -> FrameModel:
    """Open a bundle for its golden result, which is the same wherever it is recorded."""
    return open_model(bundle, device='cpu')


def _say(words: str) -> None:
    console.print(words, style='yellow', markup=False, highlight=False)


def _target(wanted: Path, forms: Path, sources: Sequence[ModelBundle]) -> Path:
    """Return the folder of the result; no model that is compared may lie where forms go."""
    for source in sources:
        if forms.resolve() in source.path.resolve().parents:
            raise ValueError(
                f'{source.path}: lies in {forms}, which is written anew; choose another --out'
            )
    return check_target(wanted, [source.path for source in sources])


def _frames(
    task: str, data: str, calibrate: Sequence[str], most: int, topic: str
) -> tuple[list[Frame], str]:
    """Return the frames that ranges are measured on, and what they are in words."""
    if bool(data) == bool(calibrate):
        raise ValueError(
            'ranges are measured on pictures like those to come: give --data (a labelled set) or '
            '--calibrate (a folder, video or bag), one of the two'
        )
    if calibrate:
        frames = list(track(spread_frames(calibrate, most, topic=topic), 'Reading pictures', most))
    else:
        paths = spread_over(open_labelled(task, data).pictures, most)
        frames = [read_picture(path) for path in track(paths, 'Reading pictures')]
    return frames, f'{len(frames)} pictures of {data or ", ".join(calibrate)}'


@dataclass(eq=False, kw_only=True)
class _Run:
    """
    Forms that are opened and scored as they come, and timed together.

    :param forms: their bundles by name, the original first.
    """

    labelled: LabelledSet
    wanted: str
    threads: int
    forms: dict[str, ModelBundle] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    opened: dict[str, FrameModel] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """Where the forms really run."""
        return ', '.join(dict.fromkeys(item.device for item in self.opened.values()))

    def add(self, name: str, bundle: ModelBundle) -> None:
        """Open a form and score it; two of one name would be told apart by nobody."""
        if name in self.forms:
            raise ValueError(f'two forms are called {name!r}; rename one in its model.yaml')
        opened = open_model(bundle, device=self.wanted, threads=self.threads)
        self.forms[name], self.opened[name] = bundle, opened
        self.scores[name] = self.labelled.score(opened, track)

    def close(self) -> None:
        """Free all networks."""
        for item in self.opened.values():
            item.close()

    def candidates(self, rounds: int) -> list[Candidate]:
        """Return the figures of all forms."""
        chosen_frames = spread_over(self.labelled.pictures, _TIMED_FRAMES)
        frames = [read_picture(path) for path in chosen_frames]
        with console.status('Timing all forms in turn'):
            times = latencies_ms(self.opened, frames, rounds)
        return [
            Candidate(
                name=name, score=self.scores[name], latency_ms=times[name][0],
                network_ms=times[name][1], size_mb=form.weights_path.stat().st_size / 1e6,
            )
            for name, form in self.forms.items()
        ]  # fmt: skip


def _concluded(record: dict[str, Any], candidates: Sequence[Candidate], out: Path) -> Candidate:
    """
    Write what was measured, and return the form to take.

    :raises NoCandidate: where none is good and fast enough, once all is written.
    """
    limits = {'max_loss': record['max_loss'], 'target_ms': record['target_latency_ms']}
    try:
        taken = chosen(candidates, **limits)
    except NoCandidate as refusal:
        _write({**record, 'chosen': None, 'refused': str(refusal)}, candidates, None, out)
        raise
    _write({**record, 'chosen': taken.name}, candidates, taken, out)
    return taken


def _write(
    record: dict[str, Any], candidates: Sequence[Candidate], taken: Candidate | None, out: Path
) -> None:
    """Leave the figures and the page, and show the table."""
    out.mkdir(parents=True, exist_ok=True)
    (out / 'compress.json').write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')
    page = write_report(compression_report(record, candidates, taken), out / 'report.html')
    tell_candidates(candidates, taken, record['metric'])
    console.print(f'→ {page}', highlight=False)
