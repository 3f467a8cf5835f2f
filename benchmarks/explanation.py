"""
How far explanations of a detector can be believed: ``python -m benchmarks.explanation``.

Decisions are boxes that the detector finds and that a labelled box of the same class confirms
(IoU at least 0.5), at most three a picture. For each: does the maximum of the map lie in the
labelled box, and are the curves of deletion and insertion better than those of a random map?
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.cli.progress import track
from perception_nodes.detection import Detector
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import GroundTruth, LabelledImage, read_picture
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.matching import match_boxes
from perception_nodes.explanation import (
    BoxQuestion,
    ExplanationConfig,
    Method,
    deletion,
    explain,
    insertion,
    points_into,
    random_map,
)
from perception_nodes.structures import Detections

MOST = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Confirmed:
    """
    What a detector found in a picture and a label confirms.

    :param found: the boxes.
    :param true_xyxy: (N, 4) the labelled boxes.
    """

    found: Detections
    true_xyxy: np.ndarray


def confirmed(detector: Detector, truth: GroundTruth, image: LabelledImage) -> Confirmed:
    """Return the surest boxes that are right, at most three."""
    labels = truth.boxes_of(image.image_id)
    names = {name: number for number, name in enumerate(detector.class_names)}
    known = np.array([name in names for name in labels.labels], bool) & ~labels.crowd
    class_ids = np.array([names.get(name, -1) for name in labels.labels])[known]
    xyxy = labels.xyxy[known]
    found = detector(read_picture(image.path))
    pairs = match_boxes(found, xyxy, class_ids).pairs
    pairs = pairs[np.argsort(-found.scores[pairs[:, 0]], kind='stable')][:MOST]
    return Confirmed(found=found[pairs[:, 0]], true_xyxy=xyxy[pairs[:, 1]])


def judged(
    detector: Detector, truth: GroundTruth, image: LabelledImage, config: ExplanationConfig
) -> Iterator[dict[str, Any]]:
    """Yield the figures of every decision of a picture."""
    boxes = confirmed(detector, truth, image)
    if not len(boxes.found):
        return
    frame = read_picture(image.path)
    question = BoxQuestion(detector, boxes.found)
    maps = explain(question, frame, config)
    for number, (name, box) in enumerate(zip(question.names, boxes.true_xyxy, strict=True)):
        nothing = random_map(np.random.default_rng([image.image_id, number]), maps[0].shape)
        asked = question, number, frame
        width, height = frame.size_wh
        yield {
            'picture': image.path.name, 'decision': name,
            'box_part': float((box[2] - box[0]) * (box[3] - box[1]) / (width * height)),
            'points_into': points_into(maps[number], box),
            'deletion': deletion(*asked, maps[number]).area,
            'deletion_random': deletion(*asked, nothing).area,
            'insertion': insertion(*asked, maps[number]).area,
            'insertion_random': insertion(*asked, nothing).area,
        }  # fmt: skip


def figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the figures of all decisions, and of pictures where those of each are averaged."""
    pictures: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        pictures.setdefault(row['picture'], []).append(row)

    def better(name: str, sign: float) -> float:
        gains = [
            np.mean([sign * (row[f'{name}_random'] - row[name]) for row in members])
            for members in pictures.values()
        ]
        return float(np.mean(np.array(gains) > 0))

    means = {
        name: float(np.mean([row[name] for row in rows]))
        for name in ('deletion', 'deletion_random', 'insertion', 'insertion_random')
    }
    return {
        'pictures': len(pictures), 'decisions': len(rows),
        'pointing_game': float(np.mean([row['points_into'] for row in rows])),
        'pointing_game_by_chance': float(np.mean([row['box_part'] for row in rows])),
        'pictures_with_better_deletion': better('deletion', 1.0),
        'pictures_with_better_insertion': better('insertion', -1.0),
        **means,
    }  # fmt: skip


def main() -> None:
    """Explain, judge, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', required=True, help='bundle or URI of a detector')
    parser.add_argument(
        '--data', required=True, nargs='+', help='coco:file[::3], penn_fudan:folder'
    )
    parser.add_argument('--methods', nargs='+', default=[Method.RANDOM_MASKS.value])
    parser.add_argument('--masks', type=int, default=ExplanationConfig().masks)
    parser.add_argument('--threads', type=int, default=0)
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/explanation.json'))
    options = parser.parse_args()
    detector = Detector.load(options.model, device='cpu', threads=options.threads)
    report: dict[str, Any] = {
        'machine': describe_machine(), 'model': detector.bundle.name, 'results': {},
    }  # fmt: skip
    for data in options.data:
        truth = open_dataset(data)
        kind = data.partition(':')[0] + data[data.find('[') :] * ('[' in data)
        for method in options.methods:
            config = ExplanationConfig(method=method, masks=options.masks)
            images = track(truth.images, f'{kind}, {method}')
            rows = [row for image in images for row in judged(detector, truth, image, config)]
            found = {'settings': asdict(config), **figures(rows), 'rows': rows}
            report['results'].setdefault(kind, {})[method] = found
            print(kind, method, json.dumps(figures(rows), indent=1))
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    main()
