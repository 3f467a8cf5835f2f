"""What a translator gains and what it costs, told by pictures that it has not learnt from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np

from perception_nodes.evaluation.frechet import frechet_distance
from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.evaluation.segmentation import SegmentationMeter, number_table
from perception_nodes.inference.bundle_sections import Metric
from perception_nodes.learning.data.translation import fitted
from perception_nodes.learning.picture_features import (
    DECIDING_STRIDE,
    STRIDES,
    PooledFeatures,
    edge_agreement,
)
from perception_nodes.learning.translator import Translator
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame

COLLAPSED_BELOW = 0.5
"""Translated pictures that vary less than this part of what they did look all the same."""

T = TypeVar('T')
Track = Callable[[Iterable[T], str], Iterable[T]]


@dataclass(frozen=True, kw_only=True)
class StrideDistances:
    """
    Fréchet distances from the real frames, by features of one stride.

    :param before: of the synthetic pictures.
    :param after: of the same pictures, translated.
    :param real: of other real frames, as many: what no translation can beat.
    """

    before: float
    after: float
    real: float


@dataclass(frozen=True, kw_only=True)
class LabelCheck:
    """
    Whether a segmenter still sees what the labels say.

    :param segmenter: name of the model.
    :param same: share of the pixels that it calls as before, 0..1.
    :param mean_iou_before: against the labels.
    :param mean_iou_after: likewise.
    """

    segmenter: str
    same: float
    mean_iou_before: float
    mean_iou_after: float


@dataclass(frozen=True, kw_only=True)
class TranslationFigures:
    """
    What was measured.

    :param pictures: synthetic ones; ``frames`` real ones.
    :param distances: by stride.
    :param spread: variance of the features after by that before: near 0 all look the same.
    :param edges: correlation of the slopes before and after, 1 for unmoved edges.
    :param change_levels: mean absolute change of a value of 0..255.
    :param clipped: share of values that became 0 or 255 and were not.
    :param labels: None without a segmenter.
    """

    pictures: int
    frames: int
    distances: dict[int, StrideDistances]
    spread: float
    edges: float
    change_levels: float
    clipped: float
    labels: LabelCheck | None = None

    @property
    def is_collapsed(self) -> bool:
        """Whether the translated pictures look all the same."""
        return self.spread < COLLAPSED_BELOW

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), 'is_collapsed': self.is_collapsed}

    def metrics(self, data: str) -> tuple[Metric, ...]:
        """Return the figures as the bundle lists them."""
        deciding = self.distances[DECIDING_STRIDE]
        named = {
            'frechet_before': deciding.before,
            'frechet_after': deciding.after,
            'frechet_of_real': deciding.real,
            'spread': self.spread,
            'edges': self.edges,
        }
        if self.labels is not None:
            named |= {
                'labels_same': self.labels.same,
                'mIoU_before': self.labels.mean_iou_before,
                'mIoU_after': self.labels.mean_iou_after,
            }
        return tuple(
            Metric(name=name, value=round(value, 4), data=data) for name, value in named.items()
        )


def translation_figures(
    translator: Translator,
    labelled: MaskedSet,
    real: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
    segmenter: Segmenter | None = None,
    track: Track = lambda items, _words: items,
) -> TranslationFigures:
    """
    Return the figures of a translator.

    :param labelled: synthetic pictures that it has not learnt from, at least two.
    :param real: frames that it has learnt from, and others; in its input size, at least two each.
    :param segmenter: looks at the pictures before and after.
    """
    size_wh = translator.bundle.spec.input.size_wh
    if size_wh is None:
        raise ValueError(f'{translator.bundle.path}: input.size_wh is null; it needs a size')
    before, after, tally = [], [], _Tally()
    watch = None if segmenter is None else _Watch(segmenter, labelled)
    for picture in track(labelled.pictures, 'Measuring the translation'):
        frame, truth = labelled.read(picture)
        changed = translator.translated(frame)
        tally.add(frame, changed)
        before.append(fitted(frame, size_wh))
        after.append(fitted(changed, size_wh))
        if watch is not None:
            watch.add(frame, changed, truth)
    pooled = PooledFeatures()
    clouds = [pooled.clouds(pictures) for pictures in (before, after, *real)]
    return TranslationFigures(
        pictures=len(before),
        frames=len(real[1]),
        distances={
            stride: StrideDistances(
                before=frechet_distance(clouds[0][stride], clouds[3][stride]),
                after=frechet_distance(clouds[1][stride], clouds[3][stride]),
                real=frechet_distance(clouds[2][stride], clouds[3][stride]),
            )
            for stride in STRIDES
        },
        spread=clouds[1][DECIDING_STRIDE].spread / max(clouds[0][DECIDING_STRIDE].spread, 1e-9),
        edges=edge_agreement(before, after),
        change_levels=tally.change / max(tally.values, 1),
        clipped=tally.clipped / max(tally.values, 1),
        labels=None if watch is None else watch.check(),
    )


class _Tally:
    """Adds up how much values have changed."""

    def __init__(self) -> None:
        self.change, self.clipped, self.values = 0.0, 0, 0

    def add(self, before: Frame, after: Frame) -> None:
        first, second = before.in_order(after.color_order), after.pixels
        self.change += float(np.abs(second.astype(np.int16) - first).sum())
        is_end = (second == 0) | (second == 255)
        self.clipped += int((is_end & (second != first)).sum())
        self.values += second.size


class _Watch:
    """Lets a segmenter look before and after."""

    def __init__(self, segmenter: Segmenter, labelled: MaskedSet) -> None:
        self._segmenter = segmenter
        self._table = number_table(segmenter.class_names, labelled.classes)
        self._meters = SegmentationMeter(labelled.classes), SegmentationMeter(labelled.classes)
        self._same = self._pixels = 0

    def add(self, before: Frame, after: Frame, truth: np.ndarray) -> None:
        masks = [self._segmenter(frame) for frame in (before, after)]
        self._same += int((masks[0].class_ids == masks[1].class_ids).sum())
        self._pixels += truth.size
        for meter, mask in zip(self._meters, masks, strict=True):
            meter.add(truth, replace(mask, class_ids=self._table[mask.class_ids]))

    def check(self) -> LabelCheck:
        before, after = (meter.metrics().mean_iou for meter in self._meters)
        return LabelCheck(
            segmenter=self._segmenter.bundle.name,
            same=self._same / max(self._pixels, 1),
            mean_iou_before=before,
            mean_iou_after=after,
        )
