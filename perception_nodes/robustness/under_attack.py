"""What attacks cost a segmenter, each alone and the worst of all for every picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.evaluation.segmentation import SegmentationMeter
from perception_nodes.robustness.segmentation import METRIC, Tally, look
from perception_nodes.robustness.stand import Stand
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import SegmentationMask

CLEAN = 'clean'


@dataclass(frozen=True, eq=False, kw_only=True)
class UnderAttack:
    """
    A model on clean pictures, under each attack, and under the worst for every picture.

    :param by_attack: name of the attack to the stand.
    :param worst: of the pictures as the attack with the lowest mean IoU leaves each of them.
    :param worst_by: for how many pictures each attack was the worst; ``clean``: none did harm.
    """

    clean: Stand
    by_attack: Mapping[str, Stand]
    worst: Stand
    worst_by: Mapping[str, int]

    def left(self, stand: Stand) -> float:
        """Return the part of the clean mean IoU that is left."""
        return stand.score / self.clean.score if self.clean.score else float('nan')

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            'clean': self.clean.to_dict(METRIC),
            'by_attack': {name: item.to_dict(METRIC) for name, item in self.by_attack.items()},
            'worst': self.worst.to_dict(METRIC),
            'worst_by': dict(self.worst_by),
        }


def measure_attacked(
    segmenter: Segmenter, labelled: MaskedSet, attacked: Mapping[str, MaskedSet]
) -> UnderAttack:
    """
    Look at the clean set and its attacked copies with the bundle as it is deployed.

    :param attacked: name of the attack to the set, its pictures in the order of the clean one's.
    """
    sets = {CLEAN: labelled, **attacked}
    tallies = {name: Tally(labelled.classes) for name in sets}
    worst, worst_by = Tally(labelled.classes), Counter[str]()
    for number, picture in enumerate(labelled.pictures):
        looks = {}
        for name, one in sets.items():
            _, truth, found = look(segmenter, one, one.pictures[number])
            looks[name] = (truth, found, segmenter.times.total_s)
            tallies[name].add(picture.path.name, *looks[name])
        hardest = min(looks, key=lambda name: _mean_iou(labelled, *looks[name][:2]))
        worst.add(picture.path.name, *looks[hardest])
        worst_by[hardest] += 1
    return UnderAttack(
        clean=tallies[CLEAN].stand(),
        by_attack={name: tallies[name].stand() for name in attacked},
        worst=worst.stand(),
        worst_by=dict(worst_by.most_common()),
    )


def _mean_iou(labelled: MaskedSet, truth: np.ndarray, found: SegmentationMask) -> float:
    """Return the mean IoU of one picture, 1 where nothing is labelled."""
    meter = SegmentationMeter(labelled.classes)
    meter.add(truth, found)
    value = meter.metrics().mean_iou
    return value if np.isfinite(value) else 1.0
