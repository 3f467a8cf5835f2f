"""Pictures into files, or an error that names the file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

JPEG_QUALITY = 95


def write_picture(path: Path, pixels: np.ndarray, *, jpeg_quality: int = JPEG_QUALITY) -> None:
    """
    Write a JPEG or PNG, as the suffix says; folders are made.

    :param pixels: (H, W, 3) uint8 BGR, or (H, W) uint8 or, as PNG alone, uint16.
    :param jpeg_quality: 1..100.
    :raises OSError: when it cannot be written; OpenCV alone would say nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_jpeg = path.suffix.lower() in ('.jpg', '.jpeg')
    options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if is_jpeg else []
    if not cv2.imwrite(str(path), np.ascontiguousarray(pixels), options):
        raise OSError(f'cannot write {path}; is the disk full, or the folder write-protected?')
