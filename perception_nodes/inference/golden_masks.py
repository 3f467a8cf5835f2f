"""The golden result of a segmentation model: a PNG of class numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perception_nodes.imaging.image_error import ImageError
from perception_nodes.imaging.index_png import IndexPicture, read_index_png
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_sections import GoldenSpec
from perception_nodes.structures import UNLABELLED, SegmentationMask

_LEAST_CLASSES = 2
_LEAST_SHARE = 0.01  # a class with fewer of the pixels proves little
_SHOWN_CONFUSIONS = 5
_CAUSES = (
    'input.color_order, input.scale, input.mean or input.std; input.size_wh or input.resize '
    'when edges are shifted; the order of classes, or remap, when whole classes are exchanged'
)


def explain_mask(bundle: ModelBundle, golden: GoldenSpec, actual: SegmentationMask) -> str:
    """
    Return how the mask differs from the expected one and why, empty when they agree.

    :raises BundleError: when the expected mask cannot be read or has another size.
    """
    path = bundle.file(golden.expected)
    try:
        expected = read_index_png(path)
    except (OSError, ImageError) as error:
        raise BundleError(f'{path}: cannot be read as a PNG of class numbers: {error}') from error
    if expected.class_ids.shape != actual.class_ids.shape:
        raise BundleError(
            f'{path}: is {expected.class_ids.shape[::-1]}, the golden frame is '
            f'{actual.size_wh}; record it again'
        )
    names = bundle.spec.result_classes
    agrees = _numbers_of(names, expected)[expected.class_ids] == actual.class_ids
    agreement = float(agrees.mean())
    if agreement >= golden.min_agreement:
        return ''
    pairs = expected.class_ids[~agrees].astype(np.int64) * 256 + actual.class_ids[~agrees]
    listed = '\n'.join(_confusions(pairs, agrees.size, expected.names or names, names))
    return (
        f'{agreement:.1%} of the pixels agree, needed are {golden.min_agreement:.1%}:\n{listed}\n'
        f'Likely wrong in model.yaml:\n  {_CAUSES}'
    )


def record_mask(
    found: SegmentationMask, classes: Sequence[str], picture: Path
) -> SegmentationMask:
    """
    Return the expected result of a picture.

    :raises BundleError: when the model sees fewer than two classes: that proves nothing.
    """
    shares = np.bincount(found.class_ids.ravel(), minlength=256)[: len(classes)]
    seen = np.flatnonzero(shares >= _LEAST_SHARE * found.class_ids.size)
    if len(seen) < _LEAST_CLASSES:
        names = ', '.join(classes[i] for i in seen.tolist()) or 'nothing'
        raise BundleError(
            f'{picture}: the model sees {names} in it and proves little by that. Choose a picture '
            'with several classes; if this is one, the colour order, scale, mean, std, input '
            'size or decoder is wrong'
        )
    return found


def _numbers_of(names: Sequence[str], expected: IndexPicture) -> np.ndarray:
    """Return (256,) the present number of every expected one, −1 for a name that is gone."""
    table = np.arange(256, dtype=np.int16)
    for number, name in enumerate(expected.names):
        table[number] = names.index(name) if name in names else -1
    return table


def _confusions(
    pairs: np.ndarray, pixels: int, expected: Sequence[str], found: Sequence[str]
) -> list[str]:
    """Return the most frequent wrong pairs (256 · expected + found) in words."""
    counts = np.bincount(pairs, minlength=1)
    order = np.argsort(-counts, kind='stable')[:_SHOWN_CONFUSIONS]
    return [
        f'  {counts[i] / pixels:.1%} of the picture: {_named(i // 256, expected)} expected, '
        f'{_named(i % 256, found)} found'
        for i in order.tolist()
        if counts[i]
    ]


def _named(class_id: int, names: Sequence[str]) -> str:
    if class_id == UNLABELLED:
        return 'unlabelled'
    return names[class_id] if class_id < len(names) else f'class {class_id}'
