"""Pictures with a class for every pixel, by address: ``camvid:folder@val``, ``masks:folder``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perception_nodes.evaluation.addresses import part_of, reader_of
from perception_nodes.evaluation.ground_truth import (
    GroundTruthError,
    LabelFault,
    Problem,
    read_picture,
    refuse,
)
from perception_nodes.evaluation.set_digest import set_digest
from perception_nodes.imaging.compressed import PICTURE_SUFFIXES
from perception_nodes.imaging.image_error import ImageError
from perception_nodes.imaging.index_png import read_index_png
from perception_nodes.inference.class_lists import load_class_list
from perception_nodes.structures import UNLABELLED, Frame

_CARD, _CARD_KEY = 'dataset.json', 'semantic_classes'
_CAMVID_CLASSES, _CAMVID_IGNORED = 'camvid11', (11,)


@dataclass(frozen=True, kw_only=True)
class MaskedPicture:
    """
    One picture and the file of its mask.

    :param path: of the picture.
    :param mask_path: PNG of class numbers in the size of the picture.
    """

    path: Path
    mask_path: Path


@dataclass(frozen=True, kw_only=True)
class MaskedSet:
    """
    A labelled set.

    :param classes: names in the order of the numbers.
    :param pictures: at least one.
    :param ignored: numbers in the masks that count neither way, beside 255.
    """

    classes: tuple[str, ...]
    pictures: tuple[MaskedPicture, ...]
    ignored: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a set without pictures."""
        if not self.pictures:
            raise GroundTruthError('there is not one picture with a mask')

    def digest(self) -> str:
        """Return the SHA-256 of pictures, masks and classes."""
        files = (path for item in self.pictures for path in (item.path, item.mask_path))
        return set_digest(files, [self.classes, self.ignored])

    def read_mask(self, picture: MaskedPicture) -> np.ndarray:
        """
        Return the (H, W) uint8 class numbers, 255 where nothing counts.

        :raises GroundTruthError: for a file that is no mask, or holds a number without a class.
        """
        path = picture.mask_path
        try:
            class_ids = read_index_png(path).class_ids
        except (OSError, ImageError) as error:
            raise GroundTruthError(f'{path}: cannot be read as a mask: {error}') from error
        table = np.full(256, UNLABELLED, np.uint8)
        table[: len(self.classes)] = np.arange(len(self.classes))
        present = np.flatnonzero(np.bincount(class_ids.ravel(), minlength=256)).tolist()
        known = {*range(len(self.classes)), *self.ignored, UNLABELLED}
        strangers = [number for number in present if number not in known]
        if strangers:
            raise GroundTruthError(
                f'{path}: holds {strangers[:5]}, but there are {len(self.classes)} classes '
                f'(0..{len(self.classes) - 1}; ignored: {[*self.ignored, UNLABELLED]})'
            )
        return table[class_ids]

    def read(self, picture: MaskedPicture) -> tuple[Frame, np.ndarray]:
        """Return the picture and its mask; see :meth:`read_mask`, also for errors."""
        frame, mask = read_picture(picture.path), self.read_mask(picture)
        if mask.shape != frame.pixels.shape[:2]:
            raise GroundTruthError(
                f'{picture.mask_path}: is {mask.shape[1]}x{mask.shape[0]}, the picture is '
                f'{frame.size_wh[0]}x{frame.size_wh[1]}'
            )
        return frame, mask


def read_camvid(folder: Path, split: str, on_problem: Problem | None = None) -> MaskedSet:
    """
    Read ``<split>/*.png`` with ``<split>annot/*.png``, the layout of the small CamVid.

    :param split: ``train``, ``val`` or another pair of folders that is there.
    :param on_problem: takes pictures without a mask; without it the first one is an error.
    :raises GroundTruthError: naming what is missing.
    """
    pictures, masks = folder / split, folder / f'{split}annot'
    if not split or not (pictures.is_dir() and masks.is_dir()):
        known = camvid_splits(folder)
        raise GroundTruthError(
            f'{folder}: has no folders {split or "SPLIT"} and {split or "SPLIT"}annot; write '
            f'camvid:{folder}@SPLIT with one of: {", ".join(known) or "none"}'
        )
    return MaskedSet(
        classes=load_class_list(_CAMVID_CLASSES),
        pictures=_pairs(pictures, masks, on_problem),
        ignored=_CAMVID_IGNORED,
    )


