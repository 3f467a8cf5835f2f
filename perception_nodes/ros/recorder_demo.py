"""The demo's ear on the graph: records everything and knows how far the run has come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from perception_suite.msg import PathFollowingStatus
from rclpy.serialization import deserialize_message
from vision_msgs.msg import Detection2DArray

from perception_nodes.driving.supervisor import DriveState
from perception_nodes.ros.recorder import RecordedTopic
from perception_nodes.ros.recorder_bag import BagCounts
from perception_nodes.ros.recorder_graph import GraphRecorder
from perception_nodes.ros.recorder_view import ViewFeed, stamp_of
from perception_nodes.visualization.live import LiveView

_DETECTOR, _SEGMENTER = 'detection_node', 'segmentation_node'
_FOLLOWER, _MAP = 'path_following_node', 'semantic_map_node'
_IMAGE = 'camera/image_raw'
_TRUTH = 'camera/ground_truth/detections'
_FOUND = f'{_DETECTOR}/detections'
_LABELS = f'{_DETECTOR}/label_info'
_TIMING = f'{_DETECTOR}/timing'
_STATUS = f'{_FOLLOWER}/status'
_TRUE_PLACE = 'ground_truth/odom'
_CLOCK = '/clock'
_DIAGNOSTICS = '/diagnostics'
_BOXES = 'vision_msgs/msg/Detection2DArray'
_TF = 'tf2_msgs/msg/TFMessage'
# Private topics are those of a node with its default name.
_TOPICS = (
    RecordedTopic(name=_IMAGE, type_name='sensor_msgs/msg/Image', codec='jpeg'),
    RecordedTopic(name='camera/camera_info', type_name='sensor_msgs/msg/CameraInfo'),
    RecordedTopic(name=_TRUTH, type_name=_BOXES),
    RecordedTopic(name=_FOUND, type_name=_BOXES),
    RecordedTopic(name=_LABELS, type_name='vision_msgs/msg/LabelInfo', latched=True),
    RecordedTopic(
        name=f'{_DETECTOR}/vision_info', type_name='vision_msgs/msg/VisionInfo', latched=True
    ),
    RecordedTopic(name=_TIMING, type_name='perception_suite/msg/FrameTiming'),
    RecordedTopic(name=f'{_SEGMENTER}/mask', type_name='sensor_msgs/msg/Image', codec='png'),
    RecordedTopic(
        name=f'{_SEGMENTER}/label_info', type_name='vision_msgs/msg/LabelInfo', latched=True
    ),
    RecordedTopic(name=f'{_SEGMENTER}/timing', type_name='perception_suite/msg/FrameTiming'),
    RecordedTopic(name=f'{_FOLLOWER}/path', type_name='nav_msgs/msg/Path'),
    RecordedTopic(name=f'{_FOLLOWER}/estimate', type_name='perception_suite/msg/PathEstimate'),
    RecordedTopic(name=_STATUS, type_name='perception_suite/msg/PathFollowingStatus'),
    # Grids are large; people look at one now and then.
    RecordedTopic(
        name=f'{_MAP}/occupancy', type_name='nav_msgs/msg/OccupancyGrid', latched=True, every_s=0.5
    ),
    RecordedTopic(name='cmd_vel', type_name='geometry_msgs/msg/TwistStamped'),
    RecordedTopic(name=_TRUE_PLACE, type_name='nav_msgs/msg/Odometry'),
    RecordedTopic(name='odom', type_name='nav_msgs/msg/Odometry'),
    RecordedTopic(name=_CLOCK, type_name='rosgraph_msgs/msg/Clock'),
    RecordedTopic(name='/tf', type_name=_TF),
    RecordedTopic(name='/tf_static', type_name=_TF, latched=True),
    RecordedTopic(name=_DIAGNOSTICS, type_name='diagnostic_msgs/msg/DiagnosticArray'),
)


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """
    How far the run has come.

    :param linked: nodes that have discovered a publisher of their pictures.
    :param simulated_s: newest time on ``/clock``, relative to the first.
    :param clock_at_s: steady time at which ``/clock`` came last, 0 before the first.
    :param objects: boxes in the newest detection message.
    :param place_xy: where the robot really is, in the world; None before it is known.
    :param doing: state of the path follower, and why it stands.
    """

    linked: frozenset[str] = frozenset()
    simulated_s: float = 0.0
    clock_at_s: float = 0.0
    objects: int = 0
    place_xy: tuple[float, float] | None = None
    doing: str = ''


class DemoRecorder(GraphRecorder):
    """
    Records simulator and nodes; spins a node of its own in a thread of its own.

    :param bag: folder of the bag, which must not exist.
    :param view: shows the pictures live, None for no view.
    """

    def __init__(self, bag: Path, view: LiveView | None = None) -> None:
        self._lock = threading.Lock()
        self._progress = RunProgress()
        self._first_clock_ns: int | None = None
        self._feed = None if view is None else ViewFeed(view)
        super().__init__('demo_recorder', bag, self._watched())

    @property
    def progress(self) -> RunProgress:
        """A consistent snapshot."""
        with self._lock:
            return self._progress

    @property
    def view_errors(self) -> list[str]:
        """What the live view could not show, and why; empty when all is well."""
        return [] if self._feed is None else self._feed.errors

    def close(self) -> BagCounts:
        """Stop listening, finish the bag and return its counts; may be called twice."""
        is_first = self._counts is None
        counts = super().close()
        if is_first and self._feed is not None:
            self._feed.close()
        return counts

    def _watched(self) -> tuple[RecordedTopic, ...]:
        """Return what is recorded, with those who look at the messages on their way."""
        watchers: dict[str, list[Callable[[bytes], object]]] = {
            _FOUND: [self._on_found],
            _CLOCK: [self._on_clock],
            _DIAGNOSTICS: [self._on_diagnostics],
            _TRUE_PLACE: [self._on_true_place],
            _STATUS: [self._on_status],
        }
        if self._feed is not None:
            for name, watcher in (
                (_IMAGE, self._feed.image),
                (_TRUTH, self._feed.truth),
                (_FOUND, self._feed.found),
                (_LABELS, self._feed.labels),
            ):
                watchers.setdefault(name, []).append(watcher)
        return tuple(
            replace(topic, watch=_all_of(watchers[topic.name]))
            if topic.name in watchers
            else topic
            for topic in _TOPICS
        )

    def _update(self, **values: object) -> None:
        with self._lock:
            self._progress = replace(self._progress, **values)  # type: ignore[arg-type]

    def _on_diagnostics(self, data: bytes) -> None:
        for status in deserialize_message(data, DiagnosticArray).status:
            publishers = {value.key: value.value for value in status.values}.get('publishers', '0')
            node = status.name.partition(':')[0].strip()
            if publishers != '0' and node not in self.progress.linked:
                self._update(linked=self.progress.linked | {node})

    def _on_clock(self, data: bytes) -> None:
        now_ns = stamp_of(data)
        if self._first_clock_ns is None:
            self._first_clock_ns = now_ns
        simulated_s = (now_ns - self._first_clock_ns) / 1e9
        self._update(simulated_s=simulated_s, clock_at_s=time.monotonic())

    def _on_found(self, data: bytes) -> None:
        self._update(objects=len(deserialize_message(data, Detection2DArray).detections))

    def _on_true_place(self, data: bytes) -> None:
        place = deserialize_message(data, Odometry).pose.pose.position
        self._update(place_xy=(place.x, place.y))

    def _on_status(self, data: bytes) -> None:
        status = deserialize_message(data, PathFollowingStatus)
        words = DriveState(status.state).name.lower()
        self._update(doing=f'{words}: {status.text}' if status.text else words)


def _all_of(watchers: Sequence[Callable[[bytes], object]]) -> Callable[[bytes], None]:
    def watch(data: bytes) -> None:
        for watcher in watchers:
            watcher(data)

    return watch
