"""Detections to and from ``vision_msgs`` 4."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
from std_msgs.msg import Header
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    ObjectHypothesisWithPose,
)

from perception_nodes.second_stage import NamedBoxes
from perception_nodes.structures import Detections


class ClassIdFormat(str, Enum):
    """What stands in ``hypothesis.class_id``."""

    NAME = 'name'
    INDEX = 'index'


class DetectionMessages:
    """
    Makes ``Detection2DArray`` messages from a pool of filled-in parts.

    Constructing a ``Detection2D`` with all its defaults costs more than everything else on the
    way out, so the parts are made once and filled again.

    :param class_names: names in the order of the model's class numbers.
    :param class_id_format: names, or indices as decimal text.
    """

    def __init__(
        self, class_names: Sequence[str], class_id_format: ClassIdFormat = ClassIdFormat.NAME
    ) -> None:
        by_index = ClassIdFormat(class_id_format) is ClassIdFormat.INDEX
        self._labels = [str(i) if by_index else name for i, name in enumerate(class_names)]
        self._pool: list[Detection2D] = []
        self._array = Detection2DArray()

    def fill(self, detections: Detections, header: Header) -> Detection2DArray:
        """
        Return the message for one picture; it is valid until the next call.

        :param detections: any order; the message is sorted by score, highest first.
        :param header: of the input image; array and every detection carry it as it is.
        """
        ordered = detections.sorted_by_score()
        parts = self._parts(len(ordered))
        corners = ordered.xyxy.astype(np.float64)
        centers = ((corners[:, :2] + corners[:, 2:]) / 2).tolist()
        sizes = (corners[:, 2:] - corners[:, :2]).tolist()
        scores, class_ids = ordered.scores.tolist(), ordered.class_ids.tolist()
        for part, center, size, score, class_id in zip(
            parts, centers, sizes, scores, class_ids, strict=True
        ):
            part.header = header
            position = part.bbox.center.position
            position.x, position.y = center
            part.bbox.size_x, part.bbox.size_y = size
            hypothesis = part.results[0].hypothesis
            hypothesis.class_id, hypothesis.score = self._labels[class_id], score
        self._array.header = header
        self._array.detections = parts
        return self._array

    def _parts(self, count: int) -> list[Detection2D]:
        while len(self._pool) < count:
            self._pool.append(Detection2D(results=[ObjectHypothesisWithPose()]))
        return self._pool[:count]


def detections_to_msg(
    detections: Detections,
    header: Header,
    class_names: Sequence[str],
    class_id_format: ClassIdFormat = ClassIdFormat.NAME,
) -> Detection2DArray:
    """Return a message of its own; see :class:`DetectionMessages` for many of them."""
    return DetectionMessages(class_names, class_id_format).fill(detections, header)


def named_boxes_to_msg(named: NamedBoxes, header: Header) -> Detection2DArray:
    """
    Return boxes with the class that the second stage gives them.

    ``hypothesis.class_id`` is the taught class, or ``unknown``; ``hypothesis.score`` is how usual
    the crop is for the taught pictures of the class, 0..1.
    """
    names = sorted(set(named.names))
    numbers = np.array([names.index(name) for name in named.names], np.int64)
    return detections_to_msg(Detections(named.boxes.xyxy, named.scores, numbers), header, names)


def detections_from_msg(message: Detection2DArray, class_names: Sequence[str]) -> Detections:
    """
    Return the detections of a message, each with its best hypothesis.

    :param class_names: of the publisher's ``label_info``; ``class_id`` may be a name or an index.
    :raises ValueError: for a class that is in neither form, or a rotated box.
    """
    index_of = {name: index for index, name in enumerate(class_names)}
    rows, scores, class_ids = [], [], []
    for item in message.detections:
        if not item.results:
            continue
        best = max((result.hypothesis for result in item.results), key=lambda h: h.score)
        rows.append(_corners(item))
        scores.append(best.score)
        class_ids.append(_index(best.class_id, index_of))
    return Detections(np.array(rows).reshape(-1, 4), np.array(scores), np.array(class_ids))


def _corners(item: Detection2D) -> tuple[float, float, float, float]:
    box = item.bbox
    if box.center.theta:
        raise ValueError(f'bbox.center.theta is {box.center.theta}: only upright boxes are read')
    x, y = box.center.position.x, box.center.position.y
    half_width, half_height = box.size_x / 2, box.size_y / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def _index(class_id: str, index_of: dict[str, int]) -> int:
    if class_id in index_of:
        return index_of[class_id]
    if class_id.isdecimal() and int(class_id) < len(index_of):
        return int(class_id)
    known = ', '.join(list(index_of)[:20])
    raise ValueError(f'class_id {class_id!r} is neither a known name nor an index: {known}')
