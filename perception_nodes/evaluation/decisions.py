"""The detections of a whole set, and which of them are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.evaluation.ground_truth import GroundTruth, TrueBoxes
from perception_nodes.evaluation.matching import match_boxes
from perception_nodes.structures import Detections

DECIDED_FROM = 0.5
"""A box with this score is more likely right than wrong, where scores are calibrated."""
_ON_CROWD = 0.5
"""A box that lies by so much on a region of many things counts neither way, as in COCO."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions:
    """
    Detections that count, surest first; each true box is found once, by the surest.

    :param scores: (N,) float64 in 0..1, falling.
    :param right: (N,) bool.
    :param image_ids: (N,) int64 pictures.
    :param categories: (N,) int64 categories of the labels.
    :param truth_image_ids: (M,) int64 pictures of the true boxes that count.
    :param truth_categories: (M,) int64 their categories.
    """

    scores: np.ndarray
    right: np.ndarray
    image_ids: np.ndarray
    categories: np.ndarray
    truth_image_ids: np.ndarray
    truth_categories: np.ndarray

    def from_score(self, threshold: float) -> Decisions:
        """Return those with at least this score."""
        return self._those(self.scores >= threshold, np.ones(len(self.truth_image_ids), bool))

    def of_category(self, category: int) -> Decisions:
        """Return those of one category."""
        return self._those(self.categories == category, self.truth_categories == category)

    def precision_recall(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (N,) precision and (N,) recall for falling thresholds; NaN without true boxes."""
        hits = np.cumsum(self.right)
        precision = hits / np.arange(1, len(hits) + 1)
        truths = len(self.truth_image_ids)
        return precision, hits / truths if truths else np.full(len(hits), np.nan)

    def wrong_by_image(self) -> dict[int, int]:
        """Return how many boxes are false or missed, of the pictures that have any."""
        numbers = np.concatenate([self.image_ids, self.truth_image_ids])
        # Every true box is missed until it is found, and every box false until it is right.
        weights = np.concatenate([np.where(self.right, -1, 1), np.ones(len(self.truth_image_ids))])
        images, index = np.unique(numbers, return_inverse=True)
        wrong = np.bincount(index, weights, minlength=len(images)).astype(int)
        return {int(image): int(n) for image, n in zip(images, wrong, strict=True) if n}

    def _those(self, kept: np.ndarray, kept_truths: np.ndarray) -> Decisions:
        return Decisions(
            scores=self.scores[kept],
            right=self.right[kept],
            image_ids=self.image_ids[kept],
            categories=self.categories[kept],
            truth_image_ids=self.truth_image_ids[kept_truths],
            truth_categories=self.truth_categories[kept_truths],
        )


def detections_of(results: Sequence[Mapping[str, Any]]) -> Detections:
    """Return one picture's COCO results as boxes, with categories in place of class numbers."""
    xywh = np.array([item['bbox'] for item in results], np.float64).reshape(-1, 4)
    return Detections(
        np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        np.array([item['score'] for item in results], np.float32),
        np.array([item['category_id'] for item in results], np.int64),
    )


def decisions_of(truth: GroundTruth, results: Sequence[Mapping[str, Any]]) -> Decisions:
    """
    Tell right detections from false ones at overlap 0.5.

    :param results: COCO results, with the image and category numbers of the labels.
    """
    by_image: dict[int, list[Mapping[str, Any]]] = {}
    for item in results:
        by_image.setdefault(int(item['image_id']), []).append(item)
    columns: list[np.ndarray] = [np.zeros((0, 4))]
    truths: list[np.ndarray] = [np.zeros((0, 2), np.int64)]
    for image in truth.images:
        boxes = truth.boxes_of(image.image_id)
        numbers = np.array([truth.category_ids[name] for name in boxes.labels], np.int64)
        real = numbers[~boxes.crowd]
        truths.append(np.stack([np.full(len(real), image.image_id), real], axis=1))
        found = detections_of(by_image.get(image.image_id, []))
        right = np.zeros(len(found), bool)
        right[match_boxes(found, boxes.xyxy[~boxes.crowd], real).pairs[:, 0]] = True
        counts = right | ~_on_crowd(found, boxes, numbers)
        rows = (found.scores, right, np.full(len(found), image.image_id), found.class_ids)
        columns.append(np.stack(rows, axis=1).astype(np.float64)[counts])
    table, labelled = np.concatenate(columns), np.concatenate(truths)
    table = table[np.argsort(-table[:, 0], kind='stable')]
    return Decisions(
        scores=table[:, 0],
        right=table[:, 1].astype(bool),
        image_ids=table[:, 2].astype(np.int64),
        categories=table[:, 3].astype(np.int64),
        truth_image_ids=labelled[:, 0],
        truth_categories=labelled[:, 1],
    )


def _on_crowd(found: Detections, boxes: TrueBoxes, numbers: np.ndarray) -> np.ndarray:
    """Return which detections lie on a region of many things of their category."""
    crowd, numbers = boxes.xyxy[boxes.crowd][None], numbers[boxes.crowd]
    box = found.xyxy[:, None]
    sides = np.minimum(box[..., 2:], crowd[..., 2:]) - np.maximum(box[..., :2], crowd[..., :2])
    area = (box[..., 2:] - box[..., :2]).prod(axis=-1)
    lies_on = sides.clip(0).prod(axis=-1) >= _ON_CROWD * np.maximum(area, 1e-9)
    return np.asarray((lies_on & (found.class_ids[:, None] == numbers[None])).any(axis=1))
