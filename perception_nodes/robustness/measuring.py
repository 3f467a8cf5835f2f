"""What corruptions cost a segmenter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from perception_nodes.evaluation.masked_sets import MaskedPicture, MaskedSet
from perception_nodes.evaluation.segmentation import SegmentationMeter, number_table, wrong_share
from perception_nodes.robustness.suite import corrupt
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder, Frame, SegmentationMask


@dataclass(frozen=True, kw_only=True)
class Stand:
    """
    How a model stands on pictures of one kind.

    :param mean_iou: over the classes.
    :param calibration_error: expected, 0..1: how far confidence is from being right.
    :param latency_ms: median from frame to mask.
    :param worst_picture: name of the picture with most wrong pixels.
    :param worst_wrong: share of its labelled pixels, 0..1.
    """

    mean_iou: float
    calibration_error: float
    latency_ms: float
    worst_picture: str
    worst_wrong: float


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

    def mean_of(self, name: str, figure: str = 'mean_iou') -> float:
        """Return a figure of :class:`Stand` under a corruption, its mean over the severities."""
        stands = self.by_corruption[name].values()
        return float(np.mean([getattr(stand, figure) for stand in stands]))

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
        names = self.by_corruption
        return float(np.mean([self.mean_of(name, 'calibration_error') for name in names]))

    def _headlines(self) -> dict[str, float]:
        """Return the figures over the suite, none without corruptions."""
        names = ('mean_iou', 'ratio', 'calibration_error') if self.by_corruption else ()
        return {name: getattr(self, name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, with the headline figures."""
        return {
            'model': self.model,
            **self._headlines(),
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
    tally = Tally(labelled.classes)
    for picture in labelled.pictures:
        _, truth, found = look(segmenter, labelled, picture, corruption)
        tally.add(picture.path.name, truth, found, segmenter.times.total_s)
        advance()
    return tally.stand()


class Tally:
    """
    Adds up pictures to a :class:`Stand`.

    :param classes: of the labels.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._meter = SegmentationMeter(classes)
        self._seconds: list[float] = []
        self._wrong: dict[str, float] = {}

    def add(self, name: str, truth: np.ndarray, found: SegmentationMask, seconds: float) -> None:
        """
        Count a picture.

        :param truth: (H, W) uint8 labels.
        :param found: in the numbers of the labels.
        """
        self._meter.add(truth, found)
        self._seconds.append(seconds)
        self._wrong[name] = wrong_share(truth, found.class_ids)

    def stand(self) -> Stand:
        """Return how the model stands on what was added, at least one picture."""
        figures = self._meter.metrics()
        worst = max(self._wrong, key=lambda name: self._wrong[name])
        return Stand(
            mean_iou=figures.mean_iou, calibration_error=figures.calibration_error,
            latency_ms=float(np.median(self._seconds) * 1e3),
            worst_picture=worst, worst_wrong=self._wrong[worst],
        )  # fmt: skip


def look(
    segmenter: Segmenter,
    labelled: MaskedSet,
    picture: MaskedPicture,
    corruption: tuple[str, int] | None = None,
) -> tuple[Frame, np.ndarray, SegmentationMask]:
    """
    Return a picture as the segmenter sees it, its labels and what is found in it.

    :param corruption: name and severity; None leaves the picture clean.
    :return: the frame, (H, W) uint8 labels and the mask in the numbers of the labels.
    :raises ValueError: for a corruption that does not exist.
    """
    frame, truth = labelled.read(picture)
    if corruption is not None:
        name, severity = corruption
        rgb = frame.in_order(ColorOrder.RGB)
        spoilt = corrupt(rgb, name, severity, picture=picture.path.stem)
        frame = Frame(pixels=spoilt.rgb, color_order=ColorOrder.RGB)
        truth = spoilt.mask(truth)
    found = segmenter(frame)
    table = number_table(segmenter.class_names, labelled.classes)
    return frame, truth, replace(found, class_ids=table[found.class_ids])


def most_wrong(item: Robustness, number: int) -> Sequence[tuple[str, int]]:
    """Return corruptions whose worst picture is most wrong, each with its middle severity."""
    middle = [
        (name, sorted(each)[(len(each) - 1) // 2]) for name, each in item.by_corruption.items()
    ]
    middle.sort(key=lambda pair: -item.by_corruption[pair[0]][pair[1]].worst_wrong)
    return middle[:number]


def hardest(item: Robustness) -> Sequence[str]:
    """Return the corruptions, the one that costs most first."""
    return sorted(item.by_corruption, key=item.mean_of)
