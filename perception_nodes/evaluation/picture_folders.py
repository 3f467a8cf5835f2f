"""Pictures whose folder is their class: ``folder:PLACE`` with ``PLACE/<class>/*.jpg``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perception_nodes.evaluation.ground_truth import GroundTruthError
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
