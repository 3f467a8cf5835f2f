"""
What was seen of a graph in a few seconds, as plain data.

Times are seconds as float64 (better than a microsecond until the year 2100): ``received_s`` and
``source_s`` on the wall clock, ``stamp_s`` on whatever clock the publisher used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
POINT_CLOUD = 'sensor_msgs/msg/PointCloud2'
DETECTIONS_2D = 'vision_msgs/msg/Detection2DArray'
DETECTIONS_3D = 'vision_msgs/msg/Detection3DArray'
PICTURES = frozenset({IMAGE, COMPRESSED})
DETECTIONS = frozenset({DETECTIONS_2D, DETECTIONS_3D})
PERCEPTION_TYPES = PICTURES | DETECTIONS | {CAMERA_INFO, POINT_CLOUD}

NATIVE_ENCODINGS = frozenset(
    {'rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', 'mono16', '16UC1', '32FC1'}
)


class Lifecycle(str, Enum):
    """State of a lifecycle node, or why it is not known."""

    UNMANAGED = 'unmanaged'
    UNCONFIGURED = 'unconfigured'
    INACTIVE = 'inactive'
    ACTIVE = 'active'
    FINALIZED = 'finalized'
    TRANSITION = 'transition'
    NO_ANSWER = 'no answer'


@dataclass(frozen=True, kw_only=True)
class Qos:
    """
    The policies that decide whether two endpoints match.

    :param deadline_s: None when infinite.
    :param lease_s: liveliness lease duration, None when infinite.
    """

    reliable: bool = True
    transient_local: bool = False
    deadline_s: float | None = None
    manual_liveliness: bool = False
    lease_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """
    One publisher or subscription.

    :param node: fully qualified node name.
    :param process_id: process on this host, None when elsewhere or unknown.
    :param is_local: runs on this host.
    """

    topic: str
    type_name: str
    node: str
    qos: Qos = field(default_factory=Qos)
    process_id: int | None = None
    is_local: bool = True


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """A node with what its services told; ``use_sim_time`` is None without an answer."""

    name: str
    lifecycle: Lifecycle = Lifecycle.UNMANAGED
    use_sim_time: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ProcessState:
    """
    A process on this host that takes part in a graph.

    :param environment: None when it belongs to somebody else.
    :param segment_bytes: shared-memory segment its transport profile asks for, None without one.
    """

    process_id: int
    command: str = ''
    environment: Mapping[str, str] | None = None
    segment_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sample:
    """
    One received message, without its payload.

    :param clock_s: newest ``/clock`` value when it arrived, None without one.
    :param sequence: the publisher's message number, None when the RMW tells none.
    :param size_bytes: payload; of a camera_info: what a colour image of its size takes.
    :param encoding: ``encoding`` of an Image, ``format`` of a CompressedImage.
    :param count: number of detections.
    """

    received_s: float
    stamp_s: float
    source_s: float | None = None
    clock_s: float | None = None
    frame_id: str = ''
    sequence: int | None = None
    size_bytes: int = 0
    encoding: str = ''
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class Stream:
    """
    A topic the doctor listened to.

    :param reliable: how it asked.
    :param since_s: when it began, on the wall clock.
    """

    topic: str
    type_name: str
    samples: tuple[Sample, ...] = ()
    reliable: bool = True
    since_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TransformSample:
    """One edge of the transform tree as it was received."""

    parent: str
    child: str
    stamp_s: float = 0.0
    received_s: float = 0.0
    is_static: bool = False


@dataclass(frozen=True, kw_only=True)
class ClockSample:
    """One message of ``/clock``."""

    received_s: float
    clock_s: float


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Newest ``/diagnostics`` status of one name; level 0 OK, 1 warning, 2 error, 3 stale."""

    name: str
    level: int
    message: str = ''
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DomainView:
    """What another ROS domain holds: topic name to type, published and subscribed."""

    domain_id: int
    nodes: tuple[str, ...] = ()
    published: Mapping[str, str] = field(default_factory=dict)
    subscribed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GraphSnapshot:
    """
    Everything the checks look at.

    :param started_s: beginning of the observation on the wall clock.
    :param target_frames: frames an image must be connected to where they exist.
    :param has_cv_bridge: cv_bridge is importable here, so that more encodings convert.
    """

    started_s: float = 0.0
    ended_s: float = 0.0
    domain_id: int = 0
    nodes: tuple[NodeState, ...] = ()
    publishers: tuple[Endpoint, ...] = ()
    subscriptions: tuple[Endpoint, ...] = ()
    streams: tuple[Stream, ...] = ()
    clock: tuple[ClockSample, ...] = ()
    transforms: tuple[TransformSample, ...] = ()
    diagnostics: tuple[Diagnosis, ...] = ()
    processes: tuple[ProcessState, ...] = ()
    other_domains: tuple[DomainView, ...] = ()
    target_frames: tuple[str, ...] = ('base_link', 'odom')
    native_encodings: frozenset[str] = NATIVE_ENCODINGS
    has_cv_bridge: bool = False

    def publishers_of(self, topic: str) -> tuple[Endpoint, ...]:
        """Return the publishers of a topic."""
        return tuple(endpoint for endpoint in self.publishers if endpoint.topic == topic)

    def subscriptions_of(self, topic: str) -> tuple[Endpoint, ...]:
        """Return the subscriptions of a topic."""
        return tuple(endpoint for endpoint in self.subscriptions if endpoint.topic == topic)

    def streams_of(self, types: frozenset[str]) -> Iterator[Stream]:
        """Yield the streams of the given message types that delivered something."""
        return (item for item in self.streams if item.type_name in types and item.samples)

    def process_of(self, endpoint: Endpoint) -> ProcessState | None:
        """Return the process behind an endpoint when it is known."""
        matching = (item for item in self.processes if item.process_id == endpoint.process_id)
        return next(matching, None)

    def node(self, name: str) -> NodeState:
        """Return a node's state; an unknown one is unmanaged."""
        found = (item for item in self.nodes if item.name == name)
        return next(found, NodeState(name=name))

    @property
    def starved(self) -> tuple[Endpoint, ...]:
        """Subscriptions to perception data that nobody publishes."""
        published = {endpoint.topic for endpoint in self.publishers}
        return tuple(
            endpoint
            for endpoint in self.subscriptions
            if endpoint.type_name in PERCEPTION_TYPES and endpoint.topic not in published
        )
