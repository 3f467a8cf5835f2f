"""
The training loop, which knows nothing of boxes or masks.

A :class:`Task` brings the model, the batches, the loss and the validation; the loop brings the
optimiser, the averaged weights, the pace, checkpoints and the record of what happened. A task
may bring a second network that learns against the first: see :mod:`.rival`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from perception_nodes.learning.averaging import PacedAdamW, averaged, rate_factor
from perception_nodes.learning.checkpoints import (
    BEST,
    CHECKPOINT,
    RECORD,
    add_line,
    read_state,
    write_state,
)
from perception_nodes.learning.compute import Compute, placed
from perception_nodes.learning.energy import Meter, NoMeter
from perception_nodes.learning.models.widths import shapes_of, sized_like
from perception_nodes.learning.pruning import settled
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.recipe import ScheduleRecipe
from perception_nodes.learning.replicas import Replicas
from perception_nodes.learning.rival import rival_of


class Task(Protocol):
    """What a kind of training brings to the loop."""

    schedule: ScheduleRecipe
    seed: int
    metric: str
    """Name of the validation figure that chooses the best weights; higher is better."""

    def build_model(self) -> nn.Module:
        """Return the untrained model."""

    def batches(self, epoch: int) -> DataLoader:
        """Return the batches of an epoch, with a length; equal epochs give equal batches."""

    def loss(self, model: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
        """Return the weighted terms of the loss."""

    def parts(self, batch: Any, count: int) -> list[Any]:
        """Return the batch cut into at most ``count`` parts of about the same size."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return the figures of the validation set."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """
    Where a run stands, told to the callbacks after each step and each epoch.

    :param fraction: part of the run that is over, 0..1.
    :param losses: terms of the last step.
    :param figures: of the last validation; empty within an epoch.
    """

    epoch: int
    step: int
    fraction: float
    losses: dict[str, float]
    figures: dict[str, float]


Callback = Callable[[Progress], None]


