"""What a training leaves in its folder while it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

CHECKPOINT = 'last.pt'
BEST = 'best.pt'
RECORD = 'metrics.jsonl'


def read_state(path: Path) -> dict[str, Any] | None:
    """Return what :func:`write_state` wrote, on the CPU; None where there is nothing."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    return state


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a file so that a power cut leaves the old one or the new one."""
    partial = path.with_suffix('.partial')
    torch.save(state, partial)
    partial.replace(path)


def add_line(path: Path, values: Mapping[str, float]) -> None:
    """Add a line of JSON to a record."""
    with path.open('a', encoding='utf-8') as record:
        record.write(json.dumps(values) + '\n')
