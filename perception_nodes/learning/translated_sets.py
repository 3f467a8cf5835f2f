"""A labelled set with other pictures: the same masks, the same boxes, another look."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.imaging.picture_file import write_picture
from perception_nodes.learning.translator import Translator
from perception_nodes.structures import ColorOrder

_CARD = 'dataset.json'
_BESIDE = ('annotations.json',)
"""Labels that stay true beside the masks; they name pictures by their file names."""

T = TypeVar('T')
Track = Callable[[Iterable[T], str], Iterable[T]]


def write_translated(
    translator: Translator,
    labelled: MaskedSet,
    out: Path,
    *,
    address: str,
    track: Track = lambda items, _words: items,
) -> int:
    """
    Write a set that ``masks:OUT`` opens, and return the number of its pictures.

    Pictures keep their names, so that boxes in an ``annotations.json`` beside the pictures'
    folder stay true; it is copied where there is one and the whole set is translated.

    :param out: folder, made; pictures of the same name in it are replaced.
    :param address: of the set, for the card.
    :raises ValueError: when ``out`` is where the set lies.
    """
    sources = {picture.path.parent.resolve() for picture in labelled.pictures}
    if (out / 'images').resolve() in sources:
        raise ValueError(f'out: {out} is the set that is to be translated; name another folder')
    for picture in track(labelled.pictures, 'Translating'):
        frame, mask = labelled.read(picture)
        translated = translator.translated(frame).in_order(ColorOrder.BGR)
        write_picture(out / 'images' / picture.path.name, translated)
        write_index_png(out / 'masks' / f'{picture.path.stem}.png', mask, names=labelled.classes)
    card: dict[str, Any] = {
        'semantic_classes': list(labelled.classes),
        'translated_from': address,
        'translated_by': translator.description,
        'weights_sha256': translator.bundle.spec.weights.sha256,
    }
    (out / _CARD).write_text(json.dumps(card, indent=1) + '\n', encoding='utf-8')
    written = {picture.path.name for picture in labelled.pictures}
    for source in sources:
        if written >= {path.name for path in source.iterdir()}:
            _copy_beside(source.parent, out)
    return len(labelled.pictures)


def _copy_beside(folder: Path, out: Path) -> None:
    for name in _BESIDE:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)
