"""Things cut out of one picture and pasted onto another, with what is left to see of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from perception_nodes.imaging.outlines import tight_box

COVERING = 128
"""
From this alpha on a pixel is pasted: it shows at least half of the thing. What is fainter is left
out, so that labels hold for exactly the pixels that changed.
"""
_FEATHERED_PART = 0.15  # of the shorter side of a box, along each edge
_NOBODY = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Cutout:
    """
    A thing without what was around it.

    :param rgb: (H, W, 3) uint8.
    :param alpha: (H, W) uint8, 255 where the thing hides what is behind it, 0 where it is not.
    """

    rgb: np.ndarray
    alpha: np.ndarray

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.alpha.shape[1], self.alpha.shape[0]

    def mirrored(self) -> Cutout:
        """Return it seen in a mirror."""
        return Cutout(rgb=self.rgb[:, ::-1], alpha=self.alpha[:, ::-1])

    def scaled(self, factor: float) -> Cutout:
        """Return it enlarged by a factor; colours under transparent pixels do not bleed."""
        size = [max(1, round(side * factor)) for side in self.size_wh]
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        share = self.alpha.astype(np.float32)
        weighed = cv2.resize(self.rgb * share[..., None], size, interpolation=how)
        alpha = cv2.resize(share, size, interpolation=how)
        rgb = weighed / np.maximum(alpha, 1e-3)[..., None]
        return Cutout(
            rgb=np.clip(np.rint(rgb), 0, 255).astype(np.uint8),
            alpha=np.rint(alpha).astype(np.uint8),
        )

    def feathered(self, sigma_px: float) -> Cutout:
        """Return it with an edge that lets half of the background through; no pixel is lost."""
        wide = np.pad(self.alpha, 1)  # the edges of the array are edges of the thing
        soft = cv2.GaussianBlur(wide, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)[1:-1, 1:-1]
        return Cutout(rgb=self.rgb, alpha=np.minimum(np.maximum(soft, COVERING), self.alpha))


def cut_out(rgb: np.ndarray, mask_hw: np.ndarray) -> Cutout:
    """
    Return the pixels of a mask.

    :param rgb: (H, W, 3) uint8.
    :param mask_hw: (H, W) bool with at least one true pixel.
    """
    left, top, right, bottom = tight_box(mask_hw)
    window = slice(top, bottom), slice(left, right)
    return Cutout(rgb=rgb[window].copy(), alpha=mask_hw[window].astype(np.uint8) * 255)


def cut_out_box(rgb: np.ndarray, xyxy: Sequence[float]) -> Cutout:
    """
    Return what is in a box, with edges that fade, for things whose outline nobody knows.

    A seam is what a detector would learn instead of the thing (Dwibedi, Misra and Hebert, "Cut,
    Paste and Learn", ICCV 2017).

    :param rgb: (H, W, 3) uint8.
    :param xyxy: left, top, right, bottom in pixels, cut at the picture's edges; of a box without
        a pixel in the picture the nearest pixel is returned.
    """
    height, width = rgb.shape[:2]
    left, top = (
        int(np.clip(round(start), 0, side - 1))
        for start, side in zip(xyxy[:2], (width, height), strict=True)
    )
    right, bottom = (
        int(np.clip(round(end), start + 1, side))
        for end, start, side in zip(xyxy[2:], (left, top), (width, height), strict=True)
    )
    across, down = (_fading(side) for side in (right - left, bottom - top))
    alpha = np.minimum(across[None], down[:, None])
    return Cutout(rgb=rgb[top:bottom, left:right].copy(), alpha=alpha)


def _fading(side: int) -> np.ndarray:
    """Return (side,) uint8 that rises from one end and falls to the other; no pixel is lost."""
    inward = np.minimum(np.arange(side), np.arange(side)[::-1]) + 1
    ramp = COVERING + (255 - COVERING) * inward / max(_FEATHERED_PART * side, 1.0)
    return np.minimum(ramp, 255).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class Pasted:
    """
    What is left to see of a thing.

    :param xyxy: around exactly its visible pixels; None when there is none.
    :param area_px: visible pixels.
    :param visible_fraction: visible pixels / pixels inside the picture, 0..1.
    :param truncated_fraction: part of its pixels that lies outside the picture, 0..1.
    """

    xyxy: tuple[int, int, int, int] | None
    area_px: int
    visible_fraction: float
    truncated_fraction: float


class Collage:
    """
    A picture onto which things are pasted; each hides what was there before.

    :param rgb: (H, W, 3) uint8; it is copied.
    :ivar rgb: (H, W, 3) uint8, the picture by now.
    :ivar owner: (H, W) int16, number of the thing that a pixel shows, -1 for the picture itself.
    """

    def __init__(self, rgb: np.ndarray) -> None:
        self.rgb = np.array(rgb, order='C')
        self.owner: np.ndarray = np.full(rgb.shape[:2], _NOBODY, np.int16)
        self._pixels: list[tuple[int, int]] = []  # inside the picture, and in all

    def paste(self, cutout: Cutout, left: int, top: int) -> int:
        """
        Lay a thing over the picture and return its number.

        :param left: column of its first pixel; what lies outside the picture is cut off.
        :param top: row of its first pixel.
        """
        number = len(self._pixels)
        height, width = self.owner.shape
        columns, across = _overlap(left, cutout.size_wh[0], width)
        rows, down = _overlap(top, cutout.size_wh[1], height)
        alpha = cutout.alpha[down, across]
        covering = alpha >= COVERING
        share = np.where(covering, alpha, 0)[..., None].astype(np.uint32)
        under = self.rgb[rows, columns]
        mixed = cutout.rgb[down, across] * share + under * (255 - share)
        self.rgb[rows, columns] = (mixed + 127) // 255
        self.owner[rows, columns][covering] = number
        self._pixels.append((int(covering.sum()), int((cutout.alpha >= COVERING).sum())))
        return number

    def pasted(self) -> list[Pasted]:
        """Return what is left to see of every thing, in the order of their numbers."""
        return [self._seen(number, *pixels) for number, pixels in enumerate(self._pixels)]

    def _seen(self, number: int, inside: int, whole: int) -> Pasted:
        shown = self.owner == number
        area = int(shown.sum())
        return Pasted(
            xyxy=tight_box(shown) if area else None,
            area_px=area,
            visible_fraction=area / inside if inside else 0.0,
            truncated_fraction=1 - inside / whole if whole else 1.0,
        )

    def uncovered(self, xyxy: Sequence[float]) -> tuple[tuple[float, ...], float]:
        """
        Return what nothing was pasted over of a box: the box around it, and its share, 0..1.

        :param xyxy: left, top, right, bottom in pixels; where all is covered it comes back.
        """
        left, top = max(int(xyxy[0]), 0), max(int(xyxy[1]), 0)
        right, bottom = (max(int(np.ceil(end)), 0) for end in xyxy[2:])
        shown = self.owner[top:bottom, left:right] == _NOBODY
        if shown.all() or not shown.any():
            return tuple(xyxy), float(shown.all())
        inner = tight_box(shown) + np.array([left, top, left, top])
        ends = np.concatenate([np.maximum(inner[:2], xyxy[:2]), np.minimum(inner[2:], xyxy[2:])])
        return tuple(float(value) for value in ends), float(shown.mean())


def _overlap(start: int, side: int, whole: int) -> tuple[slice, slice]:
    """Return the part of a picture's side that a thing covers, and that part of the thing."""
    first = min(max(start, 0), whole)
    last = min(max(start + side, first), whole)
    return slice(first, last), slice(first - start, last - start)
