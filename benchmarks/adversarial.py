"""
What attacks cost the bundled segmenter, by budget: ``python -m benchmarks.adversarial``.

Resumable; the attacked pictures stay in ``--out``. The set is made by

    perception synthesize out/synthetic/attack_scenes --scenes 24 --seed 33 --assets held_out \
        --masks --on-path
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from perception_nodes.cli.attacks import AttackResult, attacked_result, planned
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.robustness.attacking import ATTACK_NAMES
from perception_nodes.robustness.segmentation import look
from perception_nodes.robustness.under_attack import measure_attacked
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder
from perception_nodes.visualization.attack_sheet import attack_sheet

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / 'benchmarks' / 'results' / 'adversarial.json'
MODEL, DATA = 'resource/models/simulator_segmenter', 'masks:out/synthetic/attack_scenes'
OTHER = 'resource/models/simulator_segmenter_int8'  # sees what was made for the first
EPSILONS, MAIN = (1, 2, 4, 8), 4
BY_BUDGET = 'noise,fgsm,pgd'
SHOWN = ('pgd', 'patch')
ITERATIONS = 20
_console = Console(width=120)


def measure(model: str, data: str, out: Path, threads: int) -> dict[str, Any]:
    """Return the figures for every budget, and draw a picture."""
    labelled = open_masked_set(data)
    segmenter = Segmenter.load(model, device='cpu', threads=threads)
    results = {}
    for epsilon in (MAIN, *(value for value in EPSILONS if value != MAIN)):
        names = ','.join(ATTACK_NAMES) if epsilon == MAIN else BY_BUDGET
        plan = planned(names, epsilon, ITERATIONS, 1)
        assert plan is not None
        results[epsilon] = attacked_result(
            segmenter, labelled, plan, out / f'attacked_{epsilon}', threads=threads
        )
    write_sheet(segmenter, labelled, results[MAIN], out / 'attacks.png')
    record = {
        'model': model, 'weights_sha256': segmenter.bundle.spec.weights.sha256, 'data': data,
        'pictures': len(labelled.pictures), 'machine': describe_machine(),
        'by_epsilon_levels': {str(key): results[key].to_dict() for key in EPSILONS},
    }  # fmt: skip
    segmenter.close()
    other = Segmenter.load(OTHER, device='cpu', threads=threads)
    transferred = measure_attacked(other, labelled, results[MAIN].attacked)
    other.close()
    return {**record, 'transferred_to': {'model': OTHER, **transferred.to_dict()}}


def write_sheet(
    segmenter: Segmenter, labelled: MaskedSet, result: AttackResult, path: Path
) -> None:
    """Draw one picture under the shown attacks: a row each."""
    number = len(labelled.pictures) // 2
    before, _, found = look(segmenter, labelled, labelled.pictures[number])
    rows = []
    for name in SHOWN:
        one = result.attacked[name]
        after, _, spoilt = look(segmenter, one, one.pictures[number])
        sheet = attack_sheet(before, after, found, spoilt, labelled.classes)
        rows.append(sheet.in_order(ColorOrder.BGR))
    cv2.imwrite(str(path), np.vstack(rows))


def main() -> None:
    """Measure, show the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default=MODEL)
    parser.add_argument('--data', default=DATA)
    parser.add_argument('--out', type=Path, default=Path('out/adversarial'))
    parser.add_argument('--threads', type=int, default=0)
    parser.add_argument('--result', type=Path, default=RESULT)
    words = parser.parse_args()
    words.out.mkdir(parents=True, exist_ok=True)
    record = measure(words.model, words.data, words.out, words.threads)
    words.result.parent.mkdir(parents=True, exist_ok=True)
    words.result.write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')
    table = Table(title=f'mean IoU on {record["pictures"]} pictures, by budget in grey levels')
    for heading in ('', *record['by_epsilon_levels'], f'int8, {MAIN}'):
        table.add_column(heading, justify='right' if heading else 'left')
    columns = [*record['by_epsilon_levels'].values(), record['transferred_to']]
    for name in ('clean', *ATTACK_NAMES, 'worst'):
        table.add_row(name, *(_cell(item, name) for item in columns))
    _console.print(table)
    _console.print(f'→ {words.result}', highlight=False)


def _cell(item: dict[str, Any], name: str) -> str:
    stand = item.get(name) or item['by_attack'].get(name)
    return f'{stand["mean_iou"]:.3f}' if stand else ''


if __name__ == '__main__':
    main()
