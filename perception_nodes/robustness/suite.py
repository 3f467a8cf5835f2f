"""
Corruptions by name, five severities each.

The first fifteen are those of D. Hendrycks and T. Dietterich, "Benchmarking Neural Network
Robustness to Common Corruptions and Perturbations" (ICLR 2019); the others are a robot's own.
Their numbers are not comparable with ImageNet-C: that one has pictures of 224 pixels, photographs
of frost and another warp.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from perception_nodes.robustness import blur, conditions, digital, noise, weather
from perception_nodes.structures import UNLABELLED

SEVERITIES = (1, 2, 3, 4, 5)
SUITE_VERSION = 3
"""Grows whenever a corruption gives other bytes: figures of two versions are not comparable."""


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """
    One way to spoil a picture.

    :param group: ``noise``, ``blur``, ``weather``, ``digital`` or ``robot``.
    :param spoil: (H, W, 3) uint8 RGB, severity 1..5 and random numbers to the spoilt picture;
        for one that moves pixels, (H, W) to the map of :class:`Corrupted`.
    :param moves: whether it moves pixels, and labels with them.
    """

    group: str
    spoil: Callable[..., np.ndarray]
    moves: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Corrupted:
    """
    A spoilt picture, and where its pixels came from.

    :param rgb: (H, W, 3) uint8.
    :param source_xy: (H, W, 2) float32 x, y in the clean picture; None: nothing has moved.
    """

    rgb: np.ndarray
    source_xy: np.ndarray | None = None

    def mask(self, class_ids: np.ndarray) -> np.ndarray:
        """Return (H, W) labels of the clean picture where they are now; 255 from outside."""
        if self.source_xy is None:
            return class_ids
        return cv2.remap(
            class_ids, *_axes(self.source_xy), cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT, borderValue=UNLABELLED,
        )  # fmt: skip


def _axes(source_xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps of x and y, as OpenCV takes them."""
    return np.ascontiguousarray(source_xy[..., 0]), np.ascontiguousarray(source_xy[..., 1])


CORRUPTIONS: dict[str, Corruption] = {
    'gaussian_noise': Corruption(group='noise', spoil=noise.gaussian_noise),
    'shot_noise': Corruption(group='noise', spoil=noise.shot_noise),
    'impulse_noise': Corruption(group='noise', spoil=noise.impulse_noise),
    'defocus_blur': Corruption(group='blur', spoil=blur.defocus_blur),
    'glass_blur': Corruption(group='blur', spoil=blur.glass_blur),
    'motion_blur': Corruption(group='blur', spoil=blur.motion_blur),
    'zoom_blur': Corruption(group='blur', spoil=blur.zoom_blur),
    'snow': Corruption(group='weather', spoil=weather.snow),
    'frost': Corruption(group='weather', spoil=weather.frost),
    'fog': Corruption(group='weather', spoil=weather.fog),
    'brightness': Corruption(group='digital', spoil=digital.brightness),
    'contrast': Corruption(group='digital', spoil=digital.contrast),
    'elastic': Corruption(group='digital', spoil=digital.elastic_map, moves=True),
    'pixelate': Corruption(group='digital', spoil=digital.pixelate),
    'jpeg': Corruption(group='digital', spoil=digital.jpeg_compression),
    'night': Corruption(group='robot', spoil=conditions.night),
    'glare': Corruption(group='robot', spoil=conditions.glare),
    'rain': Corruption(group='robot', spoil=conditions.rain),
    'distance_fog': Corruption(group='robot', spoil=conditions.distance_fog),
    'lens_dirt': Corruption(group='robot', spoil=conditions.lens_dirt),
}


def corrupt(
    rgb: np.ndarray, name: str, severity: int, *, picture: str, seed: int = 0
) -> Corrupted:
    """
    Return a picture spoilt in one way; the same arguments give the same bytes.

    The severities of a picture share their random numbers: it gets worse, not different.

    :param rgb: (H, W, 3) uint8; it is not changed.
    :param name: of :data:`CORRUPTIONS`.
    :param severity: 1 to 5.
    :param picture: name of the picture, so that each one gets random numbers of its own.
    :raises ValueError: for a name or a severity that does not exist, naming those that do.
    """
    check_choice([name], [severity])
    rng = np.random.default_rng([seed, zlib.crc32(picture.encode()), zlib.crc32(name.encode())])
    corruption = CORRUPTIONS[name]
    rgb = np.ascontiguousarray(rgb)
    if not corruption.moves:
        return Corrupted(rgb=corruption.spoil(rgb, severity, rng))
    source_xy = corruption.spoil(rgb.shape[:2], severity, rng)
    moved = cv2.remap(rgb, *_axes(source_xy), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return Corrupted(rgb=moved, source_xy=source_xy)


def check_choice(names: Sequence[str], severities: Sequence[int]) -> None:
    """Raise ``ValueError`` for a corruption or severity that does not exist."""
    for name in names:
        if name not in CORRUPTIONS:
            raise ValueError(f'corruption {name!r} must be one of {", ".join(CORRUPTIONS)}')
    for severity in severities:
        if severity not in SEVERITIES:
            raise ValueError(f'severity {severity!r} must be one of 1 to {SEVERITIES[-1]}')
