"""
The golden frame: one picture and what the model says about it.

A wrong colour order, normalisation, input size or class order changes the result and nothing
else; comparing one known picture is what makes it visible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from perception_nodes.imaging.compressed import decode_compressed
from perception_nodes.imaging.image_error import ImageError
from perception_nodes.inference.bundle import GoldenResult, ModelBundle
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.golden_boxes import explain_boxes, record_boxes
from perception_nodes.inference.golden_classes import explain_classes, record_classes
from perception_nodes.inference.golden_masks import explain_mask, record_mask
from perception_nodes.inference.golden_path import explain_path, record_path
from perception_nodes.structures import Frame

Look = Callable[[Frame], Any]
"""The complete path from a frame to the result of the bundle's task."""

_EXPLAIN: dict[str, Callable[..., str]] = {
    'detection': explain_boxes,
    'segmentation': explain_mask,
    'classification': explain_classes,
    'path': explain_path,
}
_RECORD: dict[str, Callable[..., GoldenResult]] = {
    'detection': record_boxes,
    'segmentation': record_mask,
    'classification': record_classes,
    'path': record_path,
}


class GoldenMismatch(BundleError):
    """The model does not say about its golden frame what it should."""


def verify_golden(bundle: ModelBundle, look: Look) -> None:
    """
    Run the model on its golden frame.

    :param bundle: nothing is checked when it has no golden frame.
    :param look: the complete path from frame to result, with the bundle's thresholds.
    :raises GoldenMismatch: naming what differs and the likely causes.
    :raises BundleError: when the golden frame or the expected result cannot be read.
    """
    golden = bundle.spec.golden
    if golden is None:
        return
    actual = look(read_frame(bundle.file(golden.frame)))
    differs = _EXPLAIN[bundle.spec.task](bundle, golden, actual)
    if differs:
        raise GoldenMismatch(
            f'{bundle.path}: the model does not say about its golden frame what it should: '
            f'{differs}\nCorrect model.yaml, or fetch or export the bundle again'
        )


def record_golden(
    look: Look, classes: Sequence[str], picture: Path, *, task: str = 'detection'
) -> GoldenResult:
    """
    Return the expected result of a picture, as ``write_bundle`` takes it.

    :param classes: class names of the results.
    :param task: of the bundle.
    :raises BundleError: for a picture in which the model sees nothing: it proves nothing.
    """
    return _RECORD[task](look(read_frame(picture)), classes, picture)


def read_frame(picture: Path) -> Frame:
    """Return a PNG or JPEG file as a frame; raise :class:`BundleError` when it is none."""
    try:
        return decode_compressed(picture.read_bytes()).to_frame()
    except (OSError, ImageError) as error:
        raise BundleError(f'{picture}: cannot be read as PNG or JPEG: {error}') from error
