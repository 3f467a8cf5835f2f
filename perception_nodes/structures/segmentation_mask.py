"""The hub value type of segmentation: a class for every pixel, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNLABELLED = 255
"""Value of mask pixels about which nothing is said: unknown, never free."""
MAX_CLASSES = 255
"""Numbers that a mask can hold beside :data:`UNLABELLED`."""


@dataclass(frozen=True, eq=False)
class SegmentationMask:
    """
    Classes of all pixels of one picture, at the size of the source image.

    :param class_ids: (H, W) uint8, index into the class names; 255 is unlabelled.
    :param confidence: (H, W) uint8, probability of the class as round(255 · p), as Nav2's
        semantic segmentation layer reads it; 0 where unlabelled. None: the model gives none.
    """

    class_ids: np.ndarray
    confidence: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuse anything but two uint8 pictures of one size."""
        shape, dtype = self.class_ids.shape, self.class_ids.dtype
        if len(shape) != 2 or 0 in shape or dtype != np.uint8:
            raise ValueError(
                f'SegmentationMask.class_ids must be (H, W) uint8, got {shape} {dtype}'
            )
        if self.confidence is None:
            return
        if self.confidence.shape != shape or self.confidence.dtype != np.uint8:
            raise ValueError(
                f'SegmentationMask.confidence must be {shape} uint8, got '
                f'{self.confidence.shape} {self.confidence.dtype}'
            )

    @classmethod
    def unlabelled(cls, size_wh: tuple[int, int]) -> SegmentationMask:
        """Return the value that says: looked, and know nothing."""
        shape = size_wh[1], size_wh[0]
        return cls(np.full(shape, UNLABELLED, np.uint8), np.zeros(shape, np.uint8))

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.class_ids.shape[1], self.class_ids.shape[0]

    @property
    def certainty(self) -> np.ndarray:
        """The confidence; without one, 255 wherever a class is named."""
        if self.confidence is not None:
            return self.confidence
        return np.where(self.class_ids == UNLABELLED, 0, 255).astype(np.uint8)

    def placed(self, offset_xy: tuple[int, int], size_wh: tuple[int, int]) -> SegmentationMask:
        """
        Return this mask of a region inside a picture that is unlabelled everywhere else.

        :param offset_xy: pixel of the region's top left corner.
        :param size_wh: of the whole picture, in which the region must lie.
        """
        whole = SegmentationMask.unlabelled(size_wh)
        (x, y), (width, height) = offset_xy, self.size_wh
        inside = np.s_[y : y + height, x : x + width]
        whole.class_ids[inside] = self.class_ids
        if self.confidence is None or whole.confidence is None:
            return SegmentationMask(whole.class_ids)
        whole.confidence[inside] = self.confidence
        return whole
