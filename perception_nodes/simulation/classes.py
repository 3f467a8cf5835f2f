"""What the simulator can show, and the numbers that stand for it in its ground truth."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

THING_NAMES = ('person', 'traffic_cone', 'box', 'barrel', 'sign')
"""Class names of detections; the index is the class id of :class:`Detections`."""

UNLABELLED = 255
"""Value of mask pixels that belong to nothing (instance ids: pixels of no thing)."""


class SemanticClass(IntEnum):
    """Values of the semantic mask. Things keep the order of :data:`THING_NAMES`."""

    FLOOR = 0
    LANE = 1
    TAPE = 2
    PERSON = 3
    TRAFFIC_CONE = 4
    BOX = 5
    BARREL = 6
    SIGN = 7
    BACKGROUND = 8


SEMANTIC_NAMES = tuple(item.name.lower() for item in SemanticClass)
"""Names of the semantic classes, index is the mask value."""


def semantic_of_thing(class_ids: np.ndarray) -> np.ndarray:
    """Return the semantic mask values of detection class ids (0 person … 4 sign)."""
    return np.asarray(class_ids) + int(SemanticClass.PERSON)
