"""Cut-outs of a folder: PNG files with transparency, in a sub-folder for every class."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.imaging.collage import COVERING, Cutout
from perception_nodes.imaging.outlines import tight_box
from perception_nodes.simulation.records import SMALLEST_PX

BACKGROUND = 'background'
"""Class of the pixels of masks that show no thing."""

_LONGEST_PX = 640


class CutoutError(ValueError):
    """Cut-outs that cannot be used; the text names the file and the cure."""


@dataclass(frozen=True, kw_only=True)
class CutoutFolder:
    """
    Where cut-outs lie.

    :param classes: names of the sub-folders, sorted.
    :param files: of each class, at least one, sorted.
    """

    classes: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]


def find_cutouts(folder: Path) -> CutoutFolder:
    """
    Return the cut-outs ``folder/CLASS/*.png``.

    :raises CutoutError: when there are none.
    """
    found = {
        path.name: tuple(sorted(path.glob('*.png')))
        for path in sorted(folder.glob('*'))
        if path.is_dir()
    }
    classes = tuple(name for name, files in found.items() if files)
    if not classes:
        raise CutoutError(
            f'{folder}: no cut-outs; put PNG files with transparency into a folder for each '
            f'class, such as {folder / "cone" / "a.png"}'
        )
    if BACKGROUND in classes:
        raise CutoutError(
            f'{folder / BACKGROUND}: that is what pixels without a thing are called; rename it'
        )
    return CutoutFolder(classes=classes, files=tuple(found[name] for name in classes))


@functools.lru_cache(maxsize=128)
def read_cutout(path: Path) -> Cutout:
    """
    Return a cut-out without its transparent border, its longer side at most 640 px.

    :raises CutoutError: naming the file: no picture, no transparency, or too small.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise CutoutError(f'{path}: cannot be read as a picture; replace or remove it')
    if pixels.ndim != 3 or pixels.shape[2] != 4 or pixels.dtype != np.uint8:
        channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        raise CutoutError(
            f'{path}: has {channels} channel(s) of {pixels.dtype} and no alpha; cut the thing '
            'out and save it as PNG with transparency (RGBA, 8 bits)'
        )
    alpha = pixels[:, :, 3]
    if alpha.min() == 255:
        raise CutoutError(f'{path}: no pixel is transparent; cut the thing out of its picture')
    shown = alpha >= COVERING
    left, top, right, bottom = tight_box(shown) if shown.any() else (0, 0, 0, 0)
    longer = max(right - left, bottom - top)
    if longer < SMALLEST_PX:
        raise CutoutError(
            f'{path}: the thing has {right - left}x{bottom - top} pixels; {SMALLEST_PX} along '
            'its longer side are the least that can be found'
        )
    window = slice(top, bottom), slice(left, right)
    cutout = Cutout(rgb=pixels[window][:, :, 2::-1].copy(), alpha=alpha[window].copy())
    return cutout.scaled(_LONGEST_PX / longer) if longer > _LONGEST_PX else cutout
