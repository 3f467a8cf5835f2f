"""What a user may set about detection."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.inference.frame_config import FrameModelConfig
from perception_nodes.structures import setting

_THRESHOLD_SEPARATOR = '='


@dataclass(frozen=True, kw_only=True)
class DetectionConfig(FrameModelConfig):
    """Filters between the network and the result; class names are checked when bound."""

    score_threshold: float = setting(
        0.0,
        'Smallest score of a detection, 0..1; 0 takes the thresholds of the model bundle',
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    class_thresholds: tuple[str, ...] = setting(
        (), 'Score thresholds of single classes, each written as name=0.4', live=True
    )
    classes: tuple[str, ...] = setting(
        (), 'Names of the classes to report; empty reports all', live=True
    )
    nms_iou_threshold: float = setting(
        0.5,
        'Overlap (intersection over union) above which the weaker box is dropped; 1 keeps all',
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    nms_class_agnostic: bool = setting(
        False, 'Let boxes of different classes suppress each other', live=True
    )
    max_detections: int = setting(
        100, 'Largest number of detections in a picture', minimum=1, maximum=10_000, live=True
    )

    def __post_init__(self) -> None:
        """Check ranges, the region's four numbers and the spelling of class thresholds."""
        for name in ('class_thresholds', 'classes'):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        super().__post_init__()
        self.thresholds_by_class()

    def thresholds_by_class(self) -> dict[str, float]:
        """Return ``class_thresholds`` as a dictionary, or raise naming the wrong entry."""
        return dict(_parse_threshold(entry) for entry in self.class_thresholds)


def _parse_threshold(entry: str) -> tuple[str, float]:
    name, separator, number = entry.rpartition(_THRESHOLD_SEPARATOR)
    try:
        threshold = float(number)
    except ValueError:
        threshold = -1.0
    if not separator or not name.strip() or not 0.0 <= threshold <= 1.0:
        raise ValueError(
            f'class_thresholds: {entry!r} must read name=threshold with a threshold in 0..1, '
            'for example person=0.4'
        )
    return name.strip(), threshold
