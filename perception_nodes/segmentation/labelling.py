"""From scores in the network's cells to the class and the confidence of every source pixel."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.class_map import ClassMap
from perception_nodes.inference.decoders import ClassLogits, ClassNumbers
from perception_nodes.segmentation.planes import plane_to_source
from perception_nodes.structures import UNLABELLED, SegmentationMask

_FULL = 255.0  # the confidence byte of probability 1


class PixelLabeller:
    """
    Names pixels under one set of settings; its buffers are reused between calls.

    Logits are interpolated (bilinear) before the class is chosen, as networks are trained: the
    edge between two classes then lies where their scores are equal, not at the edge of a cell,
    and the confidence falls where classes meet. Class after class is compared with the best so
    far in whole-picture operations of OpenCV, a fifth of the time of arg max and softmax on the
    interpolated array.

    :param class_map: the robot's classes.
    :param min_confidence: probability below which a pixel becomes unlabelled, 0..1.
    """

    def __init__(self, class_map: ClassMap, min_confidence: float) -> None:
        self._map = class_map
        self._min_confidence = min_confidence
        numbers = [*range(len(class_map.groups)), *([UNLABELLED] * bool(class_map.unlabelled))]
        groups = [*class_map.groups, *([class_map.unlabelled] * bool(class_map.unlabelled))]
        self._groups = list(zip(numbers, groups, strict=True))
        self._planes = np.empty((0, 0, 0), np.float32)

    def __call__(
        self, decoded: ClassLogits | ClassNumbers, resize: ImageResize
    ) -> SegmentationMask:
        """
        Return the mask of the source picture.

        :param decoded: what the network says about its whole input, the border included.
        :param resize: how the source picture became the network's input.
        """
        if isinstance(decoded, ClassLogits):
            class_ids, confidence = self._from_logits(decoded, resize)
        else:
            class_ids, confidence = self._from_numbers(decoded, resize)
        return self._filtered(class_ids, confidence)

    def _from_logits(
        self, decoded: ClassLogits, resize: ImageResize
    ) -> tuple[np.ndarray, np.ndarray | None]:
        planes = self._source_planes(decoded.logits, resize)
        best, class_ids = self._best_of(planes)
        confidence = _softmax_of_best(planes, best)
        if decoded.broken is not None:
            broken = decoded.broken.view(np.uint8)
            class_ids[plane_to_source(broken, resize, cv2.INTER_NEAREST) > 0] = UNLABELLED
        return class_ids, confidence

    def _source_planes(self, logits: np.ndarray, resize: ImageResize) -> np.ndarray:
        """Return (G, H, W) float32 logits of the robot's classes at source size."""
        width, height = resize.source_wh
        if self._planes.shape != (len(self._groups), height, width):
            self._planes = np.empty((len(self._groups), height, width), np.float32)
        for plane, (_, members) in zip(self._planes, self._groups, strict=True):
            plane_to_source(_merged(logits, members), resize, cv2.INTER_LINEAR, plane)
        return self._planes

    def _best_of(self, planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the highest logit and its class; of equals the one with the lowest number."""
        best = planes[0].copy()
        class_ids = np.full(best.shape, self._groups[0][0], np.uint8)
        for plane, (number, _) in zip(planes[1:], self._groups[1:], strict=True):
            better = cv2.compare(plane, best, cv2.CMP_GT)  # 0 or 255
            # Numbers rise from class to class, so the largest one so far is the latest one.
            cv2.max(class_ids, np.minimum(better, np.uint8(number)), dst=class_ids)
            cv2.max(best, plane, dst=best)
        return best, class_ids

    def _from_numbers(
        self, decoded: ClassNumbers, resize: ImageResize
    ) -> tuple[np.ndarray, np.ndarray | None]:
        table = np.full(256, UNLABELLED, np.uint8)
        for number, members in self._groups:
            table[list(members)] = number
        plane = plane_to_source(decoded.class_ids, resize, cv2.INTER_NEAREST)
        class_ids = cv2.LUT(plane, table)
        if decoded.confidence is None:
            return class_ids, None
        probability = plane_to_source(decoded.confidence, resize, cv2.INTER_LINEAR)
        return class_ids, cv2.convertScaleAbs(probability, alpha=_FULL)

    def _filtered(self, class_ids: np.ndarray, confidence: np.ndarray | None) -> SegmentationMask:
        """Return the mask with unsure pixels unlabelled, and confidence 0 where unlabelled."""
        if confidence is None:
            return SegmentationMask(class_ids)
        if self._min_confidence > 0:
            class_ids[confidence < self._min_confidence * _FULL] = UNLABELLED
        confidence[class_ids == UNLABELLED] = 0
        return SegmentationMask(class_ids, confidence)


def _merged(logits: np.ndarray, members: tuple[int, ...]) -> np.ndarray:
    """Return the logit of "one of these classes": the logarithm of the summed exponentials."""
    if len(members) == 1:
        return logits[members[0]]
    chosen = logits[list(members)]
    highest = chosen.max(axis=0)
    return highest + np.log(np.exp(chosen - highest).sum(axis=0))


def _softmax_of_best(planes: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Return round(255 · softmax) of the best class, (H, W) uint8; the planes are used up."""
    total = np.zeros_like(best)
    for plane in planes:
        cv2.subtract(plane, best, dst=plane)
        cv2.exp(plane, dst=plane)
        cv2.add(total, plane, dst=total)
    return cv2.convertScaleAbs(cv2.divide(_FULL, total))
