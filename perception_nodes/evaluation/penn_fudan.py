"""Pedestrians of the Penn-Fudan set: boxes around the pixels of each person's mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perception_nodes.evaluation.ground_truth import GroundTruth, GroundTruthError, coco_content

CATEGORY = 'person'


def read_penn_fudan(folder: Path) -> GroundTruth:
    """
    Read a folder with ``PNGImages`` and ``PedMasks/*_mask.png`` (0 background, k person k).

    :raises GroundTruthError: naming the file and what is wrong.
    """
    masks = sorted((folder / 'PedMasks').glob('*_mask.png'))
    if not masks:
        raise GroundTruthError(f'{folder}: no PedMasks/*_mask.png; give the root of Penn-Fudan')
    images: list[dict[str, Any]] = []
    boxes: list[tuple[int, str, tuple[float, ...], bool]] = []
    for image_id, path in enumerate(masks, start=1):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if mask is None or mask.ndim != 2:
            raise GroundTruthError(f'{path}: is not a mask with one channel')
        name = f'{path.stem.removesuffix("_mask")}.png'
        height, width = mask.shape
        images.append({'id': image_id, 'file_name': name, 'width': width, 'height': height})
        boxes += [(image_id, CATEGORY, box, False) for box in boxes_of_mask(mask)]
    return GroundTruth(coco_content(images, boxes, [CATEGORY]), folder / 'PNGImages')


def boxes_of_mask(mask: np.ndarray) -> list[tuple[float, ...]]:
    """
    Return the box around each instance.

    :param mask: (H, W) integer, 0 background, k instance k.
    :returns: left, top, right, bottom in pixels, by rising k.
    """
    boxes: list[tuple[float, ...]] = []
    for instance in np.unique(mask[mask > 0]):
        left, top, width, height = cv2.boundingRect((mask == instance).astype(np.uint8))
        boxes.append((float(left), float(top), float(left + width), float(top + height)))
    return boxes
