"""What corruptions cost a segmenter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from perception_nodes.evaluation.masked_sets import MaskedPicture, MaskedSet
from perception_nodes.evaluation.segmentation import SegmentationMeter, number_table, wrong_share
from perception_nodes.robustness.stand import Stand
from perception_nodes.robustness.subject import Spoil, Subject, by_name, spoilt
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame, SegmentationMask

METRIC = 'mean_iou'


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentationSubject(Subject):
    """
    A segmenter and a set with masks; pictures are named by their files.

    How wrong a picture is: the share of its labelled pixels.
    """

    metric: ClassVar = METRIC

    model: Segmenter
    labelled: MaskedSet

    def frame(self, name: str) -> Frame:
        """Return a picture as it is stored."""
        return self.labelled.read(self._by_name[name])[0]

    def stand(
        self, corruption: Spoil = None, advance: Callable[[], object] = lambda: None
    ) -> Stand:
        """Measure mean IoU, and calibration of the pixels."""
        tally = Tally(self.labelled.classes)
        for name in self.names:
            _, truth, found = self.look(name, corruption)
            tally.add(name, truth, found, self.model.times.total_s)
            advance()
        return tally.stand()

    def look(
        self, name: str, corruption: Spoil = None
    ) -> tuple[Frame, np.ndarray, SegmentationMask]:
        """Return a picture as it is seen, its labels and what is found; see :func:`look`."""
        return look(self.model, self.labelled, self._by_name[name], corruption, self.renamed)

    @cached_property
    def _by_name(self) -> dict[str, MaskedPicture]:
        pictures = self.labelled.pictures
        return by_name((picture.path.name for picture in pictures), pictures)


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
        return Stand.of(figures.mean_iou, figures.calibration_error, self._seconds, self._wrong)


def look(
    segmenter: Segmenter,
    labelled: MaskedSet,
    picture: MaskedPicture,
    corruption: Spoil = None,
    renamed: Mapping[str, str] | None = None,
) -> tuple[Frame, np.ndarray, SegmentationMask]:
    """
    Return a picture as the segmenter sees it, its labels and what is found in it.

    :param corruption: name and severity; None leaves the picture clean.
    :param renamed: ``{class of the model: class of the labels}`` where names differ.
    :return: the frame, (H, W) uint8 labels and the mask in the numbers of the labels.
    :raises ValueError: for a corruption that does not exist.
    """
    frame, truth = labelled.read(picture)
    frame, moved = spoilt(frame, picture.path.stem, corruption)
    if moved is not None:
        truth = moved.mask(truth)
    found = segmenter(frame)
    table = number_table(segmenter.class_names, labelled.classes, dict(renamed or {}))
    return frame, truth, replace(found, class_ids=table[found.class_ids])
