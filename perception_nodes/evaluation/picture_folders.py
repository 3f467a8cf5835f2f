"""
Pictures whose folder is their class: ``folder:PLACE`` with ``PLACE/<class>/*.jpg``.

Of a split, ``folder:PLACE@train`` with ``PLACE/train/<class>/*.jpg``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perception_nodes.evaluation.addresses import part_of, reader_of
from perception_nodes.evaluation.ground_truth import GroundTruthError
from perception_nodes.evaluation.set_digest import set_digest
from perception_nodes.imaging.compressed import PICTURE_SUFFIXES


@dataclass(frozen=True, kw_only=True)
class ClassedPicture:
    """
    One picture and its class.

    :param class_id: index into the classes of the set.
    """

    path: Path
    class_id: int


@dataclass(frozen=True, kw_only=True)
class PictureFolders:
    """
    A labelled set.

    :param classes: names of the folders, in alphabetical order; some may be empty.
    :param pictures: by class, then by name.
    """

    classes: tuple[str, ...]
    pictures: tuple[ClassedPicture, ...]

    def counts(self) -> list[int]:
        """Return how many pictures each class has."""
        numbers = [picture.class_id for picture in self.pictures]
        return [numbers.count(class_id) for class_id in range(len(self.classes))]

    def digest(self) -> str:
        """Return the SHA-256 of pictures and their classes."""
        labels = [self.classes, [item.class_id for item in self.pictures]]
        return set_digest((item.path for item in self.pictures), labels)

    def numbered_as(self, classes: Sequence[str]) -> PictureFolders:
        """
        Return the set with classes in another order; those without a folder are empty.

        :raises GroundTruthError: for a folder with pictures that is none of the classes.
        """
        counted = zip(self.classes, self.counts(), strict=True)
        strange = [name for name, count in counted if count and name not in classes]
        if strange:
            raise GroundTruthError(
                f'classes: there are pictures of {", ".join(strange)}, but the classes are '
                f'{", ".join(classes)}; name those folders in the recipe, or take them away'
            )
        numbers = {name: number for number, name in enumerate(classes)}
        pictures = (
            replace(item, class_id=numbers[self.classes[item.class_id]]) for item in self.pictures
        )
        return PictureFolders(classes=tuple(classes), pictures=tuple(pictures))


def open_picture_folders(address: str) -> PictureFolders:
    """
    Read a labelled set.

    :param address: ``folder:PLACE`` or ``folder:PLACE@split``; of part of the pictures as
        ``folder:PLACE[::10]``.
    :raises ValueError: for another kind, or when there is no picture.
    """
    whole, part = part_of(address)
    _, place = reader_of(whole, {'folder': read_picture_folders}, 'folder:PLACE')
    found = read_picture_folders(folder_of(place))
    return replace(found, pictures=found.pictures[part])


def folder_of(place: str) -> Path:
    """Return the folder that holds those of the classes: of ``PLACE@split``, ``PLACE/split``."""
    whole, _, split = place.partition('@')
    return Path(whole, split)


def joined(sets: Sequence[PictureFolders]) -> PictureFolders:
    """Return sets as one; classes are those of all, in alphabetical order."""
    classes = sorted({name for item in sets for name in item.classes})
    pictures = (picture for item in sets for picture in item.numbered_as(classes).pictures)
    return PictureFolders(classes=tuple(classes), pictures=tuple(pictures))


def tracks_of(labelled: PictureFolders, pattern: str) -> list[str]:
    """
    Return for each picture what it shares with those of the same thing; within a class.

    :param pattern: regular expression whose first group is found in file names; empty: every
        picture is a track of its own.
    :raises ValueError: for a pattern that is none, has no group, or does not fit a name.
    """
    track_of = track_finder(pattern)
    return [f'{item.class_id} {track_of(item.path)}' for item in labelled.pictures]


def track_finder(pattern: str) -> Callable[[Path], str]:
    """
    Return what tells the track of a picture by the name of its file.

    :param pattern: see :func:`tracks_of`, also for errors; names are refused one by one.
    """
    if not pattern:
        return str
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise ValueError(f'track: {pattern!r} is no regular expression: {error}') from error

    def track_of(path: Path) -> str:
        match = wanted.search(path.name)
        if match is None or not wanted.groups:
            raise ValueError(
                f'track: {pattern!r} finds no group in {path.name!r}; of '
                r'00017_00022_00010.png the middle number is _(\d+)_'
            )
        return match[1]

    return track_of


def read_picture_folders(folder: Path) -> PictureFolders:
    """
    Read a folder of folders; pictures may lie deeper in them.

    :raises GroundTruthError: when there is no picture in a folder of its class.
    """
    classes = sorted(path.name for path in folder.glob('*') if path.is_dir())
    pictures = tuple(
        ClassedPicture(path=path, class_id=number)
        for number, name in enumerate(classes)
        for path in pictures_in(folder / name)
    )
    if not pictures:
        raise GroundTruthError(f'{folder}: holds no folder of a class with pictures in it')
    return PictureFolders(classes=tuple(classes), pictures=pictures)


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder and below it, by name."""
    return sorted(path for path in folder.rglob('*') if path.suffix.lower() in PICTURE_SUFFIXES)
