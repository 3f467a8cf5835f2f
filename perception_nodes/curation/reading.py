"""Inventories by address; an address without a split means every split that is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from perception_nodes.curation.finding import Place
from perception_nodes.curation.inventory import Entry, Inventory, PlaceBook
from perception_nodes.evaluation.addresses import reader_of
from perception_nodes.evaluation.datasets import DATASETS, open_dataset
from perception_nodes.evaluation.ground_truth import GroundTruth, GroundTruthError
from perception_nodes.evaluation.masked_sets import camvid_splits, open_masked_set
from perception_nodes.evaluation.picture_folders import (
    folder_of,
    pictures_in,
    read_picture_folders,
)
from perception_nodes.evaluation.yolo_labels import label_of, yolo_splits
from perception_nodes.imaging.compressed import PICTURE_SUFFIXES
from perception_nodes.learning.data.tubs import read_tub

_SPLITS = ('train', 'val', 'test')
_STRAIGHT = 0.1  # of the full steering angle


def read_inventory(address: str) -> Inventory:
    """
    Read a set with all its faults.

    :param address: ``coco:``, ``voc:``, ``yolo:``, ``penn_fudan:``, ``camvid:``, ``masks:``,
        ``folder:`` or ``tub:`` and a place.
    :raises ValueError: when there is no such set, or nothing of it can be read.
    """
    read, place = reader_of(address, READERS, 'coco:annotations.json')
    return read(address, place)


def splits_of(address: str) -> list[str]:
    """
    Return the addresses of the splits of a set; of one that has none, or names one, itself.

    A path without a kind is taken for what lies there.

    :raises ValueError: when nothing tells the kind.
    """
    if address.partition(':')[0] not in READERS:
        address = _guessed(Path(address))
    kind, _, place = address.partition(':')
    if '@' in place:
        return [address]
    if kind == 'folder':
        parts = [name for name in _SPLITS if (Path(place) / name).is_dir()]
        return [f'{address}/{name}' for name in parts] or [address]
    if kind == 'voc':
        lists = Path(place) / 'ImageSets' / 'Main'
        names = [name for name in _SPLITS if (lists / f'{name}.txt').is_file()]
    else:
        finders = {'camvid': camvid_splits, 'yolo': yolo_splits}
        names = finders[kind](Path(place)) if kind in finders else []
    return [f'{address}@{name}' for name in names] or [address]


def _guessed(path: Path) -> str:
    """Return the address of what lies at a path."""
    if path.suffix == '.json' and path.is_file():
        return f'coco:{path}'
    if path.suffix in ('.yaml', '.yml') and path.is_file():
        return f'yolo:{path}'
    if (path / 'data.yaml').is_file():
        return f'yolo:{path / "data.yaml"}'
    if (path / 'dataset.json').is_file() and (path / 'masks').is_dir():
        return f'masks:{path}'
    marks = {'voc': 'Annotations', 'tub': 'catalog_*.catalog', 'camvid': '*annot', 'folder': '*/'}
    for kind, pattern in marks.items():
        if path.is_dir() and any(path.glob(pattern)):
            return f'{kind}:{path}'
    raise GroundTruthError(
        f'{path}: is no set that is known; write KIND:PLACE with one of the kinds '
        f'{", ".join(READERS)}'
    )


def _read_boxes(address: str, place: str) -> Inventory:
    book = PlaceBook()
    truth = open_dataset(address, on_problem=book.report)
    entries = tuple(_boxed(truth))
    for entry in entries:
        if not entry.path.is_file():
            book.add('picture_missing', Place(path=entry.path))
    root = Path(place.partition('@')[0])
    if address.startswith('yolo:'):
        bare = [entry.path for entry in entries if not label_of(entry.path).is_file()]
        _note_orphans(book, truth)
    elif '@' in place:  # the pictures of the other splits lie in the same folder
        bare = []
    else:
        known = {entry.path for entry in entries}
        folders = {path.parent for path in known}
        bare = [path for folder in folders for path in _flat(folder) if path not in known]
        bare = [path for path in bare if path != root]
    for path in sorted(bare):
        book.add('label_missing', Place(path=path))
    classes = tuple(truth.category_ids)
    by_folded = Counter(name.casefold().strip() for name in classes)
    for name in classes:
        if by_folded[name.casefold().strip()] > 1:
            book.add('class_spelling', Place(path=root, words=repr(name)))
    return Inventory(address=address, entries=entries, classes=classes, places=book.places())


def _boxed(truth: GroundTruth) -> Iterable[Entry]:
    """Yield the pictures; regions that count neither way are no boxes to check."""
    sizes = {
        int(image['id']): (int(image.get('width') or 0), int(image.get('height') or 0))
        for image in truth.content['images']
    }
    for image in truth.images:
        boxes = truth.boxes_of(image.image_id)
        size_wh, kept = sizes[image.image_id], ~boxes.crowd
        yield Entry(
            path=image.path,
            size_wh=size_wh if all(size_wh) else None,
            xyxy=boxes.xyxy[kept],
            box_classes=tuple(name for name, keep in zip(boxes.labels, kept, strict=True) if keep),
        )


def _note_orphans(book: PlaceBook, truth: GroundTruth) -> None:
    """Note YOLO labels without picture."""
    labels = {label_of(image.path) for image in truth.images}
    for folder in {label.parent for label in labels}:
        for path in sorted(folder.glob('*.txt')):
            if path not in labels and path.name != 'classes.txt':
                book.add('picture_missing', Place(path=path))


def _read_masks(address: str, place: str) -> Inventory:
    book = PlaceBook()
    masked = open_masked_set(address, book.report)
    known = {picture.mask_path for picture in masked.pictures}
    for folder in {path.parent for path in known}:
        for path in _flat(folder):
            if path not in known:
                book.add('picture_missing', Place(path=path))
    return Inventory(
        address=address,
        entries=tuple(Entry(path=item.path, mask=item) for item in masked.pictures),
        classes=masked.classes,
        places=book.places(),
        masks=masked,
    )


def _read_folders(address: str, place: str) -> Inventory:
    folder, book = folder_of(place), PlaceBook()
    found = read_picture_folders(folder)
    for path in _flat(folder):
        book.add('label_missing', Place(path=path, words='lies in no folder of a class'))
    return Inventory(
        address=address,
        entries=tuple(
            Entry(path=item.path, label=found.classes[item.class_id]) for item in found.pictures
        ),
        classes=found.classes,
        places=book.places(),
    )


def _read_tub(address: str, place: str) -> Inventory:
    name, _, part = place.partition('@')
    tub, book = read_tub(Path(name), part), PlaceBook()
    for reason, count in tub.skipped.items():
        if 'deleted' not in reason:
            check = 'picture_missing' if reason == 'picture is missing' else 'label_broken'
            for _ in range(count):
                book.add(check, Place(path=Path(name), words=reason))
    known = {record.path for record in tub.records}
    if not part and not any('deleted' in reason for reason in tub.skipped):
        for path in pictures_in(Path(name) / 'images'):
            if path not in known:
                book.add('label_missing', Place(path=path))
    return Inventory(
        address=address,
        entries=tuple(Entry(path=item.path, label=_steering(item.angle)) for item in tub.records),
        classes=('left', 'straight', 'right'),
        places=book.places(),
    )


def _steering(angle: float) -> str:
    """Return the class of a steering angle, -1 full left … 1 full right."""
    return 'straight' if abs(angle) <= _STRAIGHT else 'left' if angle < 0 else 'right'


def _flat(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob('*') if path.suffix.lower() in PICTURE_SUFFIXES)


READERS: dict[str, Callable[[str, str], Inventory]] = {
    **dict.fromkeys(DATASETS, _read_boxes),
    'camvid': _read_masks,
    'masks': _read_masks,
    'folder': _read_folders,
    'tub': _read_tub,
}
