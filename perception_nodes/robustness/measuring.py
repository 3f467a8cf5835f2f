"""What corruptions cost a segmenter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.evaluation.segmentation import SegmentationMeter, number_table
from perception_nodes.robustness.suite import corrupt
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder, Frame


@dataclass(frozen=True, kw_only=True)
class Stand:
    """
    How a model stands on pictures of one kind.

    :param mean_iou: over the classes.
    :param calibration_error: expected, 0..1: how far confidence is from being right.
    :param latency_ms: median from frame to mask.
    """

    mean_iou: float
    calibration_error: float
    latency_ms: float

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Stand:
        """Return what :func:`dataclasses.asdict` wrote."""
        return cls(**{name: float(value) for name, value in record.items()})


@dataclass(frozen=True, eq=False, kw_only=True)
class Robustness:
    """
    A model on clean pictures and on every corruption.

    :param model: its name.
    :param by_corruption: name, then severity 1 to 5.
    """

    model: str
    clean: Stand
    by_corruption: Mapping[str, Mapping[int, Stand]]

    def mean_of(self, name: str) -> float:
        """Return the mean IoU of a corruption over its severities."""
        return float(np.mean([stand.mean_iou for stand in self.by_corruption[name].values()]))

    @property
    def mean_iou(self) -> float:
        """Mean IoU over the suite, every corruption with equal weight."""
        return float(np.mean([self.mean_of(name) for name in self.by_corruption]))

    @property
    def ratio(self) -> float:
        """Part of the clean mean IoU that is left over the suite."""
        return self.mean_iou / self.clean.mean_iou if self.clean.mean_iou else float('nan')

    @property
    def calibration_error(self) -> float:
        """Mean expected calibration error over the suite."""
        stands = [stand for each in self.by_corruption.values() for stand in each.values()]
        return float(np.mean([stand.calibration_error for stand in stands]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, with the headline figures."""
        return {
            'model': self.model,
            'mean_iou': self.mean_iou, 'ratio': self.ratio,
            'calibration_error': self.calibration_error,
            'clean': asdict(self.clean),
            'by_corruption': {
                name: {str(severity): asdict(stand) for severity, stand in each.items()}
                for name, each in self.by_corruption.items()
            },
        }  # fmt: skip


def stand_of(
    segmenter: Segmenter,
    labelled: MaskedSet,
    corruption: tuple[str, int] | None = None,
    advance: Callable[[], object] = lambda: None,
) -> Stand:
    """
    Measure a segmenter on a set.

    :param corruption: name and severity; None leaves the pictures clean.
    :param advance: called after each picture.
    :raises ValueError: for a corruption that does not exist.
    """
    table = number_table(segmenter.class_names, labelled.classes, {})
    meter, seconds = SegmentationMeter(labelled.classes), []
    for picture in labelled.pictures:
        frame, truth = labelled.read(picture)
        if corruption is not None:
            name, severity = corruption
            rgb = frame.in_order(ColorOrder.RGB)
            spoilt = corrupt(rgb, name, severity, picture=picture.path.stem)
            frame = Frame(pixels=spoilt.rgb, color_order=ColorOrder.RGB)
            truth = spoilt.mask(truth)
        found = segmenter(frame)
        seconds.append(segmenter.times.total_s)
        meter.add(truth, replace(found, class_ids=table[found.class_ids]))
        advance()
    figures = meter.metrics()
    return Stand(
        mean_iou=float(figures.mean_iou), calibration_error=float(figures.calibration_error),
        latency_ms=float(np.median(seconds) * 1e3),
    )  # fmt: skip


def hardest(item: Robustness) -> Sequence[str]:
    """Return the corruptions, the one that costs most first."""
    return sorted(item.by_corruption, key=item.mean_of)