def camvid_splits(folder: Path) -> list[str]:
    """Return the names of the pairs of folders that are there."""
    return sorted(
        path.name for path in folder.glob('*') if (folder / f'{path.name}annot').is_dir()
    )


def read_synthesised(folder: Path, on_problem: Problem | None = None) -> MaskedSet:
    """
    Read a folder that ``perception synthesize --masks`` wrote: ``images/``, ``masks/``, card.

    :param on_problem: takes pictures without a mask; without it the first one is an error.
    :raises GroundTruthError: naming what is missing.
    """
    card = folder / _CARD
    try:
        names = json.loads(card.read_text(encoding='utf-8')).get(_CARD_KEY)
    except (OSError, ValueError, AttributeError) as error:
        raise GroundTruthError(f'{card}: cannot be read as JSON: {error}') from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise GroundTruthError(
            f'{card}: {_CARD_KEY} is {names!r}; synthesise the set with masks, or write the '
            'class names there as a list'
        )
    pairs = _pairs(folder / 'images', folder / 'masks', on_problem)
    return MaskedSet(classes=tuple(names), pictures=pairs)


def joined(sets: Sequence[MaskedSet]) -> MaskedSet:
    """
    Return one set of all pictures; those of a set that is named twice count twice.

    :param sets: at least one.
    :raises GroundTruthError: when the classes differ.
    """
    first = sets[0]
    for other in sets[1:]:
        if other.classes != first.classes:
            raise GroundTruthError(
                f'sets with different classes cannot be joined: {", ".join(first.classes)} and '
                f'{", ".join(other.classes)}'
            )
    return MaskedSet(
        classes=first.classes,
        pictures=tuple(picture for one in sets for picture in one.pictures),
        ignored=tuple(sorted({number for one in sets for number in one.ignored})),
    )


def open_masked_set(address: str, on_problem: Problem | None = None) -> MaskedSet:
    """
    Read a labelled set.

    :param address: ``camvid:folder@val`` or ``masks:folder`` (with ``dataset.json``), of part of
        the pictures by name as ``camvid:folder@val[::10]``.
    :param on_problem: takes pictures without a mask; without it the first one is an error.
    :raises ValueError: for another kind, naming the known ones, or for labels that are wrong.
    """
    whole, part = part_of(address)
    read, place = reader_of(whole, MASKED_SETS, 'camvid:folder@val')
    found = read(place, on_problem)
    return replace(found, pictures=found.pictures[part])


def _open_camvid(place: str, on_problem: Problem | None) -> MaskedSet:
    folder, _, split = place.rpartition('@') if '@' in place else (place, '', '')
    return read_camvid(Path(folder), split, on_problem)


MASKED_SETS: dict[str, Callable[[str, Problem | None], MaskedSet]] = {
    'camvid': _open_camvid,
    'masks': lambda place, on_problem: read_synthesised(Path(place), on_problem),
}


def _pairs(pictures: Path, masks: Path, on_problem: Problem | None) -> tuple[MaskedPicture, ...]:
    """Return the pictures by name, each with the mask of the same stem."""
    found = sorted(path for path in pictures.glob('*') if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise GroundTruthError(f'{pictures}: holds no picture ({", ".join(PICTURE_SUFFIXES)})')
    pairs = []
    for path in found:
        mask_path = masks / f'{path.stem}.png'
        if mask_path.is_file():
            pairs.append(MaskedPicture(path=path, mask_path=mask_path))
        else:
            refuse(LabelFault.NO_MASK, path, f'has no mask {mask_path}', on_problem)
    return tuple(pairs)
