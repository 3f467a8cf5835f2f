"""
From a picture of one thing to a vector in which like things lie close, without training.

The vector holds histograms of oriented gradients (Dalal and Triggs, "Histograms of oriented
gradients for human detection", CVPR 2005) at two scales and where which colours are; what lies
in the middle counts most, since crops hold background at their borders. OpenCV 5 has no such
histograms any more, so they are computed here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

Settings = dict[str, float]
SMALLEST_SIDE_PX = 4
_CELL_PX = 8
_HUES, _HUE_RANGE = 12, 180
_CLIP = 0.2  # of block values, as in the paper
_TINY = 1e-6


class Embedder(Protocol):
    """
    Turns a crop into a vector. A network stands in by the same three members.

    ``name`` and ``settings`` stand in the files of banks: vectors of different ones are not
    comparable.
    """

    @property
    def name(self) -> str:
        """Return what kind of vector this is."""

    @property
    def settings(self) -> Settings:
        """Return what the vectors depend on."""

    def __call__(self, crop: np.ndarray) -> np.ndarray:
        """
        Return the vector of a crop.

        :param crop: (H, W, 3) uint8, RGB.
        :returns: (D,) float32 of length 1.
        """


@dataclass(frozen=True, kw_only=True)
class GradientColorEmbedder:
    """
    Gradients at two scales and colours over a grid, after local contrast normalisation.

    :param size_px: side to which the crop is resized, a multiple of 16; the coarse scale has
        half of it.
    :param orientations: of gradients over 180 degrees.
    :param color_weight: length of the colour part beside the gradient parts' 1 each; 0 leaves
        it out.
    :param contrast_limit: of the local histogram equalisation (CLAHE); 0 leaves it out.
    :param center_width: deviation of the Gaussian window that weighs the places, in halves of
        the side; 0 weighs all places equally.
    :raises ValueError: for a value out of range, naming the range.
    """

    size_px: int = 96
    orientations: int = 9
    color_weight: float = 0.7
    contrast_limit: float = 2.0
    center_width: float = 0.3

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.size_px < 32 or self.size_px % 16:
            raise ValueError(f'size_px: {self.size_px} is not a multiple of 16 from 32 on')
        if not 2 <= self.orientations <= 36:
            raise ValueError(f'orientations: {self.orientations} is not within 2 to 36')
        for name in ('color_weight', 'contrast_limit', 'center_width'):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f'{name}: {value} is not a number from 0 on')

    @property
    def name(self) -> str:
        """Return what kind of vector this is."""
        return 'gradients_and_colors'

    @property
    def settings(self) -> Settings:
        """Return what the vectors depend on."""
        return {
            'size_px': self.size_px, 'orientations': self.orientations,
            'color_weight': self.color_weight, 'contrast_limit': self.contrast_limit,
            'center_width': self.center_width,
        }  # fmt: skip

    def __call__(self, crop: np.ndarray) -> np.ndarray:
        """
        Return the vector of a crop.

        :param crop: (H, W, 3) uint8, RGB, each side at least 4 pixels.
        :returns: (D,) float32 of length 1.
        :raises ValueError: for another shape or type.
        """
        fine = self._normalised(resized(checked_crop(crop), self.size_px))
        coarse = resized(fine, self.size_px // 2)
        gradients = [gradient_histograms(side, self.orientations) for side in (fine, coarse)]
        first, second = (self._windowed(part) for part in gradients)
        colors = self.color_weight * self._windowed(color_histograms(coarse))
        return unit(np.concatenate([first, second, colors]))

    def _windowed(self, values: np.ndarray) -> np.ndarray:
        """Return (P, P, N) values as a (P² · N,) vector of length 1, the middle heaviest."""
        if self.center_width:
            side = values.shape[0]
            place = (np.arange(side) - (side - 1) / 2) / (side / 2) / self.center_width
            line = np.exp(-(place**2) / 2).astype(np.float32)
            values = values * (line[:, None] * line)[..., None]
        return unit(values.ravel())

    def _normalised(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels whose lightness uses its range everywhere."""
        if self.contrast_limit == 0:
            return pixels
        lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
        equalise = cv2.createCLAHE(self.contrast_limit, (4, 4))
        lab[..., 0] = equalise.apply(np.ascontiguousarray(lab[..., 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


@dataclass(frozen=True, kw_only=True)
class PixelEmbedder:
    """
    The pixels themselves, without their mean: what the others have to beat.

    :param size_px: side to which the crop is resized.
    :raises ValueError: for a side below 4.
    """

    size_px: int = 32

    def __post_init__(self) -> None:
        """Check the range."""
        if self.size_px < SMALLEST_SIDE_PX:
            raise ValueError(f'size_px: {self.size_px} is below {SMALLEST_SIDE_PX}')

    @property
    def name(self) -> str:
        """Return what kind of vector this is."""
        return 'pixels'

    @property
    def settings(self) -> Settings:
        """Return what the vectors depend on."""
        return {'size_px': self.size_px}

    def __call__(self, crop: np.ndarray) -> np.ndarray:
        """
        Return the vector of a crop.

        :param crop: (H, W, 3) uint8, RGB, each side at least 4 pixels.
        :returns: (3 · size_px²,) float32 of length 1.
        :raises ValueError: for another shape or type.
        """
        values = resized(checked_crop(crop), self.size_px).astype(np.float32).ravel()
        return unit(values - values.mean())


EMBEDDERS = {'gradients_and_colors': GradientColorEmbedder, 'pixels': PixelEmbedder}


def open_embedder(name: str, settings: Settings) -> Embedder:
    """
    Return the embedder of a stored name and settings.

    :raises ValueError: for an unknown name or setting, naming the known ones.
    """
    if name not in EMBEDDERS:
        raise ValueError(f'embedder "{name}" is not known; known: {", ".join(EMBEDDERS)}')
    try:
        return EMBEDDERS[name](**settings)
    except TypeError as error:
        known = ', '.join(EMBEDDERS[name]().settings)
        raise ValueError(f'embedder "{name}": {error}; its settings: {known}') from error


def checked_crop(crop: np.ndarray) -> np.ndarray:
    """
    Return the crop.

    :raises ValueError: when it is not (H, W, 3) uint8 with sides of at least 4 pixels.
    """
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8:
        raise ValueError(
            f'crop: shape {crop.shape}, {crop.dtype}; expected (H, W, 3) uint8, colour order RGB'
        )
    if min(crop.shape[:2]) < SMALLEST_SIDE_PX:
        raise ValueError(
            f'crop: {crop.shape[1]}×{crop.shape[0]} pixels; each side has to be at least '
            f'{SMALLEST_SIDE_PX}'
        )
    return crop


def resized(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """Return (side, side, 3) uint8, without aliases where it becomes smaller."""
    smaller = min(pixels.shape[:2]) >= side_px
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side_px, side_px), interpolation=method))


def gradient_histograms(pixels: np.ndarray, orientations: int) -> np.ndarray:
    """
    Return histograms of oriented gradients, in overlapping blocks of 2×2 cells of 8×8 pixels.

    The strongest gradient of the three channels counts, split between the two nearest
    orientations; blocks have length 1, are clipped at 0.2 and have length 1 again.

    :param pixels: (S, S, 3) uint8, S a multiple of 8.
    :returns: (S/8 − 1, S/8 − 1, 4 · orientations) float32; a block without gradients is zero.
    """
    values = pixels.astype(np.float32)
    across = cv2.filter2D(values, -1, np.array([[-1.0, 0.0, 1.0]], np.float32))
    down = cv2.filter2D(values, -1, np.array([[-1.0], [0.0], [1.0]], np.float32))
    strength = across**2 + down**2
    strongest = strength.argmax(axis=2)[..., None]
    dx = np.take_along_axis(across, strongest, 2)[..., 0]
    dy = np.take_along_axis(down, strongest, 2)[..., 0]
    cells = _cell_histograms(np.hypot(dx, dy), np.arctan2(dy, dx) % np.pi, orientations)
    blocks = np.concatenate(
        [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=2
    )
    blocks = np.minimum(_rows_of_unit_length(blocks), _CLIP)
    return _rows_of_unit_length(blocks)


def _cell_histograms(strength: np.ndarray, angle: np.ndarray, orientations: int) -> np.ndarray:
    """Return (S/8, S/8, orientations) float32."""
    count = strength.shape[0] // _CELL_PX
    place = angle / np.pi * orientations - 0.5
    lower = np.floor(place)
    share = (place - lower).astype(np.float32)
    row, column = np.indices(strength.shape) // _CELL_PX
    cell = (row * count + column) * orientations
    found = np.zeros(count * count * orientations, np.float64)
    for offset, weight in ((0, 1 - share), (1, share)):
        number = cell + (lower.astype(int) + offset) % orientations
        found += np.bincount(number.ravel(), (strength * weight).ravel(), found.size)
    return found.reshape(count, count, orientations).astype(np.float32)


def color_histograms(pixels: np.ndarray) -> np.ndarray:
    """
    Return which hues are where, each pixel as heavy as it is saturated, and how much is grey.

    Square roots of shares over cells of 8×8 pixels, so that the inner product of two is
    Bhattacharyya's coefficient.

    :param pixels: (S, S, 3) uint8, RGB, S a multiple of 8.
    :returns: (S/8, S/8, 13) float32, each cell of length 1.
    """
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    saturation = hsv[..., 1].astype(np.float32) / 255
    count = pixels.shape[0] // _CELL_PX
    row, column = np.indices(saturation.shape) // _CELL_PX
    cell = (row * count + column) * (_HUES + 1)
    hue = cell + hsv[..., 0].astype(int) * _HUES // _HUE_RANGE
    size = count * count * (_HUES + 1)
    found = np.bincount(hue.ravel(), saturation.ravel(), size)
    found += np.bincount((cell + _HUES).ravel(), (1 - saturation).ravel(), size)
    return np.sqrt(found / _CELL_PX**2).astype(np.float32).reshape(count, count, _HUES + 1)


def unit(vector: np.ndarray) -> np.ndarray:
    """Return a float32 vector of length 1; zeros stay zeros."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), _TINY), np.float32)


def _rows_of_unit_length(values: np.ndarray) -> np.ndarray:
    """Return values whose last axis has length 1; zeros stay zeros."""
    return np.asarray(values / (np.linalg.norm(values, axis=-1, keepdims=True) + _TINY))
