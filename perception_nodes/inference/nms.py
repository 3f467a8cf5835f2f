"""Non-maximum suppression on the CPU, per class or over all classes."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.structures import Detections

MAX_CANDIDATES = 3000
"""Boxes with the highest scores that take part: 300 cost 0.3 ms, 3000 that all stay 40 ms."""

_CLASS_GAP_PX = 1.0


def suppress(
    detections: Detections,
    iou_threshold: float,
    *,
    class_agnostic: bool = False,
    max_detections: int = 0,
) -> Detections:
    """
    Keep the best box of every group of boxes that overlap by more than the threshold.

    OpenCV's implementation is used because it needs no torch on the robot and is the fastest
    for the few hundred boxes that pass a score filter. Classes are kept apart by moving each
    to a place of its own, in float64, so that overlaps within a class do not change.

    :param detections: boxes in any order.
    :param iou_threshold: intersection over union in 0..1; 1 keeps everything.
    :param class_agnostic: let boxes of different classes suppress each other.
    :param max_detections: upper limit of the result; 0 means no limit.
    :returns: the kept boxes, highest score first.
    """
    ranked = detections.sorted_by_score()[:MAX_CANDIDATES]
    limit = max_detections or len(ranked)
    if len(ranked) < 2 or iou_threshold >= 1.0:
        return ranked[:limit]
    xywh = ranked.xyxy.astype(np.float64)
    xywh[:, 2:] -= xywh[:, :2]
    if not class_agnostic:
        corner = ranked.xyxy.astype(np.float64)
        xywh[:, 0] += ranked.class_ids * (corner.max() - corner.min() + _CLASS_GAP_PX)
    # Ranks stand in for scores: OpenCV drops scores of 0, and ranks break ties the same way.
    ranks = np.arange(len(ranked), 0, -1, dtype=np.float32)
    kept = cv2.dnn.NMSBoxes(xywh, ranks, 0.0, float(iou_threshold))  # type: ignore[arg-type]
    index = np.sort(np.asarray(kept, dtype=np.int64).reshape(-1))
    return ranked[index[:limit]]
