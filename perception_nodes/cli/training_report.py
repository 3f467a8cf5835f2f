"""The page and the figures that a training leaves: how it went, the model, its data, its costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.cli.report_blocks import card, leave, machine_section, recipe_section
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.learning.bundling import BundleReport
from perception_nodes.learning.curve import FIGURES, LOSSES, read_record
from perception_nodes.learning.recipe import Recipe, recipe_to_dict
from perception_nodes.visualization.plots import lines_svg
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Plot,
    Report,
    Section,
    Table,
)

CO2_G_PER_KWH = 473
CO2_SOURCE = 'mean of the world’s electricity in 2024 (Ember, Global Electricity Review 2025)'
_MOST_FIGURES = 3

Record = Sequence[Mapping[str, Any]]


def leave_report(
    report: BundleReport,
    recipe: Recipe,
    record_path: Path,
    out: Path,
    errors: Sequence[Section] = (),
) -> Path:
    """
    Write ``report.html`` and ``report.json``; return the page.

    :param report: of the bundle that came out.
    :param record_path: one line of JSON for each epoch.
    :param out: folder.
    :param errors: of the model on its validation or held-out set.
    """
    record = read_record(record_path)
    machine = describe_machine()
    document = {
        'model': _model_card(report), 'data': _data_card(report), 'cost': _cost(record),
        'parity': report.parity.to_dict(), 'calibration_error': report.calibration_error,
        'recipe': recipe_to_dict(recipe), 'machine': machine, 'epochs': record,
    }  # fmt: skip
    return leave(_page(report, recipe, record, machine, errors), document, out)


def _page(
    report: BundleReport,
    recipe: Recipe,
    record: Record,
    machine: Mapping[str, str],
    errors: Sequence[Section],
) -> Report:
    spec = report.bundle.spec
    return Report(
        title=f'Training of {spec.name}',
        subtitle=f'{spec.task}, {len(record)} epochs, {_minutes(record):.0f} minutes',
        sections=(
            Section(title='Result', blocks=(_headline(report, record), *_metrics(report))),
            Section(title='How it went', blocks=curves(record)),
            *errors,
            Section(title='Model card', blocks=(card(_model_card(report)),)),
            Section(title='Data card', blocks=(card(_data_card(report)),)),
            recipe_section(recipe_to_dict(recipe)),
            machine_section(machine),
        ),
        footer=f'{spec.provenance.source}; weights sha256 {spec.weights.sha256}',
    )


def _headline(report: BundleReport, record: Record) -> Figures:
    before, after = report.calibration_error
    cost, agreement = _cost(record), report.parity.agreement
    agreed = 'none made' if agreement is None else f'{agreement:.3%}'
    items = [
        Figure(label=metric.name, value=f'{metric.value:.3f}', note=metric.data)
        for metric in report.bundle.spec.metrics[:_MOST_FIGURES]
    ]
    items += [
        Figure(label='calibration error', value=f'{after:.3f}', note=f'{before:.3f} before'),
        Figure(label='decisions as in torch', value=agreed, note='ONNX'),
        Figure(label='minutes', value=f'{cost["minutes"]:.0f}'),
    ]
    if cost['energy_kwh']:
        items.append(
            Figure(
                label='CO₂, g', value=f'{cost["co2_g"]:.0f}',
                note=f'{cost["energy_kwh"]:.3f} kWh at {CO2_G_PER_KWH} g/kWh, {CO2_SOURCE}',
            )
        )  # fmt: skip
    return Figures(items=tuple(items))


def _metrics(report: BundleReport) -> tuple[Table, ...]:
    rows = tuple((item.name, item.value, item.data) for item in report.bundle.spec.metrics)
    return (Table(columns=('figure', 'value', 'measured on'), rows=rows),) if rows else ()


def curves(record: Record) -> tuple[Plot, ...]:
    """Return the loss terms, and the validation figures, over the epochs."""
    plots = []
    for words, wanted in (('loss', LOSSES), ('validation', FIGURES)):
        names = sorted({name for line in record for name in line if name.startswith(wanted)})
        series = {}
        for name in names:
            known = np.array([(e['epoch'], e[name]) for e in record if e.get(name) is not None])
            series[name] = known[:, 0], known[:, 1]
        if series:
            svg = lines_svg(series, x_label='epoch', y_label=words, salt=f'training {words}')
            plots.append(Plot(svg=svg))
    return tuple(plots)


def _model_card(report: BundleReport) -> dict[str, object]:
    """Return what somebody who wants to use the model must know."""
    bundle = report.bundle
    spec, calibration = bundle.spec, bundle.spec.calibration
    size = f'{bundle.weights_path.stat().st_size / 2**20:.1f} MiB'
    width, height = spec.input.size_wh or ('any', 'any')
    return {
        'name': spec.name, 'task': spec.task, 'classes': ', '.join(bundle.classes),
        'input': f'{width}×{height} {spec.input.color_order.value}, {spec.input.resize}',
        'ONNX file': report.parity.words,
        'weights': f'{spec.weights.file}, {size}, sha256 {spec.weights.sha256}',
        'licence': spec.provenance.licence, 'begun from': spec.provenance.initialisation,
        'command': spec.provenance.source,
        'calibration': f'temperature {calibration.temperature}, bias {calibration.bias}',
        'not for': 'scenes, cameras and classes other than those of its data; measure it on yours '
        'first (perception evaluate, perception robustness)',
    }  # fmt: skip


def _data_card(report: BundleReport) -> dict[str, object]:
    """Return what the model has seen, and what it was measured on."""
    spec = report.bundle.spec
    measured = sorted({metric.data for metric in spec.metrics})
    details = {
        key: str(value) for key, value in spec.provenance.details.items() if key != 'parity'
    }
    return {
        'learnt from': spec.provenance.data,
        'measured on': '; '.join(measured) or 'nothing held out',
        **details,
        'check it': 'perception data check ADDRESS finds broken labels, imbalance and leaks',
    }


def _cost(record: Record) -> dict[str, Any]:
    energy = float(record[-1].get('energy_kwh') or 0.0) if record else 0.0
    return {
        'minutes': _minutes(record), 'energy_kwh': energy, 'co2_g': CO2_G_PER_KWH * energy,
        'co2_g_per_kwh': CO2_G_PER_KWH, 'co2_source': CO2_SOURCE,
    }  # fmt: skip


def _minutes(record: Record) -> float:
    return float(record[-1]['minutes']) if record else 0.0
