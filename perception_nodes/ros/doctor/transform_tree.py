"""
Whether a transform could be had at a stamp, judged from the recorded edges alone.

This asks less than a tf2 buffer (no matrices) and more (how long a consumer would have had to
wait), which is why it works on samples with their arrival times.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from perception_nodes.ros.doctor.snapshot import TransformSample

# Cache length of tf2_ros::Buffer unless a node asks for another.
CACHE_S = 10.0
# How long consumers wait for a transform that is on its way; more than this is a lost frame.
PATIENCE_S = 0.5


class Missing(Enum):
    """Why a transform cannot be had."""

    FRAME_UNKNOWN = 'frame unknown'
    NOT_CONNECTED = 'no connection'
    TOO_NEW = 'image newer than the transform'
    TOO_OLD = 'image older than the transform buffer'


@dataclass
class Edge:
    """All samples of one parent-child pair, in the order of arrival."""

    parent: str
    child: str
    is_static: bool
    stamps_s: list[float] = field(default_factory=list)
    received_s: list[float] = field(default_factory=list)

    def wait_s(self, stamp_s: float, from_s: float) -> float | None:
        """Return how long after ``from_s`` the edge first covered the stamp; None: never."""
        for stamp, received in zip(self.stamps_s, self.received_s, strict=True):
            if stamp >= stamp_s:
                return max(0.0, received - from_s)
        return None

    def lag_s(self, stamp_s: float, at_s: float) -> float:
        """Return by how much the stamp is newer than the newest sample received at a time."""
        index = bisect_left(self.received_s, at_s)
        return stamp_s - max(self.stamps_s[: max(index, 1)])


class TransformTree:
    """The recorded edges, keyed by child frame."""

    def __init__(self, samples: Iterable[TransformSample]) -> None:
        self.edges: dict[str, Edge] = {}
        for sample in sorted(samples, key=lambda item: item.received_s):
            edge = self.edges.get(sample.child)
            if edge is None or edge.parent != sample.parent:
                edge = Edge(sample.parent, sample.child, sample.is_static)
                self.edges[sample.child] = edge
            edge.stamps_s.append(sample.stamp_s)
            edge.received_s.append(sample.received_s)

    @property
    def frames(self) -> set[str]:
        """All frames that are named by an edge."""
        return set(self.edges) | {edge.parent for edge in self.edges.values()}

    def chain(self, frame: str) -> list[Edge]:
        """Return the edges from a frame up to its root; a loop ends the chain."""
        edges: list[Edge] = []
        while frame in self.edges and self.edges[frame] not in edges:
            edges.append(self.edges[frame])
            frame = edges[-1].parent
        return edges

    def root(self, frame: str) -> str:
        """Return the frame at the top of a frame's tree."""
        edges = self.chain(frame)
        return edges[-1].parent if edges else frame

    def path(self, target: str, source: str) -> list[Edge] | None:
        """Return the edges between two frames, None when they are in different trees."""
        if self.root(target) != self.root(source):
            return None
        up, down = self.chain(source), self.chain(target)
        return [e for e in up if e not in down] + [e for e in down if e not in up]

    def missing_frames(self, target: str, source: str) -> Missing | None:
        """Tell whether two frames can be connected at any time."""
        if source not in self.frames or target not in self.frames:
            return Missing.FRAME_UNKNOWN
        return Missing.NOT_CONNECTED if self.path(target, source) is None else None

    def missing_at(self, edge: Edge, stamp_s: float, received_s: float) -> Missing | None:
        """
        Tell whether one edge covered a stamp in time.

        Stamps from before the recording began cannot be judged by absence: they count as too
        old only when any buffer of the usual length would have dropped them.
        """
        if edge.is_static or received_s < edge.received_s[0]:
            return None
        if -edge.lag_s(stamp_s, received_s) > CACHE_S:
            return Missing.TOO_OLD
        wait_s = edge.wait_s(stamp_s, received_s)
        return Missing.TOO_NEW if wait_s is None or wait_s > PATIENCE_S else None
