"""
How far to believe pseudo-labels: ``python -m benchmarks.pseudo_labels``.

The bundled detector labels held-out scenes whose true boxes are known. Counted are labels that
are right, uncertain regions that hide a true thing of their class, and true things with a label.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from perception_nodes.detection import Detector
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import GroundTruth, read_picture
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.matching import Counts, match_boxes
from perception_nodes.learning.pseudo_boxes import ANNOTATIONS, write_pseudo_boxes
from perception_nodes.simulation.randomization import RandomizationConfig
from perception_nodes.simulation.synthesis import SynthesisJob, finish, render_missing
from perception_nodes.structures import Detections

SEED, DOUBT = 77, 0.2
CONFIDENCES = (0.5, 0.7, 0.9)


def render(folder: Path, scenes: int) -> GroundTruth:
    """Return held-out scenes with their true boxes."""
    config = RandomizationConfig(assets='held_out', seed=SEED)
    job = SynthesisJob(folder=folder, config=config, scenes=scenes)
    job.records.prepare()
    for _ in render_missing(job, 2):
        pass
    finish(job)
    return open_dataset(f'coco:{folder / ANNOTATIONS}')


def counted(truth: GroundTruth, labels: GroundTruth, *, crowd: bool) -> Counts:
    """Return hits and misses of the labels, or of the uncertain regions."""
    names, counts = list(truth.category_ids), Counts()
    for true, labelled in zip(truth.images, labels.images, strict=True):
        found, whole = labels.boxes_of(labelled.image_id), truth.boxes_of(true.image_id)
        chosen = found.crowd == crowd
        ids = np.array([names.index(name) for name in found.labels], np.int64)[chosen]
        boxes = Detections(found.xyxy[chosen], np.ones(len(ids)), ids)
        # Things too small or too hidden to be asked for may be found, but are never missed.
        true_ids = np.array([names.index(name) for name in whole.labels], np.int64)
        matches = match_boxes(boxes, whole.xyxy, true_ids)
        counts += Counts(
            hits=len(matches.pairs),
            extra=len(matches.extra),
            missed=int((~whole.crowd[matches.missed]).sum()),
        )
    return counts


def main() -> None:
    """Render, label at several confidences, count, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--scenes', type=int, default=200)
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/pseudo_labels.json'))
    options = parser.parse_args()
    detector = Detector.load('simulator_detector', device='cpu')
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        truth = render(Path(folder) / 'true', options.scenes)
        for confidence in CONFIDENCES:
            out = Path(folder) / f'{confidence}'
            frames = ((item.path.stem, read_picture(item.path)) for item in truth.images)
            write_pseudo_boxes(detector, frames, out, confidence=confidence, doubt=DOUBT)
            labels = open_dataset(f'coco:{out / ANNOTATIONS}')
            kept = counted(truth, labels, crowd=False)
            uncertain = counted(truth, labels, crowd=True)
            rows.append(
                {'confidence': confidence, 'labels': kept.hits + kept.extra,
                 'right': kept.precision, 'things_labelled': kept.recall,
                 'regions': uncertain.hits + uncertain.extra,
                 'regions_with_a_thing': uncertain.precision}
            )  # fmt: skip
            print({key: round(value, 3) for key, value in rows[-1].items()})
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {
        'machine': describe_machine(),
        'scenes': options.scenes,
        'doubt': DOUBT,
        'rows': rows,
    }
    options.out.write_text(json.dumps(result, indent=1) + '\n')


if __name__ == '__main__':
    main()
