"""What attacks did to a model, as a section of the page and rows of the table."""

from __future__ import annotations

import numpy as np

from perception_nodes.cli.attacks import AttackResult
from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.robustness.segmentation import look
from perception_nodes.robustness.stand import Stand
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame
from perception_nodes.visualization.attack_sheet import attack_sheet
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Section,
    Table,
    Text,
    picture,
)

_CONTROLS_WORDS = {
    'noise': 'noise (control)',
    'noise_patch': 'noise patch (control)',
}
_TOLD = 'the worst for every picture'


def rows_of(result: AttackResult) -> list[tuple[str, Stand, float]]:
    """Return name, stand and what is left of the clean mean IoU, the worst of all last."""
    figures = result.figures
    named = {
        'clean': figures.clean,
        **{_CONTROLS_WORDS.get(name, name): item for name, item in figures.by_attack.items()},
        _TOLD: figures.worst,
    }
    return [(name, item, figures.left(item)) for name, item in named.items()]


def attack_section(
    segmenter: Segmenter, labelled: MaskedSet, model: str, result: AttackResult
) -> Section:
    """
    Return the section of a model.

    :param model: its name in the page.
    """
    sheets = _sheets(segmenter, labelled, result)
    figures, (budget, *_) = result.figures, _budgets(result)
    chosen = ', '.join(f'{name} {count}' for name, count in figures.worst_by.items())
    worst = Figure(
        label='mean IoU, worst attack of every picture', value=f'{figures.worst.score:.3f}',
        note=f'{figures.clean.score:.3f} clean; worst: {chosen}',
    )  # fmt: skip
    return Section(
        title=f'{model}: under attack',
        blocks=(
            Figures(items=(worst,)),
            _table(result),
            Text(
                paragraphs=(
                    f'Budget: {budget}. Below: a picture, its change with the contrast turned up, '
                    'and what is found before and after.',
                )
            ),
            Gallery(pictures=tuple(picture(sheet, caption) for caption, sheet in sheets)),
        ),
    )


def _budgets(result: AttackResult) -> list[str]:
    """Return in words what the attacks may do."""
    words = []
    for how in result.record['attacks'].values():
        if 'epsilon_levels' in how:
            words.append(
                f'±{how["epsilon_levels"]:g} of 255 grey levels; pgd and segpgd take '
                f'{how["iterations"]} steps of {how["step_levels"]:g} from each of '
                f'{how["restarts"]} starts'
            )
        else:
            words.append(f'a patch of {how["side"]:.0%} of the shorter side')
    return list(dict.fromkeys(words))


def _table(result: AttackResult) -> Table:
    return Table(
        columns=('attack', 'mean IoU', 'of clean', 'calibration error', 'worst picture, wrong'),
        rows=tuple(
            (name, item.score, left, item.calibration_error, item.worst_wrong)
            for name, item, left in rows_of(result)
        ),
        caption='pixels below a patch do not count',
    )


def _sheets(
    segmenter: Segmenter, labelled: MaskedSet, result: AttackResult
) -> list[tuple[str, Frame]]:
    """Return for every attack the middle picture before and after."""
    number = len(labelled.pictures) // 2
    middle = labelled.pictures[number]
    before, _, found = look(segmenter, labelled, middle)
    sheets = []
    for name, attacked in result.attacked.items():
        after, truth, found_after = look(segmenter, attacked, attacked.pictures[number])
        counts = truth != 255
        wrong = float(np.mean(found_after.class_ids[counts] != truth[counts]))
        sheet = attack_sheet(before, after, found, found_after, labelled.classes)
        sheets.append((f'{name}, {middle.path.name}: {wrong:.1%} wrong', sheet))
    return sheets
