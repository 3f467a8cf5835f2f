"""
The training loop, which knows nothing of boxes or masks.

A :class:`~perception_nodes.learning.task.Task` brings the model, the batches, the loss and the
validation; the loop brings the optimiser, the averaged weights, the pace, checkpoints and the
record of what happened. A task may bring a second network that learns against the first: see
:mod:`.rival`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from perception_nodes.learning.averaging import PacedAdamW, averaged, rate_factor
from perception_nodes.learning.best_weights import BestWeights
from perception_nodes.learning.checkpoints import (
    BEST,
    RECORD,
    add_line,
    clear,
    identity_of,
    read_checkpoint,
    write_checkpoint,
)
from perception_nodes.learning.compute import Compute, placed
from perception_nodes.learning.energy import Meter, NoMeter
from perception_nodes.learning.models.widths import shapes_of, sized_like
from perception_nodes.learning.pruning import settled
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.replicas import Replicas
from perception_nodes.learning.rival import rival_of
from perception_nodes.learning.task import Callback, Progress, Task
from perception_nodes.learning.trunk_hold import TrunkHold


class Trainer:
    """
    Train a task in a folder, step by step and epoch by epoch.

    The folder gets ``last.pt`` after each epoch, ``best.pt`` (averaged weights of the best
    validation), and one line of JSON an epoch in ``metrics.jsonl``. Those of an earlier run are
    removed, unless it is resumed.

    :param task: what is learnt.
    :param folder: made if absent.
    :param sources: what it is learnt from beside the recipe, by name, in words.
    :param resume: go on from ``last.pt`` if there is one, of the same recipe and sources.
    :param time_limit_s: the pace falls so that the run ends in this time at the latest; the
        result then depends on the machine's speed.
    :param threads: CPU threads, each with a part of the batch, at least 1; a GPU takes whole
        batches.
    :param meter: of the energy; None measures none.
    :param compute: device and arithmetic; None: the CPU in float32.
    :raises ValueError: the checkpoint to resume is of another run.
    """

    def __init__(
        self,
        task: Task,
        folder: Path,
        *,
        sources: Mapping[str, str] | None = None,
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
        self.identity = identity_of(task.recipe, sources or {})
        folder.mkdir(parents=True, exist_ok=True)
        state = self.ranks.agreed(
            lambda: read_checkpoint(folder, self.identity) if resume else None,
            self.compute.device,
        )
        torch.manual_seed(task.seed)
        model = task.build_model()
        if state is not None:
            sized_like(model, shapes_of(state['model']))
        self.model = self.ranks.aligned(model, self.compute.device).to(self.compute.device)
        self.model = self.model.to(memory_format=torch.channels_last)
        self.replicas = Replicas(self.compute.running(self.model), self.threads)
        self.optimiser = PacedAdamW(self.model, task.schedule)
        self.hold = TrunkHold(self.replicas.models, task.schedule.frozen_epochs)
        self.rival = rival_of(task, self.compute, self.threads)
        self.mean: AveragedModel = averaged(self.model, task.schedule.ema_decay)
        self.epoch, self.step, self.epoch_length = 0, 0, 1
        self.spent_s, self.energy_kwh = 0.0, 0.0
        self.best = BestWeights(folder / BEST, task.metric, task.schedule.patience)
        if state is not None:
            self._load(state)
        elif self.ranks.leads:
            clear(folder)

    def run(self, callbacks: Iterable[Callback] = ()) -> Path:
        """Train to the end and return the file of the best weights."""
        callbacks = list(callbacks)
        while not self._is_over():
            self.meter.start()
            losses = self._run_epoch(callbacks)
            started = time.monotonic()
            self.epoch += 1
            is_looked_at = self._is_over() or self.epoch % self.task.schedule.validate_every == 0
            figures = self._look() if is_looked_at else {}
            self.spent_s += time.monotonic() - started
            self.energy_kwh += self.meter.stop()
            if self.ranks.leads:
                self._save(losses, figures)
            self._tell(callbacks, losses, figures)
        return self.folder / BEST

    def _is_over(self) -> bool:
        """Return whether no further epoch follows, the same in all processes."""
        is_at_end = self.epoch >= self.task.schedule.epochs or self.best.has_waited_enough
        return is_at_end or self._out_of_time()

    def _look(self) -> dict[str, float]:
        """Let the leading process judge the averaged weights, and return what it finds."""
        figures: dict[str, float] = {}
        if self.ranks.leads:
            figures = self.task.validate(self.mean.module)
            self.best.look(figures, self.mean.module)
        self.best.waited = self.ranks.agreed(lambda: self.best.waited, self.compute.device)
        return figures

    @property
    def early_end(self) -> str:
        """Why the run ended before its last epoch, empty where its patience was not at its end."""
        epochs, patience = self.task.schedule.epochs, self.best.patience
        if not self.best.has_waited_enough or self.epoch >= epochs:
            return ''
        waited = f'no better {self.task.metric} for a patience of {patience}'
        return f'after epoch {self.epoch} of {epochs}: {waited}'

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
            **({'processes': self.ranks.count} if self.ranks.count > 1 else {}),
            **({'ended_early': self.early_end} if self.early_end else {}),
            f'validation_{self.task.metric}': round(self.best.figure, 4),
        }

    def _run_epoch(self, callbacks: list[Callback]) -> dict[str, float]:
        """Train one epoch and return the mean of the loss terms."""
        # Seeding by epoch instead of keeping generator states: a resumed run repeats exactly.
        torch.manual_seed(self.ranks.own_seed(self.task.seed + 1_000_003 * (self.epoch + 1)))
        self.hold.begin(self.epoch)
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
        self.hold.settle()
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
            'best': self.best.figure,
            'waited': self.best.waited,
            'spent_s': self.spent_s,
            'energy_kwh': self.energy_kwh,
        }
        write_checkpoint(self.folder, state, self.identity)
        line = {'epoch': self.epoch, 'step': self.step, 'minutes': round(self.spent_s / 60, 2)}
        told = {'energy_kwh': self.energy_kwh, **losses, **figures}
        rounded = {name: round(value, 5) for name, value in told.items()}
        add_line(self.folder / RECORD, {**line, **rounded})

    def _load(self, state: dict[str, Any]) -> None:
        """Go on from the checkpoint."""
        self.model.load_state_dict(state['model'])
        self.mean.load_state_dict(state['mean'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.rival.load_state_dict(state['rival'])
        self.epoch, self.step = state['epoch'], state['step']
        self.best.figure, self.best.waited = state['best'], state['waited']
        self.spent_s, self.energy_kwh = state['spent_s'], state['energy_kwh']
