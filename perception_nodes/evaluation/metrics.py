"""Figures as values that become JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class Figures:
    """Base of dataclasses that hold figures."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; NaN becomes None."""
        return as_plain(asdict(self))  # type: ignore[call-overload]  # subclasses are dataclasses

    def write(self, path: Path, **more: Any) -> None:
        """Write a JSON file with the figures and whatever else belongs to them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps({**more, **self.to_dict()}, indent=1, allow_nan=False)
        path.write_text(content + '\n', encoding='utf-8')


@dataclass(frozen=True, kw_only=True)
class Precision:
    """
    Average precision of one class or one size; NaN where nothing is labelled.

    :param ap: mean over overlaps 0.50 to 0.95, 0..1.
    :param ap50: at overlap 0.50, 0..1.
    :param truths: number of labelled boxes that count.
    """

    ap: float
    ap50: float
    truths: int


@dataclass(frozen=True, kw_only=True)
class DetectionMetrics(Figures):
    """
    The COCO figures; averages are over classes, NaN where nothing is labelled.

    :param mean_ap: mean over classes and overlaps 0.50 to 0.95, 0..1.
    :param ap50: at overlap 0.50.
    :param ap75: at overlap 0.75.
    :param recall: mean recall with ``max_detections``, 0..1.
    :param by_size: ``small`` (below 32² pixels), ``medium`` (to 96²), ``large``.
    :param by_class: per category that has labels.
    :param images: number of pictures.
    :param truths: number of labelled boxes that count.
    :param detections: number of detections that were given.
    :param max_detections: detections per picture that count, highest score first.
    """

    mean_ap: float
    ap50: float
    ap75: float
    recall: float
    by_size: dict[str, Precision]
    by_class: dict[str, Precision]
    images: int
    truths: int
    detections: int
    max_detections: int


def as_plain(value: Any, digits: int | None = 6) -> Any:
    """
    Return plain data for JSON; NaN and infinities become None.

    :param digits: of floats, after the point; None: all.
    """
    if isinstance(value, dict):
        return {key: as_plain(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item, digits) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return value if digits is None else round(value, digits)
    return value
