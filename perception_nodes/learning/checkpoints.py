"""What a training leaves in its folder while it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import torch

from perception_nodes.learning.recipe import Recipe

CHECKPOINT = 'last.pt'
BEST = 'best.pt'
RECORD = 'metrics.jsonl'

_IDENTITY = 'identity'
_FREE = ('schedule.epochs', 'schedule.patience')  # they only say when a run ends


def identity_of(recipe: Recipe, sources: Mapping[str, str]) -> dict[str, str]:
    """
    Return what must be the same when a run is resumed, by field: the recipe and its sources.

    :param sources: what is learnt from beside the recipe, by name, in words.
    """
    fields = dict(sources)
    for name, value in asdict(recipe).items():
        if is_dataclass(getattr(recipe, name)):
            fields |= {f'{name}.{key}': repr(item) for key, item in value.items()}
        else:
            fields[name] = repr(value)
    return {name: value for name, value in fields.items() if name not in _FREE}


def read_checkpoint(folder: Path, identity: Mapping[str, str]) -> dict[str, Any] | None:
    """
    Return the checkpoint of a run, on the CPU; None where there is none.

    :param identity: of the run that goes on from it.
    :raises ValueError: it belongs to another run, or does not say to which.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    before = state.get(_IDENTITY)
    if before is None:
        raise ValueError(
            f'{path} does not say of which recipe and data it is, since an earlier version wrote '
            'it; begin anew, without --resume, or end the run with that version'
        )
    names = [*before, *(name for name in identity if name not in before)]
    told = [
        f'{name} was {before.get(name, "absent")}, is {identity.get(name, "absent")}'
        for name in names
        if before.get(name) != identity.get(name)
    ]
    if told:
        raise ValueError(
            f'{path} is of another run: {"; ".join(told)}. Resume with what it was begun with, or '
            'begin anew in another folder (--out)'
        )
    return state


def write_checkpoint(folder: Path, state: Mapping[str, Any], identity: Mapping[str, str]) -> None:
    """Write what :func:`read_checkpoint` returns."""
    write_state(folder / CHECKPOINT, {**state, _IDENTITY: dict(identity)})


def clear(folder: Path) -> None:
    """Remove what an earlier run left, which would else be taken for this run's."""
    for name in (CHECKPOINT, BEST, RECORD):
        (folder / name).unlink(missing_ok=True)


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a file so that a power cut leaves the old one or the new one."""
    partial = path.with_suffix('.partial')
    torch.save(state, partial)
    partial.replace(path)


def add_line(path: Path, values: Mapping[str, float]) -> None:
    """Add a line of JSON to a record."""
    with path.open('a', encoding='utf-8') as record:
        record.write(json.dumps(values) + '\n')
