"""The demo's ear on the graph: records everything and knows how far the run has come."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
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
from vision_msgs.msg import Detection2DArray, LabelInfo

from perception_nodes.ros.recorder import RecordedTopic, TopicRecorder
from perception_nodes.ros.recorder_bag import BagCounts
from perception_nodes.ros.recorder_view import ViewFeed, stamp_of
from perception_nodes.visualization.live import LiveView

_DETECTOR = 'detection_node'
_LATENCY_WINDOW = 100
_JOIN_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """
    How far the run has come.

    :param configured: the detector has announced its classes.
    :param is_linked: the detector has discovered a publisher of its images.
    :param simulated_s: newest time on ``/clock``, relative to the first.
    :param clock_at_s: steady time at which ``/clock`` came last, 0 before the first.
    :param results: detection messages so far.
    :param objects: detections in the newest of them.
    :param node_ms: median of the detector's own time over the last results, 0 before the first.
    """

    configured: bool = False
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
        self._recorder = TopicRecorder(self._node, bag, self._topics())
        self._counts: BagCounts | None = None
        self._thread = threading.Thread(target=self._spin, name='demo_recorder', daemon=True)
        self._thread.start()

    @property
    def progress(self) -> RunProgress:
        """A consistent snapshot."""
        with self._lock:
            return self._progress

    def change_state(self, node: str, transition: int) -> Callable[[], bool]:
        """
        Ask a lifecycle node for a transition, once it can be asked.

        :param transition: one of the constants of ``lifecycle_msgs/Transition``.
        :returns: to be polled; True when the transition is done, ``ValueError`` when refused.
        """
        client = self._node.create_client(ChangeState, f'{node}/change_state')
        request = ChangeState.Request(transition=Transition(id=transition))
        asked: list[Future] = []

        def is_done() -> bool:
            if not asked and client.service_is_ready():
                asked.append(client.call_async(request))
            if not asked or not asked[0].done():
                return False
            if not asked[0].result().success:
                raise ValueError(f'{node} refused lifecycle transition {transition}; see its log')
            return True

        return is_done

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

    def _topics(self) -> tuple[RecordedTopic, ...]:
        """Return what is recorded; private topics are those of the node's default name."""

        def topic(
            name: str,
            type_name: str,
            *watchers: Callable[[bytes], object],
            latched: bool = False,
            as_jpeg: bool = False,
        ) -> RecordedTopic:
            watch = _all_of(watchers) if watchers else None
            return RecordedTopic(
                name=name, type_name=type_name, latched=latched, as_jpeg=as_jpeg, watch=watch
            )

        feed = self._feed
        image, truth, found = (
            ((), (), ()) if feed is None else ((feed.image,), (feed.truth,), (feed.found,))
        )
        labels = (self._on_labels,) if feed is None else (self._on_labels, feed.labels)
        boxes = 'vision_msgs/msg/Detection2DArray'
        return (
            topic('camera/image_raw', 'sensor_msgs/msg/Image', *image, as_jpeg=True),
            topic('camera/camera_info', 'sensor_msgs/msg/CameraInfo'),
            topic('camera/ground_truth/detections', boxes, *truth),
            topic(f'{_DETECTOR}/detections', boxes, self._on_found, *found),
            topic(f'{_DETECTOR}/label_info', 'vision_msgs/msg/LabelInfo', *labels, latched=True),
            topic(f'{_DETECTOR}/vision_info', 'vision_msgs/msg/VisionInfo', latched=True),
            topic(f'{_DETECTOR}/timing', 'perception_suite/msg/FrameTiming', self._on_timing),
            topic('odom', 'nav_msgs/msg/Odometry'),
            topic('/clock', 'rosgraph_msgs/msg/Clock', self._on_clock),
            topic('/tf', 'tf2_msgs/msg/TFMessage'),
            topic('/tf_static', 'tf2_msgs/msg/TFMessage', latched=True),
            topic('/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray', self._on_diagnostics),
        )

    def _update(self, **values: object) -> None:
        with self._lock:
            self._progress = replace(self._progress, **values)  # type: ignore[arg-type]

    def _on_labels(self, data: bytes) -> None:
        if deserialize_message(data, LabelInfo).class_map:
            self._update(configured=True)

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


def _all_of(watchers: tuple[Callable[[bytes], object], ...]) -> Callable[[bytes], None]:
    def watch(data: bytes) -> None:
        for watcher in watchers:
            watcher(data)

    return watch
