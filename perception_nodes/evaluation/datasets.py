"""Labelled sets by address, such as ``coco:annotations.json`` or ``yolo:data.yaml@split``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from perception_nodes.evaluation.addresses import part_of, reader_of
from perception_nodes.evaluation.ground_truth import GroundTruth, Problem, read_coco
from perception_nodes.evaluation.penn_fudan import read_penn_fudan
from perception_nodes.evaluation.voc import read_voc
from perception_nodes.evaluation.yolo_labels import read_yolo


def _open_coco(place: str, images: Path | None, problem: Problem | None) -> GroundTruth:
    return read_coco(Path(place), images, problem)


def _open_voc(place: str, images: Path | None, problem: Problem | None) -> GroundTruth:
    folder, _, split = place.partition('@')
    _refuse_images('voc', images)
    return read_voc(Path(folder), split, problem)


def _open_yolo(place: str, images: Path | None, problem: Problem | None) -> GroundTruth:
    card, _, split = place.partition('@')
    _refuse_images('yolo', images)
    return read_yolo(Path(card), split, problem)


def _open_penn_fudan(place: str, images: Path | None, problem: Problem | None) -> GroundTruth:
    _refuse_images('penn_fudan', images)
    return read_penn_fudan(Path(place))


DATASETS: dict[str, Callable[[str, Path | None, Problem | None], GroundTruth]] = {
    'coco': _open_coco,
    'voc': _open_voc,
    'yolo': _open_yolo,
    'penn_fudan': _open_penn_fudan,
}


def open_dataset(
    address: str, images: Path | None = None, on_problem: Problem | None = None
) -> GroundTruth:
    """
    Read a labelled set.

    :param address: ``coco:annotations.json``, ``voc:folder``, ``voc:folder@val`` (a list in
        ``ImageSets/Main``), ``yolo:data.yaml@val`` or ``penn_fudan:folder``; of part of the
        pictures as ``voc:folder@val[::10]``.
    :param images: folder of the pictures, for ``coco`` alone.
    :param on_problem: takes labels that are wrong; without it the first one is an error.
    :raises ValueError: for another kind, naming the known ones, or for labels that are wrong.
    """
    whole, part = part_of(address)
    read, place = reader_of(whole, DATASETS, 'coco:annotations.json')
    found = read(place, images, on_problem)
    return found if part == slice(None) else found.part(part)


def _refuse_images(kind: str, images: Path | None) -> None:
    if images is not None:
        raise ValueError(f'data of the kind {kind} brings its own pictures; leave out the folder')