class Trainer:
    """
    Train a task in a folder, step by step and epoch by epoch.

    The folder gets ``last.pt`` after each epoch, ``best.pt`` (averaged weights of the best
    validation), and one line of JSON an epoch in ``metrics.jsonl``.

    :param task: what is learnt.
    :param folder: made if absent.
    :param resume: go on from ``last.pt`` if there is one.
    :param time_limit_s: the pace falls so that the run ends in this time at the latest; the
        result then depends on the machine's speed.
    :param threads: CPU threads, each with a part of the batch, at least 1; a GPU takes whole
        batches.
    :param meter: of the energy; None measures none.
    :param compute: device and arithmetic; None: the CPU in float32.
    """

    def __init__(
        self,
        task: Task,
        folder: Path,
        *,
        resume: bool = False,
        time_limit_s: float | None = None,
        threads: int = 1,
        meter: Meter | None = None,
        compute: Compute | None = None,
    ) -> None:
        self.task = task
        self.meter = meter or NoMeter()
        self.folder = folder
        self.time_limit_s = time_limit_s
        self.compute = compute or Compute()
        self.ranks = Ranks.now()
        self.threads = threads if self.compute.device.type == 'cpu' else 1
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(task.seed)
        model = task.build_model()
        state = read_state(folder / CHECKPOINT) if resume else None
        if state is not None:
            sized_like(model, shapes_of(state['model']))
        self.model = model.to(self.compute.device)
        self.model = self.model.to(memory_format=torch.channels_last)
        self.replicas = Replicas(self.compute.running(self.model), self.threads)
        self.optimiser = PacedAdamW(self.model, task.schedule)
        self.rival = rival_of(task, self.compute, self.threads)
        self.mean: AveragedModel = averaged(self.model, task.schedule.ema_decay)
        self.epoch, self.step, self.epoch_length = 0, 0, 1
        self.best, self.spent_s, self.energy_kwh = -1.0, 0.0, 0.0
        if state is not None:
            self._load(state)
        elif not resume and self.ranks.leads:
            (folder / RECORD).unlink(missing_ok=True)

    def run(self, callbacks: Iterable[Callback] = ()) -> Path:
        """Train to the end and return the file of the best weights."""
        callbacks = list(callbacks)
        while self.epoch < self.task.schedule.epochs and not self._out_of_time():
            self.meter.start()
            losses = self._run_epoch(callbacks)
            started = time.monotonic()
            self.epoch += 1
            is_looked_at = self._is_validated() and self.ranks.leads
            figures = self.task.validate(self.mean.module) if is_looked_at else {}
            if figures and figures[self.task.metric] > self.best:
                self.best = figures[self.task.metric]
                write_state(self.folder / BEST, self.mean.module.state_dict())
            self.spent_s += time.monotonic() - started
            self.energy_kwh += self.meter.stop()
            if self.ranks.leads:
                self._save(losses, figures)
            self._tell(callbacks, losses, figures)
        return self.folder / BEST

    def _is_validated(self) -> bool:
        """Return whether the epoch that just ended is one to look at; the last always is."""
        schedule = self.task.schedule
        is_last = self.epoch >= schedule.epochs or self._out_of_time()
        return is_last or self.epoch % schedule.validate_every == 0

    def best_model(self) -> nn.Module:
        """Return the network with the best weights, on the CPU; the training is over."""
        best = torch.load(self.folder / BEST, map_location='cpu', weights_only=True)
        self.model.to('cpu').load_state_dict(best)
        return settled(self.model)

    def history(self) -> dict[str, float | str]:
        """Return how long the training was, and how good the kept weights are."""
        return {
            'steps': self.step,
            'batch': self.task.schedule.batch,
            'trained_on': str(self.compute),
            'minutes': round(self.spent_s / 60, 1),
            **({'energy_kwh': round(self.energy_kwh, 3)} if self.energy_kwh else {}),
            f'validation_{self.task.metric}': round(self.best, 4),
        }

    def _run_epoch(self, callbacks: list[Callback]) -> dict[str, float]:
        """Train one epoch and return the mean of the loss terms."""
        # Seeding by epoch instead of keeping generator states: a resumed run repeats exactly.
        torch.manual_seed(self.task.seed + 1_000_003 * (self.epoch + 1))
        sums: dict[str, float] = {}
        batches = self.task.batches(self.epoch)
        self.epoch_length = len(batches)
        done = 0
        started = time.monotonic()
        for batch in batches:
            losses = self.train_step(batch, self._pace())
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            done += 1
            now = time.monotonic()
            self.spent_s, started = self.spent_s + now - started, now
            self._tell(callbacks, losses, {})
            if self._out_of_time():
                break
        return {name: value / max(done, 1) for name, value in sums.items()}

    def train_step(self, batch: Any, fraction: float) -> dict[str, float]:
        """
        Take one step of the optimiser and return the loss terms.

        :raises FloatingPointError: the loss is not finite.
        """
        schedule = self.task.schedule
        factor = rate_factor(self.step, schedule.warmup_steps, fraction)
        self.optimiser.pace(factor)
        self.replicas.train()
        batch = placed(batch, self.compute.device)
        opposing = self.rival.step(self.replicas.models[0], batch, factor)
        self.replicas.zero_grad()
        parts = self.task.parts(batch, self.threads)
        terms = {**self.replicas.backward(self.task.loss, parts), **opposing}
        self.ranks.average_gradients(self.model)
        if not math.isfinite(sum(terms.values())):
            raise FloatingPointError(
                f'loss {sum(terms.values())} at step {self.step}; lower schedule.learning_rate'
            )
        if schedule.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), schedule.gradient_clip)
        self.optimiser.step()
        self.mean.update_parameters(self.model)
        self.step += 1
        return terms

    def _pace(self) -> float:
        """Return the part of the run that is over, the same in all processes."""
        if self.time_limit_s is None:
            return self._fraction()
        return self.ranks.agreed(self._fraction, self.compute.device)

    def _fraction(self) -> float:
        """Return which part of the run is over, by steps or by time."""
        by_steps = self.step / max(self.epoch_length * self.task.schedule.epochs, 1)
        by_time = self.spent_s / self.time_limit_s if self.time_limit_s else 0.0
        return min(max(by_steps, by_time), 1.0)

    def _out_of_time(self) -> bool:
        """Return whether the time limit has passed."""
        if self.time_limit_s is None:
            return False
        limit_s = self.time_limit_s
        # Clocks differ: all processes must stop after the same step.
        return bool(self.ranks.agreed(lambda: float(self.spent_s >= limit_s), self.compute.device))

    def _tell(
        self, callbacks: list[Callback], losses: dict[str, float], figures: dict[str, float]
    ) -> None:
        """Call the callbacks."""
        if callbacks:
            progress = Progress(
                epoch=self.epoch,
                step=self.step,
                fraction=self._fraction(),
                losses=losses,
                figures=figures,
            )
            for callback in callbacks:
                callback(progress)

    def _save(self, losses: dict[str, float], figures: dict[str, float]) -> None:
        """Write the checkpoint and the line of the record."""
        state = {
            'model': self.model.state_dict(),
            'mean': self.mean.state_dict(),
            'optimiser': self.optimiser.state_dict(),
            'rival': self.rival.state_dict(),
            'epoch': self.epoch,
            'step': self.step,
            'best': self.best,
            'spent_s': self.spent_s,
            'energy_kwh': self.energy_kwh,
        }
        write_state(self.folder / CHECKPOINT, state)
        line = {'epoch': self.epoch, 'step': self.step, 'minutes': round(self.spent_s / 60, 2)}
        told = {'energy_kwh': self.energy_kwh, **losses, **figures}
        rounded = {name: round(value, 5) for name, value in told.items()}
        add_line(self.folder / RECORD, {**line, **rounded})

    def _load(self, state: dict[str, Any]) -> None:
        """Go on from the checkpoint."""
        self.model.load_state_dict(state['model'])
        self.mean.load_state_dict(state['mean'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.rival.load_state_dict(state.get('rival', {}))
        self.epoch, self.step = state['epoch'], state['step']
        self.best, self.spent_s = state['best'], state['spent_s']
        self.energy_kwh = state.get('energy_kwh', 0.0)
