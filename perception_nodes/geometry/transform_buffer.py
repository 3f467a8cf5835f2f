"""The transform tree over time, without ROS: what ``/tf`` and ``/tf_static`` said."""

from __future__ import annotations

from enum import Enum
from functools import reduce

from perception_nodes.geometry.frame_tree import FramePath, chain_to_root, frames_of, path_between
from perception_nodes.geometry.rigid_transform import RigidTransform
from perception_nodes.geometry.transform_history import TransformHistory

CACHE_NS = 10_000_000_000
"""Cache length of tf2's BufferCore."""
JUMP_BACK_NS = 1_000_000_000
"""A clock that goes back this far was reset; less is jitter between publishers of a clock."""
LISTED_FRAMES = 12


class MissingTransform(str, Enum):
    """Why a transform cannot be had."""

    UNKNOWN_FRAME = 'unknown frame'
    NOT_CONNECTED = 'not connected'
    TOO_NEW = 'newer than the transforms'
    TOO_OLD = 'older than the transforms'


class TransformUnavailableError(LookupError):
    """
    A transform that cannot be had, what is missing for it and since when.

    :ivar reason: why.
    :ivar target: frame the points should go to.
    :ivar source: frame they are in.
    :ivar stamp_ns: the time asked for; None for the latest.
    :ivar edge: (parent, child) of the transform that does not reach to the stamp, else None.
    :ivar available_ns: oldest and newest stamp of that edge, else None.
    """

    def __init__(
        self,
        reason: MissingTransform,
        target: str,
        source: str,
        stamp_ns: int | None,
        detail: str,
        *,
        edge: tuple[str, str] | None = None,
        available_ns: tuple[int, int] | None = None,
    ) -> None:
        when = 'latest' if stamp_ns is None else f'{_seconds(stamp_ns)} s'
        super().__init__(f'no transform {target} ← {source} at {when}: {detail}')
        self.reason = reason
        self.target = target
        self.source = source
        self.stamp_ns = stamp_ns
        self.edge = edge
        self.available_ns = available_ns

    @property
    def may_come(self) -> bool:
        """Whether waiting can help: false only for a stamp that has left the cache."""
        return self.reason is not MissingTransform.TOO_OLD


