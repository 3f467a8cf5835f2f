"""What a graph and a plain loop said about the same pictures, side by side."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.evaluation.matching import match_boxes
from perception_nodes.evaluation.metrics import DetectionMetrics
from perception_nodes.structures import Detections

SAME_IOU = 0.999
"""Overlap from which two boxes of one class count as the same."""

SAME_SCORE = 1e-4
"""Difference of scores up to which two boxes count as the same."""


@dataclass(frozen=True, kw_only=True)
class PictureParity:
    """
    One picture.

    :param name: of its file.
    :param graph: boxes that came through the graph, None when no answer came.
    :param plain: boxes of the plain loop.
    :param differing: boxes on either side without the same box on the other.
    """

    name: str
    graph: int | None
    plain: int
    differing: int


@dataclass(frozen=True, kw_only=True)
class Parity:
    """
    Both measurements and their differences.

    :param graph: figures of what was recorded.
    :param plain: figures of the plain loop.
    :param pictures: frame by frame, in the order of publication.
    :param strange_stamps: stamps of results, in nanoseconds, that no picture has.
    """

    graph: DetectionMetrics
    plain: DetectionMetrics
    pictures: tuple[PictureParity, ...]
    strange_stamps: tuple[int, ...]

    @property
    def difference(self) -> float:
        """Of the mean average precision, graph minus plain loop; NaN when one has none."""
        return self.graph.mean_ap - self.plain.mean_ap

    @property
    def lost(self) -> tuple[str, ...]:
        """Names of the pictures without an answer."""
        return tuple(item.name for item in self.pictures if item.graph is None)

    @property
    def differing_boxes(self) -> int:
        """Boxes on either side without the same box on the other, in answered pictures."""
        return sum(item.differing for item in self.pictures if item.graph is not None)

    def agrees(self, tolerance: float) -> bool:
        """Return whether the average precisions lie within ``tolerance`` of each other."""
        if math.isnan(self.graph.mean_ap) and math.isnan(self.plain.mean_ap):
            return True
        return abs(self.difference) <= tolerance

    def write(self, path: Path, **more: Any) -> None:
        """Write a JSON file with everything and whatever else belongs to it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        difference = None if math.isnan(self.difference) else self.difference
        content = {
            **more,
            'mean_ap_difference': difference,
            'differing_boxes': self.differing_boxes,
            'lost': list(self.lost),
            'strange_stamps_ns': list(self.strange_stamps),
            'graph': self.graph.to_dict(),
            'plain': self.plain.to_dict(),
            'pictures': [asdict(item) for item in self.pictures],
        }
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + '\n', encoding='utf-8')


def compare_pictures(
    names: Sequence[str],
    graph: Mapping[int, Detections],
    plain: Sequence[Detections],
) -> tuple[PictureParity, ...]:
    """
    Compare frame by frame.

    :param names: of the pictures in the order of publication.
    :param graph: what came through the graph, by the index of the picture.
    :param plain: what the plain loop says about each.
    """
    return tuple(
        PictureParity(
            name=name,
            graph=len(graph[index]) if index in graph else None,
            plain=len(alone),
            differing=differing_boxes(graph.get(index, Detections.empty()), alone),
        )
        for index, (name, alone) in enumerate(zip(names, plain, strict=True))
    )


def differing_boxes(first: Detections, second: Detections) -> int:
    """Return how many boxes on either side have no same box on the other."""
    found = match_boxes(first, second.xyxy, second.class_ids, iou_threshold=SAME_IOU)
    scores = first.scores[found.pairs[:, 0]] - second.scores[found.pairs[:, 1]]
    apart = int((np.abs(scores) > SAME_SCORE).sum())
    return len(found.extra) + len(found.missed) + 2 * apart
