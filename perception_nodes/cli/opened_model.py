"""Models of every task behind one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from perception_nodes.classification import Classifier
from perception_nodes.detection import Detector
from perception_nodes.inference.bundle import BundleError, ModelBundle
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.path import PathEstimate, PathRegressor
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Classification, ColorOrder, Frame
from perception_nodes.visualization import draw_caption, draw_detections, draw_mask
from perception_nodes.visualization.path_overlay import describe

MODELS: dict[str, type[FrameModel]] = {
    Detector.task: Detector,
    Segmenter.task: Segmenter,
    Classifier.task: Classifier,
    PathRegressor.task: PathRegressor,
}


def draw_classes(
    pixels: np.ndarray, found: Classification, names: Sequence[str], *, color_order: ColorOrder
) -> np.ndarray:
    """Write on the picture, in any channel order, what it shows."""
    return draw_caption(pixels, in_words(found, names))


def named(class_id: int | None, names: Sequence[str]) -> str:
    """Return the name of a class; ``unknown`` for none."""
    return 'unknown' if class_id is None else names[class_id]


def in_words(found: Classification, names: Sequence[str]) -> str:
    """Return the class and its probability; ``unknown`` where none is named."""
    if not len(found):
        return 'unknown'
    best = f'{names[found.class_ids[0]]} {found.confidence:.2f}'
    return best if found.class_id is not None else f'unknown ({best})'


def _write_path(
    pixels: np.ndarray, estimate: PathEstimate, _names: object, *, color_order: ColorOrder
) -> np.ndarray:
    """Write the errors on the picture: where its camera is, nobody says here."""
    return draw_caption(pixels, describe(estimate))


_DRAW: dict[str, Callable[..., np.ndarray]] = {
    Detector.task: draw_detections,
    Segmenter.task: draw_mask,
    Classifier.task: draw_classes,
    PathRegressor.task: _write_path,
}


def open_model(bundle: ModelBundle, **options: Any) -> FrameModel:
    """
    Return the model of a bundle, whatever its task.

    :param options: ``device``, ``precision``, ``threads``; see ``FrameModel.load``.
    :raises BundleError: for a task that no model here has.
    """
    kind = MODELS.get(bundle.spec.task)
    if kind is None:
        raise BundleError(
            f'{bundle.path}: the task {bundle.spec.task} is not one of {", ".join(MODELS)}'
        )
    return kind.load(bundle, **options)


def draw_result(model: FrameModel, frame: Frame) -> np.ndarray:
    """Return the frame, in its channel order, with what the model says about it."""
    return _DRAW[model.task](
        frame.pixels, model(frame), model.class_names, color_order=frame.color_order
    )
