"""``perception adapt``: a segmenter made fit for a new place, without labels of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as ConsoleTable

from perception_nodes.cli.adapt_report import adapt_report, measured_on, shown_pairs
from perception_nodes.cli.model_options import ThreadsOption
from perception_nodes.cli.progress import console, progress_bar, track
from perception_nodes.cli.report_blocks import leave
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.imaging.sources.spread import spread_frames
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_folder import check_target
from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.adaptation.config import AdaptationConfig
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame

if TYPE_CHECKING:
    from perception_nodes.learning.adaptation.adapting import Adapted, Statistics
    from perception_nodes.learning.compute import Compute

STATISTICS = 'source_statistics.safetensors'
_SUFFIX = '.safetensors'
_DEFAULTS = AdaptationConfig()


def adapt_command(
    model: Annotated[str, typer.Argument(help='Segmentation bundle: folder, URI or name.')],
    pictures: Annotated[
        list[str] | None,
        typer.Option(help='Of the new place, unlabelled: folder, video or bag; repeatable.'),
    ] = None,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path('out/adapt'),
    source: Annotated[
        list[str] | None,
        typer.Option(
            help='Where the model keeps no statistics of its source: pictures like those it was '
            f'trained on; repeatable. Or one {STATISTICS} of an earlier run.'
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            '--keep',
            help='Put the statistics of --source into the model’s own folder; adapts '
            'nothing without --pictures.',
        ),
    ] = False,
    method: Annotated[
        str, typer.Option(help='statistics of the norms, or entropy after them.')
    ] = _DEFAULTS.method,
    labelled: Annotated[
        str, typer.Option(help='Labelled set to score before and after: masks:folder, …')
    ] = '',
    count: Annotated[int, typer.Option(help='Pictures to adapt to, evenly spread.', min=2)] = 32,
    topic: Annotated[str, typer.Option(help='Image topic of bags with several.')] = '',
    prior: Annotated[
        float, typer.Option(help='Weight of the source statistics, in pictures.', min=0.0)
    ] = _DEFAULTS.prior_pictures,
    steps: Annotated[
        int, typer.Option(help='Steps of the entropy method.', min=1)
    ] = _DEFAULTS.steps,
    rate: Annotated[
        float, typer.Option(help='Learning rate of these steps.', min=0.0)
    ] = _DEFAULTS.learning_rate,
    least_agreement: Annotated[
        float, typer.Option(help='With the source model, 0..1, while confidence grows.')
    ] = _DEFAULTS.least_agreement,
    seed: Annotated[
        int, typer.Option(help='Of the order of the pictures.', min=0)
    ] = _DEFAULTS.seed,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda, cuda:N.')] = 'auto',
    threads: ThreadsOption = 0,
) -> None:
    """Adapt a segmenter to a new place with unlabelled pictures of it; write a bundle."""
    import torch

    from perception_nodes.learning.adaptation.bundles import adapted_bundle
    from perception_nodes.learning.compute import Compute

    source_bundle = resolve_model(model)
    target = check_target(out / 'bundle', [source_bundle.path])
    config = AdaptationConfig(
        method=method, prior_pictures=prior, steps=steps, learning_rate=rate, seed=seed,
        least_agreement=least_agreement,
    )  # fmt: skip
    run = _Run(
        bundle=source_bundle, config=config, out=out,
        compute=Compute.choose(device, 'fp32'), topic=topic, count=count,
    )  # fmt: skip
    if threads:
        torch.set_num_threads(threads)
    if keep:
        run = run.kept(source or [])
        source = None
    if not pictures:
        if keep:
            return
        raise ValueError('no pictures to adapt to; give --pictures of the new place')
    scored = open_masked_set(labelled) if labelled else None
    statistics = run.statistics(source or [])
    frames = list(spread_frames(pictures, count, topic=topic))
    adapted = run.adapted(frames, statistics)
    command = _command(model, pictures, source or [], config, count, topic)
    written = adapted_bundle(
        run.bundle, adapted, target,
        frames=frames, source=command, pictures=', '.join(pictures),
    )  # fmt: skip
    record = {
        'command': command, 'model': run.bundle.name, 'bundle': str(written.path),
        'source_weights_sha256': run.bundle.spec.weights.sha256,
        'weights_sha256': written.spec.weights.sha256, 'pictures_of': pictures,
        'labelled': labelled, 'machine': describe_machine(), **adapted.record,
    }  # fmt: skip
    opened = [Segmenter.load(one, device='cpu', threads=threads) for one in (run.bundle, written)]
    _leave(record, opened, frames, scored, out)
    for segmenter in opened:
        segmenter.close()


def _command(
    model: str,
    pictures: Sequence[str],
    source: Sequence[str],
    config: AdaptationConfig,
    count: int,
    topic: str,
) -> str:
    """Return the command with all that changes what comes out."""
    words = ['adapt', model, *_words('--pictures', pictures), *_words('--source', source)]
    words += ['--method', config.method, '--count', str(count)]
    words += ['--prior', f'{config.prior_pictures:g}']
    if config.method == 'entropy':
        words += ['--steps', str(config.steps), '--rate', f'{config.learning_rate:g}']
    words += ['--least-agreement', f'{config.least_agreement:g}', '--seed', str(config.seed)]
    words += ['--topic', topic] if topic else []
    return shlex.join(['perception', *words])


def _leave(
    record: dict[str, Any],
    opened: Sequence[Segmenter],
    frames: Sequence[Frame],
    scored: MaskedSet | None,
    out: Path,
) -> None:
    """
    Write the JSON file and the page, and tell what stands there.

    :param opened: the segmenter before and after.
    :param scored: labelled pictures, or None.
    """
    before, after = opened
    if scored is not None:
        record['scores'] = {
            'before': measured_on(before, scored, track),
            'after': measured_on(after, scored, track),
        }
    report = adapt_report(record, shown_pairs(before, after, frames, scored))
    page = leave(report, record, out, 'adapt.json')
    _tell(record)
    console.print(f'→ {page}', highlight=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Run:
    """What one run is made of."""

    bundle: ModelBundle
    config: AdaptationConfig
    out: Path
    compute: Compute
    topic: str
    count: int

    def kept(self, source: Sequence[str]) -> _Run:
        """Put the statistics of the source into the bundle; return the run with that."""
        from perception_nodes.learning.adaptation.bundles import keep_statistics
        from perception_nodes.learning.adaptation.statistics import write_statistics

        if not source:
            raise ValueError('--keep: of which source? Give --source PICTURES as well')
        found = self.statistics(source)
        assert found is not None
        weights, path = self.bundle.spec.weights.sha256, self.out / STATISTICS
        write_statistics(found, path, weights)
        bundle = keep_statistics(self.bundle, path)
        console.print(f'{bundle.path}: knows its source now', highlight=False)
        return replace(self, bundle=bundle)

    def statistics(self, source: Sequence[str]) -> Statistics | None:
        """Return the statistics of the source: the bundle's, read, or measured; None: unknown."""
        from perception_nodes.learning.adaptation.adapting import source_statistics
        from perception_nodes.learning.adaptation.statistics import (
            kept_statistics,
            read_statistics,
            write_statistics,
        )

        weights = self.bundle.spec.weights.sha256
        if not source:
            return kept_statistics(self.bundle)
        if len(source) == 1 and source[0].endswith(_SUFFIX):
            return read_statistics(Path(source[0]), weights)
        frames = list(spread_frames(source, self.count, topic=self.topic))
        with console.status('Measuring the statistics of the source'):
            found = source_statistics(self.bundle, frames, self.config, self.compute.device)
        write_statistics(found, self.out / STATISTICS, weights)
        return found

    def adapted(self, frames: Sequence[Frame], statistics: Statistics | None) -> Adapted:
        """Adapt, and show how far it is."""
        from perception_nodes.learning.adaptation.adapting import adapt

        console.print(
            f'{self.bundle.name}: adapting to {len(frames)} pictures on {self.compute}',
            highlight=False,
        )
        self.out.mkdir(parents=True, exist_ok=True)
        steps = self.config.steps if self.config.method == 'entropy' else 1
        with progress_bar('Adapting', steps) as advance:
            return adapt(
                self.bundle, frames, statistics, self.config, device=self.compute.device,
                tell=lambda _step, entropy: advance(1, f'entropy {entropy:.4f}'),
            )  # fmt: skip


