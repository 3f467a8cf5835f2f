"""Labels in PASCAL VOC XML files."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from perception_nodes.evaluation.ground_truth import (
    GroundTruth,
    GroundTruthError,
    LabelFault,
    Problem,
    coco_content,
    refuse,
)

_ORIGIN = 1.0  # the top left pixel of PASCAL VOC is (1, 1), and xmax is the last pixel inside


def read_voc(folder: Path, split: str = '', on_problem: Problem | None = None) -> GroundTruth:
    """
    Read a folder with ``Annotations/*.xml`` and ``JPEGImages``.

    Objects marked ``difficult`` count neither way, as in the PASCAL VOC measure.

    :param folder: root of the set.
    :param split: name of a list in ``ImageSets/Main`` without ``.txt``; empty takes everything.
    :param on_problem: takes files that are wrong; without it the first one is an error. With it
        inverted boxes are kept as they are.
    :raises GroundTruthError: naming the file and what is wrong.
    """
    images: list[dict[str, Any]] = []
    boxes: list[tuple[int, str, tuple[float, ...], bool]] = []
    for image_id, path in enumerate(_annotation_files(folder, split), start=1):
        try:
            root = ElementTree.parse(path).getroot()
            image = _image(root, image_id, path, folder / 'JPEGImages')
            strict = on_problem is None
            found = [(image_id, *_box(item, strict=strict)) for item in root.iter('object')]
        except (OSError, ElementTree.ParseError, ValueError) as error:
            words = f'is not a PASCAL VOC label: {error}'
            refuse(LabelFault.BROKEN, path, words, on_problem)
            continue
        images.append(image)
        boxes += found
    names = sorted({name for _, name, _, _ in boxes})
    return GroundTruth(coco_content(images, boxes, names), folder / 'JPEGImages')


def _annotation_files(folder: Path, split: str) -> list[Path]:
    if split:
        listed = folder / 'ImageSets' / 'Main' / f'{split}.txt'
        if not listed.is_file():
            known = sorted(path.stem for path in listed.parent.glob('*.txt'))
            raise GroundTruthError(f'{listed}: no such list; known: {", ".join(known) or "none"}')
        stems = [line.split()[0] for line in listed.read_text().splitlines() if line.strip()]
        return [folder / 'Annotations' / f'{stem}.xml' for stem in stems]
    files = sorted((folder / 'Annotations').glob('*.xml'))
    if not files:
        raise GroundTruthError(f'{folder}: no Annotations/*.xml; give the root of a VOC set')
    return files


def _image(root: ElementTree.Element, image_id: int, path: Path, pictures: Path) -> dict[str, Any]:
    # The file name inside the label is often wrong after a set was renamed: the stem decides.
    found = next(iter(sorted(pictures.glob(f'{path.stem}.*'))), None)
    name = found.name if found else root.findtext('filename', default=f'{path.stem}.jpg')
    size = {key: int(root.findtext(f'size/{key}', default='0')) for key in ('width', 'height')}
    return {'id': image_id, 'file_name': name, **size}


def _box(item: ElementTree.Element, *, strict: bool) -> tuple[str, tuple[float, ...], bool]:
    """Return name, box in continuous pixels, and whether it counts neither way."""
    left, top, right, bottom = (
        float(item.findtext(f'bndbox/{key}', default='nan'))
        for key in ('xmin', 'ymin', 'xmax', 'ymax')
    )
    if not math.isfinite(left + top + right + bottom):
        raise ValueError('bndbox needs xmin, ymin, xmax, ymax')
    if strict and not (left <= right and top <= bottom):
        raise ValueError(f'bndbox {left, top, right, bottom} needs xmin ≤ xmax, ymin ≤ ymax')
    name = item.findtext('name', default='').strip()
    if not name:
        raise ValueError('an object has no name')
    is_difficult = item.findtext('difficult', default='0').strip() == '1'
    return name, (left - _ORIGIN, top - _ORIGIN, right, bottom), is_difficult
