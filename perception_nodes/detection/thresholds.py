"""From names and settings to one score threshold per class."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import numpy as np

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.inference.bundle_sections import Calibration
from perception_nodes.structures import Detections

_NEVER = np.inf
_TINY = 1e-12  # keeps the logit of 0 and 1 finite


class ScoreFilter:
    """
    One threshold per class on calibrated scores; classes that are not wanted get infinity.

    A ``score_threshold`` above 0 replaces the bundle's threshold and class thresholds.

    :param config: settings with class names.
    :param class_names: the model's classes in the order of their numbers.
    :param calibration: temperature and default thresholds of the bundle.
    :raises ValueError: for a class the model does not have, naming what is near and allowed.
    """

    def __init__(
        self, config: DetectionConfig, class_names: Sequence[str], calibration: Calibration
    ) -> None:
        own = config.thresholds_by_class()
        _refuse_unknown('classes', config.classes, class_names)
        _refuse_unknown('class_thresholds', own, class_names)
        by_class = {**({} if config.score_threshold else calibration.class_thresholds), **own}
        default = config.score_threshold or calibration.score_threshold
        wanted = set(config.classes or class_names)
        self.temperature, self.bias = calibration.temperature, calibration.bias
        self.thresholds = np.array(
            [by_class.get(name, default) if name in wanted else _NEVER for name in class_names]
        )

    @property
    def lowest_raw(self) -> float:
        """The threshold on the network's own scores below which nothing can pass."""
        lowest = float(self.thresholds.min())
        inverse = 1.0 / self.temperature, -self.bias * self.temperature
        return float(rescale_scores(np.array(lowest), *inverse))

    def __call__(self, detections: Detections) -> Detections:
        """Return the detections with calibrated scores at or above their class's threshold."""
        scores = rescale_scores(detections.scores, self.temperature, self.bias)
        keep = scores >= self.thresholds[detections.class_ids]
        return Detections(detections.xyxy[keep], scores[keep], detections.class_ids[keep])


def rescale_scores(scores: np.ndarray, temperature: float, bias: float = 0.0) -> np.ndarray:
    """Return sigmoid(logit(score) / temperature + bias): Platt scaling of probabilities."""
    if temperature == 1.0 and bias == 0.0:
        return scores
    inside = np.clip(np.asarray(scores, dtype=np.float64), _TINY, 1.0 - _TINY)
    logits = np.log(inside) - np.log1p(-inside)
    return 1.0 / (1.0 + np.exp(-logits / temperature - bias))


def _refuse_unknown(setting_name: str, names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3) or list(known)[:20]
            raise ValueError(
                f'{setting_name}: the model has no class {name!r}; did you mean '
                f'{", ".join(near)}? (it has {len(known)} classes)'
            )
