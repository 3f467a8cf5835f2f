"""Which calibration holds for a picture: the latest one at or before its stamp."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from perception_nodes.geometry.camera_model import CameraModel

JUMP_BACK_NS = 1_000_000_000
"""A stamp this far before the newest one is a clock that was set back; less is reordering."""
KEPT = 64


class CalibrationHistory:
    """
    Calibrations by the stamp from which on they hold.

    Equal ones in a row are kept once, with the first stamp, so that a camera that never changes
    costs nothing. A broken one counts, too: what it says is raised for the pictures after it.

    :ivar changes: how often the calibration has changed.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._forget()

    def _forget(self) -> None:
        self._stamps_ns: list[int] = []
        self._found: list[CameraModel | ValueError] = []
        self._keys: list[object] = []
        self._newest_ns: int | None = None

    def add(self, stamp_ns: int, key: object, make: Callable[[], CameraModel]) -> None:
        """
        Take a calibration.

        :param key: equal for equal calibrations; nothing is made for one that is there already.
        :param make: returns the camera, or raises ``ValueError`` for a broken calibration.
        """
        if self._newest_ns is not None and stamp_ns < self._newest_ns - JUMP_BACK_NS:
            self._forget()
        self._newest_ns = max(stamp_ns, self._newest_ns or stamp_ns)
        index = bisect_right(self._stamps_ns, stamp_ns)
        if index and self._keys[index - 1] == key:
            return
        if index < len(self._keys) and self._keys[index] == key:
            self._stamps_ns[index] = stamp_ns
            return
        found: CameraModel | ValueError
        try:
            found = make()
        except ValueError as error:
            found = error
        self.changes += bool(self._keys)
        self._stamps_ns.insert(index, stamp_ns)
        self._found.insert(index, found)
        self._keys.insert(index, key)
        del self._stamps_ns[:-KEPT], self._found[:-KEPT], self._keys[:-KEPT]

    def at(self, stamp_ns: int) -> CameraModel | None:
        """
        Return the camera at a stamp, None when nothing is known for it yet.

        :raises ValueError: what is wrong with the calibration that holds then.
        """
        index = bisect_right(self._stamps_ns, stamp_ns)
        if not index:
            return None
        found = self._found[index - 1]
        if isinstance(found, ValueError):
            raise found
        return found
