"""Tables of ``perception models``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from perception_nodes.inference.bundle import GoldenResult
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.bundle_yaml import load_yaml_file
from perception_nodes.inference.catalogue import CatalogueEntry
from perception_nodes.structures import UNLABELLED, SegmentationMask

_SHOWN_CLASSES = 12


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One line of the list."""

    name: str
    where: str
    spec: ModelSpec | None
    note: str = ''


def collect(
    bundled: Mapping[str, Path], cached: Mapping[str, Path], entries: Mapping[str, CatalogueEntry]
) -> list[ModelRow]:
    """Return one row per name; what is here hides the entry of the catalogue."""
    here = {**{k: ('fetched', v) for k, v in cached.items()}}
    here.update({k: ('bundled', v) for k, v in bundled.items()})
    rows = [_row_of_folder(name, where, path) for name, (where, path) in sorted(here.items())]
    rows += [
        ModelRow(
            name=name,
            where=f'fetch {entry.size_bytes / 1e6:.1f} MB',
            spec=entry.spec,
            note=entry.description,
        )
        for name, entry in sorted(entries.items())
        if name not in here
    ]
    return rows


def list_table(rows: Sequence[ModelRow]) -> Table:
    """Return the table of ``perception models list``; names stay whole on a narrow terminal."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column('name', no_wrap=True)
    table.add_column('task', no_wrap=True)
    table.add_column('where', min_width=len('bundled'))
    for name in ('input', 'classes', 'measured', 'licence'):
        table.add_column(name, no_wrap=True)
    for row in rows:
        if row.spec is None:
            table.add_row(escape(row.name), '', row.where, f'[red]{escape(row.note)}')
            continue
        spec = row.spec
        table.add_row(
            escape(row.name),
            spec.task,
            row.where,
            _size(spec),
            str(len(spec.classes)),
            ', '.join(f'{item.name} {item.value:.3g}' for item in spec.metrics[:1]),
            escape(spec.provenance.licence),
        )
    return table


def show_table(spec: ModelSpec, place: str) -> Table:
    """Return every field of a description, one line each."""
    table = Table('field', 'value', title=spec.name, show_lines=False)
    table.add_row('place', escape(place))
    for key, value in _flat(spec.to_dict()):
        table.add_row(key, escape(value))
    return table


def verify_table(results: Sequence[tuple[str, bool, str]]) -> Table:
    """Return model, verdict and what was checked."""
    table = Table('model', 'verdict', 'checked')
    for model, passed, checks in results:
        table.add_row(escape(model), '[green]ok' if passed else '[red]wrong', escape(checks))
    return table


def golden_table(expected: GoldenResult, class_names: Sequence[str]) -> Table:
    """Return the boxes, or the shares of the classes, of a golden frame."""
    if isinstance(expected, SegmentationMask):
        return _shares_table(expected, class_names)
    table = Table('class', 'score', 'left', 'top', 'right', 'bottom')
    for box in expected:
        sides = [f'{side:.0f}' for side in box['xyxy']]
        table.add_row(escape(box['class']), f'{box["score"]:.2f}', *sides)
    return table


def _shares_table(mask: SegmentationMask, class_names: Sequence[str]) -> Table:
    table = Table('class', 'share of the picture')
    counts = np.bincount(mask.class_ids.ravel(), minlength=256).tolist()
    named = [*zip(class_names, counts, strict=False), ('unlabelled', counts[UNLABELLED])]
    for name, count in named:
        if count:
            table.add_row(escape(name), f'{count / mask.class_ids.size:.1%}')
    return table


def _row_of_folder(name: str, where: str, path: Path) -> ModelRow:
    try:
        spec = ModelSpec.from_dict(load_yaml_file(path / 'model.yaml'))
    except BundleError as error:
        return ModelRow(name=name, where=where, spec=None, note=str(error))
    return ModelRow(name=name, where=where, spec=spec, note=spec.provenance.source)


def _size(spec: ModelSpec) -> str:
    return '×'.join(map(str, spec.input.size_wh)) if spec.input.size_wh else 'any'


def _flat(data: Mapping[str, Any], prefix: str = '') -> list[tuple[str, str]]:
    """Return (dotted key, text) pairs."""
    lines: list[tuple[str, str]] = []
    for key, value in data.items():
        where = f'{prefix}{key}'
        if isinstance(value, Mapping) and value:
            lines += _flat(value, f'{where}.')
        elif key == 'metrics' and not prefix:
            lines += [(f'metric {m["name"]}', f'{m["value"]:.4g} on {m["data"]}') for m in value]
        elif key == 'classes' and not prefix:
            more = len(value) - _SHOWN_CLASSES
            names = ', '.join(value[:_SHOWN_CLASSES]) + (f', … {more} more' if more > 0 else '')
            lines.append((f'classes ({len(value)})', names))
        else:
            lines.append((where, '—' if value in (None, '', {}, []) else str(value)))
    return lines