def _words(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _tell(record: dict[str, Any]) -> None:
    """Show what changed; figures are results and go to stdout."""
    stopped = record.get('steps', {}).get('stopped_by')
    if stopped:
        taken = record['steps']['taken']
        console.print(f'stopped after {taken} steps: {stopped}', style='yellow', markup=False)
    check = record['confidence']['after']
    if check['is_too_sure']:
        console.print(
            f'too sure: {check["claimed_error"]:.1%} errors claimed, at least '
            f'{check["least_error"]:.1%} made (mirrored pictures)',
            style='yellow',
        )
    table = ConsoleTable()
    classes = record['looks']['source']['shares']
    for heading in ('', 'agreement with the source', 'confidence', *classes):
        table.add_column(heading, justify='right' if heading else 'left')
    for name, look in record['looks'].items():
        shares = (f'{value:.1%}' for value in look['shares'].values())
        table.add_row(name, f'{look["agreement"]:.1%}', f'{look["confidence"]:.3f}', *shares)
    Console().print(table)
    if 'scores' in record:
        before, after = record['scores']['before'], record['scores']['after']
        console.print(
            f'mIoU {before["mIoU"]:.3f} → {after["mIoU"]:.3f}, calibration error '
            f'{before["calibration_error"]:.3f} → {after["calibration_error"]:.3f}',
            highlight=False,
        )
