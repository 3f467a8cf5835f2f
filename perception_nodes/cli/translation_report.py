"""The page and the figures that a translation training leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perception_nodes.cli.report_blocks import leave, machine_section, recipe_section
from perception_nodes.cli.training_report import curves
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.learning.checkpoints import RECORD
from perception_nodes.learning.curve import read_record
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.picture_features import DECIDING_STRIDE
from perception_nodes.learning.recipe import recipe_to_dict
from perception_nodes.learning.recipes.translation import TranslationRecipe
from perception_nodes.learning.translation_figures import TranslationFigures
from perception_nodes.learning.translator import Translator
from perception_nodes.learning.translator_bundling import TranslatorReport
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Report,
    Section,
    Table,
    Text,
    contact_sheet,
    picture,
)

SHEET = 'before_after.jpg'
_SHOWN = 8
_TILE_PX = 320


def leave_translation_report(
    report: TranslatorReport,
    recipe: TranslationRecipe,
    labelled: MaskedSet,
    real: Sequence[np.ndarray],
    out: Path,
) -> Path:
    """
    Write ``report.html``, ``report.json`` and the sheet of pictures; return the page.

    :param labelled: synthetic pictures, some of which are shown before and after.
    :param real: frames, (H, W, 3) uint8 RGB; some are shown, on the page alone.
    :param out: folder of the training.
    """
    record, machine = read_record(out / RECORD), describe_machine()
    spec = report.bundle.spec
    document = {
        'model': {
            'name': spec.name, 'weights_sha256': spec.weights.sha256,
            'licence': spec.provenance.licence, 'command': spec.provenance.source,
            'data': spec.provenance.data, **spec.provenance.details,
        },
        'figures': report.figures.to_dict(), 'parity': report.parity.to_dict(),
        'recipe': recipe_to_dict(recipe), 'machine': machine, 'epochs': record,
    }  # fmt: skip
    pairs = before_and_after(report, labelled)
    sheet = contact_sheet(pairs, columns=2, tile_width=_TILE_PX)
    cv2.imwrite(str(out / SHEET), sheet.in_order(ColorOrder.BGR))
    shown = [Frame(pixels=pixels) for pixels in spread_over(real, _SHOWN)]
    page = _page(report, recipe, sheet, contact_sheet(shown, columns=4), record, machine)
    return leave(page, document, out)


def before_and_after(report: TranslatorReport, labelled: MaskedSet) -> list[Frame]:
    """Return some pictures, each followed by its translation, in RGB."""
    translator = Translator.load(report.bundle, device='cpu')
    frames = []
    for item in spread_over(labelled.pictures, _SHOWN):
        frame, _mask = labelled.read(item)
        frames += [frame, translator.translated(frame)]
    translator.close()
    return frames


def _page(
    report: TranslatorReport,
    recipe: TranslationRecipe,
    sheet: Frame,
    real: Frame,
    record: Sequence[Mapping[str, Any]],
    machine: Mapping[str, str],
) -> Report:
    spec, figures = report.bundle.spec, report.figures
    pictures = (picture(sheet, 'before and after'), picture(real, 'real frames'))
    warning = (Text(paragraphs=('The translated pictures look all the same: collapsed.',)),)
    return Report(
        title=f'Translation by {spec.name}',
        subtitle=f'{spec.provenance.data}; {len(record)} epochs',
        sections=(
            Section(
                title='Result',
                blocks=(
                    _headline(figures), *(warning if figures.is_collapsed else ()),
                    _distances(figures), _kept(figures),
                ),
            ),
            Section(title='Before and after', blocks=(Gallery(pictures=pictures),)),
            Section(title='How it went', blocks=curves(record)),
            recipe_section(recipe_to_dict(recipe)),
            machine_section(machine),
        ),
        footer=f'{spec.provenance.source}; weights sha256 {spec.weights.sha256}',
    )  # fmt: skip


def _headline(figures: TranslationFigures) -> Figures:
    deciding = figures.distances[DECIDING_STRIDE]
    items = [
        Figure(
            label='Fréchet distance', value=f'{deciding.before:.0f} → {deciding.after:.0f}',
            note=f'stride {DECIDING_STRIDE}; {figures.pictures} pictures, {figures.frames} frames',
        ),
        Figure(label='edges kept', value=f'{figures.edges:.3f}', note='correlation of slopes'),
        Figure(label='spread', value=f'{figures.spread:.2f}', note='1 as before, 0 all the same'),
    ]  # fmt: skip
    if figures.labels is not None:
        check = figures.labels
        items.append(
            Figure(
                label='pixels called as before', value=f'{check.same:.1%}', note=check.segmenter
            )
        )
    return Figures(items=tuple(items))


def _distances(figures: TranslationFigures) -> Table:
    return Table(
        columns=('features of stride', 'before', 'after', 'other real frames'),
        rows=tuple(
            (str(stride), item.before, item.after, item.real)
            for stride, item in figures.distances.items()
        ),
        caption='Fréchet distance from real frames that were not learnt; smaller is more alike',
        digits=1,
    )


def _kept(figures: TranslationFigures) -> Table:
    rows: list[tuple[object, ...]] = [
        ('mean change of a value, of 255', figures.change_levels),
        ('values driven to 0 or 255', figures.clipped),
    ]
    if figures.labels is not None:
        check = figures.labels
        rows += [
            (f'mIoU of {check.segmenter} before', check.mean_iou_before),
            (f'mIoU of {check.segmenter} after', check.mean_iou_after),
        ]
    return Table(columns=('what was kept', 'value'), rows=tuple(rows))
