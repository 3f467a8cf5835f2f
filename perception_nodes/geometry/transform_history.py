"""The recent poses of one frame in its parent."""

from __future__ import annotations

from bisect import bisect_left

from perception_nodes.geometry.rigid_transform import RigidTransform


class TransformHistory:
    """
    Stamped transforms of one edge, in the order of their stamps.

    :param parent: frame that the transforms lead to.
    :param cache_ns: how far back from the newest stamp transforms are kept.
    """

    def __init__(self, parent: str, cache_ns: int) -> None:
        self.parent = parent
        self._cache_ns = cache_ns
        self._stamps_ns: list[int] = []
        self._transforms: list[RigidTransform] = []

    @property
    def oldest_ns(self) -> int:
        """Stamp of the first transform that is kept."""
        return self._stamps_ns[0]

    @property
    def newest_ns(self) -> int:
        """Stamp of the last transform."""
        return self._stamps_ns[-1]

    def is_before_cache(self, stamp_ns: int) -> bool:
        """Tell whether a transform of this stamp would be dropped at once."""
        return bool(self._stamps_ns) and stamp_ns < self.newest_ns - self._cache_ns

    def add(self, stamp_ns: int, transform: RigidTransform) -> bool:
        """Keep a transform; False when its stamp is there already or too old."""
        index = bisect_left(self._stamps_ns, stamp_ns)
        is_known = index < len(self._stamps_ns) and self._stamps_ns[index] == stamp_ns
        if is_known or self.is_before_cache(stamp_ns):
            return False
        self._stamps_ns.insert(index, stamp_ns)
        self._transforms.insert(index, transform)
        dropped = bisect_left(self._stamps_ns, self.newest_ns - self._cache_ns)
        del self._stamps_ns[:dropped], self._transforms[:dropped]
        return True

    def covers(self, stamp_ns: int) -> bool:
        """Tell whether a stamp lies between the oldest and the newest transform."""
        return self.oldest_ns <= stamp_ns <= self.newest_ns

    def at(self, stamp_ns: int) -> RigidTransform:
        """Return the transform at a stamp that is covered, interpolated between neighbours."""
        later = bisect_left(self._stamps_ns, stamp_ns)
        if self._stamps_ns[later] == stamp_ns:
            return self._transforms[later]
        before_ns, after_ns = self._stamps_ns[later - 1], self._stamps_ns[later]
        fraction = (stamp_ns - before_ns) / (after_ns - before_ns)
        return self._transforms[later - 1].interpolated(self._transforms[later], fraction)
