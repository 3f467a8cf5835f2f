"""What one rendering yields: the picture and its exact ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.structures import Detections


@dataclass(frozen=True, eq=False, kw_only=True)
class RenderedView:
    """
    A picture of the simulated camera with labels.

    :param rgb: (H, W, 3) uint8.
    :param depth_m: (H, W) float32 along the optical axis, NaN where there is nothing.
    :param instance_ids: (H, W) uint8, number of the thing, 255 elsewhere.
    :param class_ids: (H, W) uint8, values of ``SemanticClass``.
    :param detections: one box per thing with at least one visible pixel, around exactly its
        visible pixels; score 1.
    :param instance_numbers: (N,) int64, value in ``instance_ids`` per detection.
    :param areas_px: (N,) int64, visible pixels.
    :param visible_fractions: (N,) float32, visible pixels / pixels inside the picture that the
        thing would have without anything in front of it.
    :param truncated_fractions: (N,) float32, share of the thing's outline outside the picture.
    """

    rgb: np.ndarray
    depth_m: np.ndarray
    instance_ids: np.ndarray
    class_ids: np.ndarray
    detections: Detections
    instance_numbers: np.ndarray
    areas_px: np.ndarray
    visible_fractions: np.ndarray
    truncated_fractions: np.ndarray