class TransformBuffer:
    """
    Stamped and static transforms, looked up at the time of a picture.

    Behaves as tf2's ``BufferCore`` (a conformance table in the tests runs against both), with
    two differences. A transform that is older than everything kept for its edge means that time
    was set back, so the buffer forgets the stamped transforms instead of ignoring the new one
    (tf2's ``TF_OLD_DATA``). And a frame that gets another parent loses its history.

    Time is always an argument. Not thread safe: call it from one thread.

    :param cache_ns: how far back from its newest transform each edge is kept.
    """

    def __init__(self, cache_ns: int = CACHE_NS) -> None:
        if cache_ns < 0:
            raise ValueError(f'cache_ns must not be negative, got {cache_ns}')
        self._cache_ns = cache_ns
        self._static: dict[str, RigidTransform] = {}
        self._histories: dict[str, TransformHistory] = {}
        self._parents: dict[str, str] = {}
        self._now_ns: int | None = None
        self.resets = 0

    @property
    def frames(self) -> set[str]:
        """Every frame that a transform named."""
        return frames_of(self._parents)

    def add(
        self, parent: str, child: str, parent_from_child: RigidTransform, stamp_ns: int
    ) -> bool:
        """
        Take a stamped transform.

        :returns: False when the stamp was there already and the first one was kept.
        :raises ValueError: for empty or equal frame names.
        """
        parent, child = _checked_names(parent, child)
        history = self._histories.get(child)
        if history is not None and history.is_before_cache(stamp_ns):
            self.reset()
            history = None
        if history is None or history.parent != parent:
            history = TransformHistory(parent, self._cache_ns)
            self._histories[child] = history
        self._static.pop(child, None)
        self._parents[child] = parent
        return history.add(stamp_ns, parent_from_child)

    def add_static(self, parent: str, child: str, parent_from_child: RigidTransform) -> None:
        """
        Take a transform that holds at all times; a newer one takes its place.

        :raises ValueError: for empty or equal frame names.
        """
        parent, child = _checked_names(parent, child)
        self._histories.pop(child, None)
        self._static[child] = parent_from_child
        self._parents[child] = parent

    def observe_clock(self, now_ns: int) -> bool:
        """
        Note the time; forget stamped transforms when it went back, as ``tf2_ros`` does.

        :returns: whether the clock was set back.
        """
        is_back = self._now_ns is not None and now_ns < self._now_ns - JUMP_BACK_NS
        if is_back:
            self.reset()
        if is_back or self._now_ns is None or now_ns > self._now_ns:
            self._now_ns = now_ns
        return is_back

    def reset(self) -> None:
        """Forget everything stamped; static transforms stay."""
        for child in self._histories:
            del self._parents[child]
        self._histories.clear()
        self.resets += 1

    def lookup(self, target: str, source: str, stamp_ns: int | None = None) -> RigidTransform:
        """
        Return ``target_from_source`` at a time.

        :param stamp_ns: time of the points, usually the stamp of the picture. None: the latest
            time at which every transform on the way is known.
        :raises TransformUnavailableError: saying what is missing and since when.
        """
        target, source = _plain(target), _plain(source)
        path = self._path(target, source, stamp_ns)
        if stamp_ns is None:
            stamp_ns = self._latest_common_ns(path)
        for child in path.edges:
            self._check_covered(child, target, source, stamp_ns)
        common_from_source = self._product(path.up, stamp_ns)
        common_from_target = self._product(tuple(reversed(path.down)), stamp_ns)
        return common_from_target.inverse() @ common_from_source

    def _path(self, target: str, source: str, stamp_ns: int | None) -> FramePath:
        """Return the walk between two frames or say why there is none."""
        if target == source:
            return FramePath((), ())
        frames = self.frames
        unknown = [frame for frame in (target, source) if frame not in frames]
        if unknown:
            names = ' and '.join(repr(frame) for frame in unknown)
            since = 'since time was set back' if self.resets else 'so far'
            raise TransformUnavailableError(
                MissingTransform.UNKNOWN_FRAME, target, source, stamp_ns,
                f'nothing has come about {names} {since}; {_list_frames(frames)}',
            )  # fmt: skip
        tops = [chain_to_root(self._parents, frame)[-1] for frame in (target, source)]
        looping = [top for top in tops if top in self._parents]
        if looping:
            raise TransformUnavailableError(
                MissingTransform.NOT_CONNECTED, target, source, stamp_ns,
                f'the transforms run in a circle at {looping[0]!r} and '
                f'{self._parents[looping[0]]!r}: two publishers disagree about the parent',
            )  # fmt: skip
        path = path_between(self._parents, target, source)
        if path is None:
            raise TransformUnavailableError(
                MissingTransform.NOT_CONNECTED, target, source, stamp_ns,
                f'{target!r} is below {tops[0]!r} and {source!r} below {tops[1]!r}, and no '
                'transform connects the two; start what publishes it',
            )  # fmt: skip
        return path

    def _latest_common_ns(self, path: FramePath) -> int:
        """Return the newest stamp that every edge has reached; any when all are static."""
        stamped = [self._histories[c].newest_ns for c in path.edges if c in self._histories]
        return min(stamped, default=0)

    def _check_covered(self, child: str, target: str, source: str, stamp_ns: int) -> None:
        history = self._histories.get(child)
        if history is None or history.covers(stamp_ns):
            return
        edge = f'{history.parent} ← {child}'
        if stamp_ns > history.newest_ns:
            reason = MissingTransform.TOO_NEW
            behind_s = (stamp_ns - history.newest_ns) * 1e-9
            detail = (
                f'{edge} was last stamped {_seconds(history.newest_ns)} s, {behind_s:.3f} s '
                'earlier; wait for it, and check that its publisher runs on the same clock'
            )
        else:
            reason = MissingTransform.TOO_OLD
            early_s = (history.oldest_ns - stamp_ns) * 1e-9
            detail = (
                f'{edge} is kept only from {_seconds(history.oldest_ns)} s on, {early_s:.3f} s '
                'later; the picture is late, or its clock is another one'
            )
        raise TransformUnavailableError(
            reason, target, source, stamp_ns, detail,
            edge=(history.parent, child), available_ns=(history.oldest_ns, history.newest_ns),
        )  # fmt: skip

    def _product(self, children: tuple[str, ...], stamp_ns: int) -> RigidTransform:
        """Return ancestor_from_first for a chain of children from the bottom up."""
        steps = [self._at(child, stamp_ns) for child in children]
        return reduce(lambda below, above: above @ below, steps, RigidTransform())

    def _at(self, child: str, stamp_ns: int) -> RigidTransform:
        static = self._static.get(child)
        return static if static is not None else self._histories[child].at(stamp_ns)


def _plain(frame: str) -> str:
    """Drop the leading slash that ROS 1 names had, as tf2 demands."""
    return frame.removeprefix('/')


def _checked_names(parent: str, child: str) -> tuple[str, str]:
    parent, child = _plain(parent), _plain(child)
    if not parent or not child or parent == child:
        raise ValueError(
            f'a transform needs two different frame names, got parent {parent!r}, child {child!r}'
        )
    return parent, child


def _seconds(stamp_ns: int) -> str:
    """Return seconds with milliseconds, exact also for stamps since 1970."""
    return f'{stamp_ns // 1_000_000_000}.{stamp_ns % 1_000_000_000 // 1_000_000:03d}'


def _list_frames(frames: set[str]) -> str:
    if not frames:
        return 'no transform at all has come: check that /tf and /tf_static are published'
    listed = sorted(frames)[:LISTED_FRAMES]
    more = ', …' if len(frames) > LISTED_FRAMES else ''
    return f'known frames: {", ".join(listed)}{more}'
