"""The demo's ear on the graph: records everything and knows how far the run has come."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from perception_suite.msg import FrameTiming
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from vision_msgs.msg import Detection2DArray

from perception_nodes.ros.recorder import RecordedTopic, TopicRecorder
from perception_nodes.ros.recorder_bag import BagCounts
from perception_nodes.ros.recorder_view import ViewFeed, stamp_of
from perception_nodes.visualization.live import LiveView

_DETECTOR = 'detection_node'
_IMAGE = 'camera/image_raw'
_TRUTH = 'camera/ground_truth/detections'
_FOUND = f'{_DETECTOR}/detections'
_LABELS = f'{_DETECTOR}/label_info'
_TIMING = f'{_DETECTOR}/timing'
_CLOCK = '/clock'
_DIAGNOSTICS = '/diagnostics'
_BOXES = 'vision_msgs/msg/Detection2DArray'
_TF = 'tf2_msgs/msg/TFMessage'
# Private topics are those of a node with its default name.
_TOPICS = (
    RecordedTopic(name=_IMAGE, type_name='sensor_msgs/msg/Image', as_jpeg=True),
    RecordedTopic(name='camera/camera_info', type_name='sensor_msgs/msg/CameraInfo'),
    RecordedTopic(name=_TRUTH, type_name=_BOXES),
    RecordedTopic(name=_FOUND, type_name=_BOXES),
    RecordedTopic(name=_LABELS, type_name='vision_msgs/msg/LabelInfo', latched=True),
    RecordedTopic(
        name=f'{_DETECTOR}/vision_info', type_name='vision_msgs/msg/VisionInfo', latched=True
    ),
    RecordedTopic(name=_TIMING, type_name='perception_suite/msg/FrameTiming'),
    RecordedTopic(name='odom', type_name='nav_msgs/msg/Odometry'),
    RecordedTopic(name=_CLOCK, type_name='rosgraph_msgs/msg/Clock'),
    RecordedTopic(name='/tf', type_name=_TF),
    RecordedTopic(name='/tf_static', type_name=_TF, latched=True),
    RecordedTopic(name=_DIAGNOSTICS, type_name='diagnostic_msgs/msg/DiagnosticArray'),
)
_TRANSITIONS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
}
_LATENCY_WINDOW = 100
_JOIN_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """
    How far the run has come.

    :param is_linked: the detector has discovered a publisher of its images.
    :param simulated_s: newest time on ``/clock``, relative to the first.
    :param clock_at_s: steady time at which ``/clock`` came last, 0 before the first.
    :param results: detection messages so far.
    :param objects: detections in the newest of them.
    :param node_ms: median of the detector's own time over the last results, 0 before the first.
    """

    is_linked: bool = False
    simulated_s: float = 0.0
    clock_at_s: float = 0.0
    results: int = 0
    objects: int = 0
    node_ms: float = 0.0


class DemoRecorder:
    """
    Records simulator and detector; spins a node of its own in a thread of its own.

    :param bag: folder of the bag, which must not exist.
    :param view: shows the pictures live, None for no view.
    """

    def __init__(self, bag: Path, view: LiveView | None = None) -> None:
        self._lock = threading.Lock()
        self._progress = RunProgress()
        self._first_clock_ns: int | None = None
        self._node_ms: deque[float] = deque(maxlen=_LATENCY_WINDOW)
        self._feed = None if view is None else ViewFeed(view)
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('demo_recorder', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._recorder = TopicRecorder(self._node, bag, self._watched())
        self._counts: BagCounts | None = None
        self._thread = threading.Thread(target=self._spin, name='demo_recorder', daemon=True)
        self._thread.start()

    @property
    def progress(self) -> RunProgress:
        """A consistent snapshot."""
        with self._lock:
            return self._progress

    @property
    def view_errors(self) -> list[str]:
        """What the live view could not show, and why; empty when all is well."""
        return [] if self._feed is None else self._feed.errors

    def change_state(self, node: str, transition: str) -> Callable[[], bool | None]:
        """
        Ask a lifecycle node for a transition, once it can be asked.

        :param transition: ``configure`` or ``activate``.
        :returns: to be polled; None until there is an answer, then whether it succeeded.
        """
        client = self._node.create_client(ChangeState, f'{node}/change_state')
        request = ChangeState.Request(transition=Transition(id=_TRANSITIONS[transition]))
        asked: list[Future] = []

        def outcome() -> bool | None:
            if not asked and client.service_is_ready():
                asked.append(client.call_async(request))
            return asked[0].result().success if asked and asked[0].done() else None

        return outcome

    def close(self) -> BagCounts:
        """Stop listening, finish the bag and return its counts; may be called twice."""
        if self._counts is None:
            self._executor.shutdown(timeout_sec=_JOIN_TIMEOUT_S)
            self._thread.join(_JOIN_TIMEOUT_S)
            self._counts = self._recorder.close()
            if self._feed is not None:
                self._feed.close()
            self._node.destroy_node()
            self._context.try_shutdown()
        return self._counts

    def __enter__(self) -> DemoRecorder:
        """Return the recorder itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the bag, whatever happened."""
        self.close()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _watched(self) -> tuple[RecordedTopic, ...]:
        """Return what is recorded, with those who look at the messages on their way."""
        watchers: dict[str, list[Callable[[bytes], object]]] = {
            _FOUND: [self._on_found],
            _TIMING: [self._on_timing],
            _CLOCK: [self._on_clock],
            _DIAGNOSTICS: [self._on_diagnostics],
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
            if status.name.startswith(_DETECTOR) and publishers != '0':
                self._update(is_linked=True)

    def _on_clock(self, data: bytes) -> None:
        now_ns = stamp_of(data)
        if self._first_clock_ns is None:
            self._first_clock_ns = now_ns
        simulated_s = (now_ns - self._first_clock_ns) / 1e9
        self._update(simulated_s=simulated_s, clock_at_s=time.monotonic())

    def _on_found(self, data: bytes) -> None:
        objects = len(deserialize_message(data, Detection2DArray).detections)
        self._update(results=self.progress.results + 1, objects=objects)

    def _on_timing(self, data: bytes) -> None:
        self._node_ms.append(deserialize_message(data, FrameTiming).total_s * 1e3)
        middle = sorted(self._node_ms)[len(self._node_ms) // 2]
        self._update(node_ms=middle)


def _all_of(watchers: Sequence[Callable[[bytes], object]]) -> Callable[[bytes], None]:
    def watch(data: bytes) -> None:
        for watcher in watchers:
            watcher(data)

    return watch
