"""Masks that a segmenter writes where it is sure."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from perception_nodes.imaging.index_png import read_index_png, write_index_png
from perception_nodes.imaging.picture_file import write_picture
from perception_nodes.learning.pseudo_labels import (
    LEVELS,
    PseudoLabels,
    Track,
    check_new,
    write_card,
)
from perception_nodes.segmentation import SegmentationConfig, Segmenter
from perception_nodes.structures import UNLABELLED, ColorOrder, Frame

_CONFIG = SegmentationConfig(min_confidence=0.0)
_DOUBTS = 'doubts'


def write_pseudo_masks(
    segmenter: Segmenter,
    frames: Iterable[tuple[str, Frame]],
    out: Path,
    *,
    keep: float,
    track: Track = lambda items, _words: items,
) -> PseudoLabels:
    """
    Write a set that ``masks:OUT`` opens: pictures, masks with 255 where the model is not sure.

    Of each class the surest pixels of all pictures together are kept, so that a class about
    which the model is never sure does not vanish (class-balanced self-training, Zou et al.,
    ECCV 2018).

    :param segmenter: answers in the classes of its bundle.
    :param frames: names without suffix, each once, and pictures.
    :param out: folder, new or empty.
    :param keep: part of the pixels of each class, 0..1.
    :param track: wraps an iterable to show progress.
    :raises ValueError: ``keep`` lies outside, there is no picture, or the folder holds something.
    """
    if not 0.0 < keep <= 1.0:
        raise ValueError(f'keep: {keep} must lie above 0 and be at most 1')
    check_new(out)
    classes = segmenter.classes_under(_CONFIG)
    counts = np.zeros((len(classes), LEVELS), np.int64)
    names = []
    for name, frame in frames:
        mask = segmenter(frame, _CONFIG)
        write_picture(out / 'images' / f'{name}.jpg', frame.in_order(ColorOrder.BGR))
        write_index_png(out / 'masks' / f'{name}.png', mask.class_ids, names=classes)
        write_index_png(out / _DOUBTS / f'{name}.png', mask.certainty)
        known = mask.class_ids != UNLABELLED
        places = mask.class_ids[known].astype(np.int64) * LEVELS + mask.certainty[known]
        counts += np.bincount(places, minlength=counts.size).reshape(counts.shape)
        names.append(name)
    if not names:
        raise ValueError('there is not one picture to label')
    lowest = _surest(counts, keep)
    for name in track(names, 'Leaving out what is not sure'):
        path = out / 'masks' / f'{name}.png'
        class_ids = read_index_png(path).class_ids
        doubts = read_index_png(out / _DOUBTS / f'{name}.png').class_ids
        sure = doubts >= _by_class(lowest)[class_ids]
        write_index_png(path, np.where(sure, class_ids, UNLABELLED), names=classes)
    shutil.rmtree(out / _DOUBTS)
    write_card(out, semantic_classes=list(classes), labelled_by=segmenter.description, keep=keep)
    is_kept = np.arange(LEVELS) >= lowest[:, None]
    return PseudoLabels(
        classes=classes,
        unit='pixels',
        names=tuple(names),
        kept=np.where(is_kept, counts, 0),
        uncertain=np.where(is_kept, 0, counts),
        lowest=np.where(counts.any(axis=1), lowest / (LEVELS - 1), np.nan),
    )


def _surest(counts: np.ndarray, keep: float) -> np.ndarray:
    """
    Return (C,) the highest level from which on a class has at least the part of its pixels.

    :param counts: (C, 256) pixels of each class at each level of confidence.
    """
    above = counts[:, ::-1].cumsum(1)[:, ::-1]
    enough = above >= keep * counts.sum(1, keepdims=True)
    return LEVELS - 1 - enough[:, ::-1].argmax(1)


def _by_class(lowest: np.ndarray) -> np.ndarray:
    """Return (256,) the lowest level that counts by class number; unlabelled never does."""
    table = np.full(LEVELS, LEVELS, np.int64)
    table[: len(lowest)] = lowest
    return table
