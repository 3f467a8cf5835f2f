"""One pass over the pictures and masks of sets, on all cores."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from perception_nodes.curation.fingerprint import fingerprint, no_fingerprint
from perception_nodes.curation.inventory import Entry
from perception_nodes.evaluation.ground_truth import GroundTruthError
from perception_nodes.evaluation.masked_sets import MaskedPicture, MaskedSet
from perception_nodes.imaging.compressed import decode_compressed
from perception_nodes.imaging.image_error import ImageError


@dataclass(frozen=True, eq=False, kw_only=True)
class Look:
    """
    What one picture turned out to be.

    :param size_wh: of the picture, None when it cannot be read.
    :param digest: of the file's bytes.
    :param prints: see :func:`~perception_nodes.curation.fingerprint.fingerprint`.
    :param error: why it cannot be read; ``missing`` for no file.
    :param mask_error: why its mask cannot.
    :param mask_size_wh: of the mask, None without one.
    :param mask_pixels: (256,) int64 pixels of each number of the mask.
    """

    size_wh: tuple[int, int] | None = None
    digest: bytes = b''
    prints: tuple[np.ndarray, np.ndarray] = field(default_factory=no_fingerprint)
    error: str = ''
    mask_error: str = ''
    mask_size_wh: tuple[int, int] | None = None
    mask_pixels: np.ndarray | None = None


Job = tuple[Entry, MaskedSet | None]


def look_at(jobs: Sequence[Job], advance: Callable[[], object] = lambda: None) -> list[Look]:
    """
    Return what each picture is, in order; the decoders run beside each other.

    :param jobs: pictures, each with the set that reads its mask, or None.
    :param advance: called after each picture.
    """
    found = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for look in pool.map(_look, jobs):
            found.append(look)
            advance()
    return found


def _look(job: Job) -> Look:
    entry, masks = job
    look = _picture(entry.path)
    if masks is None or entry.mask is None:
        return look
    return _with_mask(look, entry.mask, masks)


def _picture(path: Path) -> Look:
    try:
        content = path.read_bytes()
    except OSError as error:
        return Look(error=f'{"missing" if not path.exists() else error}')
    digest = hashlib.blake2b(content, digest_size=16).digest()
    try:
        pixels = decode_compressed(content).array
    except ImageError as error:
        return Look(digest=digest, error=str(error))
    size_wh = (pixels.shape[1], pixels.shape[0])
    return Look(size_wh=size_wh, digest=digest, prints=fingerprint(pixels))


def _with_mask(look: Look, masked: MaskedPicture, masks: MaskedSet) -> Look:
    """Return the look at a picture together with what its mask turned out to be."""
    try:
        class_ids = masks.read_mask(masked)
    except GroundTruthError as error:
        return replace(look, mask_error=str(error))
    return replace(
        look,
        mask_size_wh=(class_ids.shape[1], class_ids.shape[0]),
        mask_pixels=np.bincount(class_ids.ravel(), minlength=256),
    )
