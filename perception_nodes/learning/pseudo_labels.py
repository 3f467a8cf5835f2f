"""Labels that a model writes for pictures nobody has labelled, where it is sure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.imaging.index_png import read_index_png, write_index_png
from perception_nodes.segmentation import SegmentationConfig, Segmenter
from perception_nodes.structures import UNLABELLED, ColorOrder, Frame

_LEVELS = 256
_CONFIG = SegmentationConfig(min_confidence=0.0)
_JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False, kw_only=True)
class PseudoLabels:
    """
    What was kept of a model's answers.

    :param pictures: number of them.
    :param lowest: (C,) smallest confidence that is kept, 0..1, by class; nan without a pixel.
    :param kept: (C,) part of the pixels of a class that is kept, 0..1; nan without a pixel.
    """

    classes: tuple[str, ...]
    pictures: int
    lowest: np.ndarray
    kept: np.ndarray


def write_pseudo_labels(
    segmenter: Segmenter, frames: Iterable[tuple[str, Frame]], out: Path, *, keep: float
) -> PseudoLabels:
    """
    Write a set that ``masks:OUT`` opens: pictures, masks with 255 where the model is not sure.

    Of each class the surest pixels of all pictures together are kept, so that a class about
    which the model is never sure does not vanish (class-balanced self-training, Zou et al.,
    ECCV 2018).

    :param segmenter: answers in the classes of its bundle.
    :param frames: names without suffix, each once, and pictures.
    :param out: folder, made; pictures of the same name in it are replaced.
    :param keep: part of the pixels of each class, 0..1.
    :raises ValueError: ``keep`` lies outside, or there is no picture.
    """
    if not 0.0 < keep <= 1.0:
        raise ValueError(f'keep: {keep} must lie above 0 and be at most 1')
    names = segmenter.classes_under(_CONFIG)
    doubts = out / 'doubts'
    counts = np.zeros((len(names), _LEVELS), np.int64)
    written = []
    for name, frame in frames:
        mask = segmenter(frame, _CONFIG)
        _write_picture(out / 'images' / f'{name}.jpg', frame)
        write_index_png(out / 'masks' / f'{name}.png', mask.class_ids, names=names)
        write_index_png(doubts / f'{name}.png', mask.certainty)
        known = mask.class_ids != UNLABELLED
        places = mask.class_ids[known].astype(np.int64) * _LEVELS + mask.certainty[known]
        counts += np.bincount(places, minlength=counts.size).reshape(counts.shape)
        written.append(name)
    if not written:
        raise ValueError('there is not one picture to label')
    lowest = _surest(counts, keep)
    for name in written:
        path = out / 'masks' / f'{name}.png'
        class_ids = read_index_png(path).class_ids
        sure = read_index_png(doubts / f'{name}.png').class_ids >= _by_class(lowest)[class_ids]
        write_index_png(path, np.where(sure, class_ids, UNLABELLED), names=names)
    shutil.rmtree(doubts)
    card = {'semantic_classes': list(names), 'labelled_by': segmenter.description, 'keep': keep}
    (out / 'dataset.json').write_text(json.dumps(card, indent=1) + '\n', encoding='utf-8')
    totals = counts.sum(1)
    kept = np.array([row[level:].sum() for row, level in zip(counts, lowest, strict=True)])
    with np.errstate(invalid='ignore'):
        share = kept / np.where(totals, totals, np.nan)
    return PseudoLabels(
        classes=names,
        pictures=len(written),
        lowest=np.where(totals, lowest / (_LEVELS - 1), np.nan),
        kept=share,
    )


def _surest(counts: np.ndarray, keep: float) -> np.ndarray:
    """
    Return (C,) the highest level from which on a class has at least the part of its pixels.

    :param counts: (C, 256) pixels of each class at each level of confidence.
    """
    above = counts[:, ::-1].cumsum(1)[:, ::-1]
    enough = above >= keep * counts.sum(1, keepdims=True)
    return _LEVELS - 1 - enough[:, ::-1].argmax(1)


def _by_class(lowest: np.ndarray) -> np.ndarray:
    """Return (256,) the lowest level that counts by class number; unlabelled never does."""
    table = np.full(_LEVELS, _LEVELS, np.int64)
    table[: len(lowest)] = lowest
    return table


def _write_picture(path: Path, frame: Frame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    cv2.imwrite(str(path), frame.in_order(ColorOrder.BGR), quality)
