"""What files and cameras read by OpenCV have in common."""

from __future__ import annotations

import cv2

from perception_nodes.imaging.encodings import check_size


class Capture:
    """
    An opened ``cv2.VideoCapture`` that checks sizes before pictures are decoded.

    :param target: path, URL or device number.
    :param max_pixels: larger pictures are refused.
    :raises OSError: when OpenCV cannot open the target.
    :raises ImageError: when the pictures are too large.
    """

    def __init__(self, target: str | int, max_pixels: int) -> None:
        self._capture = cv2.VideoCapture(target)
        if not self._capture.isOpened():
            raise OSError(f'OpenCV cannot open {target!r}')
        # Turned pictures of telephones come out upright by default; sizes are those announced.
        self.size_wh = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        try:
            check_size(self.size_wh[1], self.size_wh[0], max_pixels)
        except ValueError:
            self.close()
            raise

    @property
    def rate_hz(self) -> float:
        """Frames per second as announced, 0 when unknown."""
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        return rate_hz if 0 < rate_hz < 1e4 else 0.0

    @property
    def length(self) -> int | None:
        """Number of frames as announced, None when unknown."""
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        return count if count > 0 else None

    @property
    def position_ns(self) -> int:
        """Presentation time of the frame that was read last."""
        return round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)

    def read(self) -> cv2.typing.MatLike | None:
        """Return the next picture as (H, W, 3) uint8 BGR, None at the end."""
        found, pixels = self._capture.read()
        return pixels if found else None

    def close(self) -> None:
        """Release the file or the device."""
        self._capture.release()
