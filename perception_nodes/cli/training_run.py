"""What the training commands of all tasks share: options, the run, and what it prints."""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from perception_nodes.cli.progress import console, progress_bar, track

if TYPE_CHECKING:
    from torch import nn

    from perception_nodes.inference.bundle import ModelBundle
    from perception_nodes.inference.bundle_sections import Provenance
    from perception_nodes.learning.bundling import Bundler, BundleReport
    from perception_nodes.learning.compute import Compute
    from perception_nodes.learning.loop import Trainer
    from perception_nodes.learning.task import Progress, Task
    from perception_nodes.visualization.report import Section

_TICKS = 1000  # steps of the progress bar

RecipeFile = Annotated[Path, typer.Option(help='YAML file of the training run.', exists=True)]
OutFolder = Annotated[Path, typer.Option(help='Folder of checkpoints, record and curve.')]
BundleFolder = Annotated[Path | None, typer.Option(help='Folder of the bundle; else OUT/bundle.')]
HeldOut = Annotated[
    str, typer.Option(help='Measured once, at the end, for model.yaml; like --data.')
]
Licence = Annotated[str, typer.Option(help='Licence of the weights.')]
Start = Annotated[
    Path | None,
    typer.Option(help='ONNX file of an earlier network of the recipe to go on from.', exists=True),
]
Trunk = Annotated[
    Path | None,
    typer.Option(help='ONNX file of another task whose trunk is taken over.', exists=True),
]
Seed = Annotated[
    int | None, typer.Option(help="Instead of the recipe's seed.", min=0, show_default=False)
]
Resume = Annotated[bool, typer.Option('--resume', help='Go on from the checkpoint.')]
Threads = Annotated[int, typer.Option(help='CPU threads; 0: all.', min=0)]
Device = Annotated[str, typer.Option(help='auto, cpu, cuda, cuda:N.')]
Precision = Annotated[
    str, typer.Option(help='auto, fp32 or bf16; auto: bf16 on a GPU that has it, else fp32.')
]
TimeLimit = Annotated[
    float, typer.Option(help='End within this time, minutes; 0: no limit.', min=0.0)
]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options that every training command has."""

    out: OutFolder
    licence: Licence = 'unknown'
    seed: Seed = None
    resume: Resume = False
    threads: Threads = 0
    time_limit_min: TimeLimit = 0.0
    device: Device = 'auto'
    precision: Precision = 'auto'

    @property
    def thread_count(self) -> int:
        """CPU threads, at least 1."""
        return self.threads or os.cpu_count() or 1

    def words(self, compute: Compute) -> list[str]:
        """
        Return the options that change what comes out, as another machine must be told them.

        :param compute: what the run chose.
        """
        words = [] if self.seed is None else ['--seed', str(self.seed)]
        words += ['--device', compute.device.type, '--precision', compute.precision]
        # Each thread learns a part of the batch, with norms of its own; a GPU takes it whole.
        words += ['--threads', str(self.thread_count)] if compute.device.type == 'cpu' else []
        words += ['--time-limit-min', f'{self.time_limit_min:g}'] if self.time_limit_min else []
        words += ['--licence', self.licence] if self.licence != 'unknown' else []
        return words


def with_run_options(learn: Callable[..., None]) -> Callable[..., None]:
    """
    Return a command with the options of a function and those of :class:`RunOptions`.

    :param learn: gets the latter as one value, ``options``; all of its arguments by name.
    """
    shared = inspect.signature(RunOptions).parameters
    hints = get_type_hints(learn, include_extras=True)
    hints |= get_type_hints(RunOptions, include_extras=True)
    own = {name: item for name, item in inspect.signature(learn).parameters.items()
           if name != 'options'}  # fmt: skip

    def command(**values: Any) -> None:
        options = RunOptions(**{name: values.pop(name) for name in shared})
        learn(**values, options=options)

    parameters = [
        item.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, item in {**own, **shared}.items()
    ]
    command.__name__, command.__doc__ = learn.__name__, learn.__doc__
    command.__annotations__ = {item.name: item.annotation for item in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """
    One training, by its command.

    :param command: its words before the options.
    :param recipe: file.
    :param choice: the options that choose what is learnt from and what the epoch is chosen with.
    :param data: what is learnt from, in words.
    :param held_out: address of what is measured at the end, if any.
    """

    command: str
    recipe: Path
    choice: list[str]
    options: RunOptions
    data: str
    held_out: str = ''
    start: Path | None = None
    trunk: Path | None = None

    @property
    def sources(self) -> dict[str, str]:
        """What is learnt from beside the recipe, by name; a resumed run must have the same."""
        from perception_nodes.inference.bundle import file_sha256

        begun = {'start': self.start, 'trunk': self.trunk}
        files = {name: f'sha256 {file_sha256(path)}' for name, path in begun.items() if path}
        return {'data': shlex.join(self.choice), **files}

    def source(self, compute: Compute) -> str:
        """Return the command with all that changes what comes out."""
        words = [*self.command.split(), '--recipe', str(self.recipe), *self.choice]
        words += ['--held-out', self.held_out] if self.held_out else []
        words += ['--start', str(self.start)] if self.start else []
        words += ['--trunk', str(self.trunk)] if self.trunk else []
        return shlex.join([*words, *self.options.words(compute)])

    def learn(self, task: Task, name: str, *, features: str) -> tuple[nn.Module, Provenance]:
        """
        Train with a progress bar; return the best network and where it comes from.

        :param features: what the trunk began from, in words.
        """
        import torch

        from perception_nodes.learning.bundling import provenance_of
        from perception_nodes.learning.compute import Compute
        from perception_nodes.learning.energy import available_meter
        from perception_nodes.learning.loop import Trainer
        from perception_nodes.learning.ranks import join_ranks, own_device

        options = self.options
        device = own_device(options.device)
        ranks = join_ranks(device)
        # Each thread of the training works alone; helpers of single operations would only spin.
        torch.set_num_threads(1)
        trainer = Trainer(
            task,
            options.out,
            sources=self.sources,
            resume=options.resume,
            time_limit_s=options.time_limit_min * 60 or None,
            threads=options.thread_count,
            meter=available_meter(),
            compute=Compute.choose(device, options.precision),
        )
        if not ranks.leads:
            trainer.run()
            raise typer.Exit
        others = f' in {ranks.count} processes' if ranks.count > 1 else ''
        console.print(f'Training on {trainer.compute}{others}', highlight=False)
        _train(trainer, name)
        provenance = provenance_of(
            self.source(trainer.compute),
            self.data,
            options.licence,
            trainer.history(),
            features=features,
            start=self.start,
            trunk=self.trunk,
        )
        return trainer.best_model(), provenance

    def bundle_folder(self, wanted: Path | None) -> Path:
        """
        Return where the bundle goes, before hours are spent on it.

        :param wanted: ``bundle`` beside the record by default.
        :raises BundleError: something else would be lost there, the start of the training too.
        """
        from perception_nodes.inference.bundle_folder import check_target

        begun = [path.parent for path in (self.start, self.trunk) if path is not None]
        return check_target(wanted or self.options.out / 'bundle', begun)

    def conclude(
        self,
        task: Task,
        bundler: Bundler,
        target: Path | None,
        errors_of: Callable[[ModelBundle, Any], Sequence[Section]],
        *,
        features: str,
    ) -> None:
        """
        Train, write the bundle, say what was measured, and leave the page about it.

        :param bundler: knows recipe and sets; where the network comes from is told it here.
        :param target: folder of the bundle, ``bundle`` beside the record by default.
        :param errors_of: what the page tells of the errors on the held-out set, or on the
            validation set where there is none.
        :param features: what the trunk began from, in words.
        """
        from perception_nodes.cli.training_report import leave_report
        from perception_nodes.learning.checkpoints import RECORD

        recipe, out = bundler.recipe, self.options.out
        target = self.bundle_folder(target)
        model, provenance = self.learn(task, recipe.name, features=features)
        bundler = replace(
            bundler, provenance=provenance, threads=self.options.thread_count, track=track
        )
        report = bundler.write(model, target)
        _tell(report)
        labelled = bundler.validation if bundler.held_out is None else bundler.held_out
        errors = errors_of(report.bundle, labelled)
        page = leave_report(report, recipe, out / RECORD, out, errors)
        console.print(f'→ {page}', highlight=False)


def _train(trainer: Trainer, name: str) -> None:
    """Train with a progress bar, and draw the curve."""
    from perception_nodes.learning.checkpoints import RECORD
    from perception_nodes.learning.curve import draw_curve, read_record

    with progress_bar(f'Training {name}', _TICKS) as advance:
        shown = 0

        def show(now: Progress) -> None:
            nonlocal shown
            done = int(_TICKS * now.fraction)
            words = _words({**now.losses, **now.figures})
            advance(done - shown, f'epoch {now.epoch} step {now.step} {words}')
            shown = done
            if now.figures:
                console.print(f'epoch {now.epoch}: {_words(now.figures)}', highlight=False)

        trainer.run([show])
    if trainer.early_end:
        console.print(f'ended early {trainer.early_end}', highlight=False)
    draw_curve(read_record(trainer.folder / RECORD), trainer.folder / 'curve.png', name)


def _words(values: dict[str, float]) -> str:
    """Return names and numbers in a line."""
    return ' '.join(f'{name} {value:.3f}' for name, value in values.items())


def held_out_words(pictures: Sequence[object], address: str) -> str:
    """Return what a held-out set is, empty where there is none."""
    return f'{len(pictures)} held-out pictures, {address}' if pictures else ''


def _tell(report: BundleReport) -> None:
    """Say what was written and measured."""
    before, after = report.calibration_error
    calibration = report.bundle.spec.calibration
    console.print(f'bundle: {report.bundle.path}', highlight=False)
    console.print(f'ONNX {report.parity.words}', highlight=False)
    fitted = f'temperature {calibration.temperature}'
    if report.bundle.spec.task == 'detection':
        fitted += f', bias {calibration.bias}, score threshold {calibration.score_threshold}'
    console.print(f'{fitted}: calibration error {before:.3f} → {after:.3f}')
    for metric in report.bundle.spec.metrics:
        console.print(f'{metric.name} {metric.value:.3f}', highlight=False)
