"""A recorded run of simulator and detector, read back from its bag without ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perception_nodes.evaluation.bag_reading import class_names_of, read_topics, stamp_ns
from perception_nodes.structures import ColorOrder, Detections, Frame

TIMING_FIELDS = (
    'wait_s',
    'convert_s',
    'preprocess_s',
    'inference_s',
    'postprocess_s',
    'publish_s',
    'total_s',
)
"""Durations of ``FrameTiming`` that are read, in the order in which they happen."""


@dataclass(frozen=True, kw_only=True)
class RunTopics:
    """Names of the topics in the bag."""

    images: str = '/camera/image_raw/compressed'
    truth: str = '/camera/ground_truth/detections'
    found: str = '/detection_node/detections'
    labels: str = '/detection_node/label_info'
    timing: str = '/detection_node/timing'
    model: str = '/detection_node/vision_info'
    clock: str = '/clock'
    odometry: str = '/odom'


@dataclass(frozen=True, kw_only=True, eq=False)
class RunFrame:
    """
    One picture, what is true about it, and what the detector said.

    :param stamp_ns: header stamp, the same in all its messages.
    :param jpeg: the picture, empty when the recorder did not get it.
    :param image_ns: wall time at which the picture was published, 0 when unknown.
    :param truth: true boxes, None without a message.
    :param found: detections, None when the detector gave no answer.
    :param found_ns: wall time at which the detections were published, 0 without.
    :param timing: durations of ``FrameTiming`` in seconds, empty without a message.
    """

    stamp_ns: int
    jpeg: bytes = b''
    image_ns: int = 0
    truth: Detections | None = None
    found: Detections | None = None
    found_ns: int = 0
    timing: dict[str, float] = field(default_factory=dict)

    def picture(self) -> Frame:
        """
        Decode the picture.

        :raises ValueError: when there is none, or it is broken.
        """
        data = np.frombuffer(self.jpeg, np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if pixels is None:
            raise ValueError(f'no readable picture was recorded for stamp {self.stamp_ns}')
        return Frame(pixels=pixels, color_order=ColorOrder.BGR, stamp_ns=self.stamp_ns)


@dataclass(frozen=True, kw_only=True, eq=False)
class DemoRun:
    """
    Everything the bag says.

    :param frames: by rising stamp.
    :param class_names: the detector's classes, then true classes that it does not know.
    :param known_classes: how many of ``class_names`` the detector knows.
    :param model: the detector's own words about model and back end.
    :param clock_ns: (N, 2) int64, wall time and simulated time of each clock message.
    :param path_xy: (M, 2) float64, positions of the robot in metres.
    :param counters: ``received``, ``dropped``, ``refused`` of the detector at the end.
    """

    frames: tuple[RunFrame, ...]
    class_names: tuple[str, ...]
    known_classes: int
    model: str
    clock_ns: np.ndarray
    path_xy: np.ndarray
    counters: dict[str, int]


def read_run(bag: Path, topics: RunTopics | None = None) -> DemoRun:
    """
    Read a bag that the demo recorded.

    :param bag: rosbag2 folder.
    :raises ValueError: when it holds no class names, so that boxes have no meaning.
    """
    reading = _Reading(topics or RunTopics())
    read_topics(bag, reading.handlers)
    return reading.finish()


class _Reading:
    """Collects messages by stamp; boxes are decoded at the end, when the classes are known."""

    def __init__(self, topics: RunTopics) -> None:
        self.handlers: dict[str, Callable[[int, Any], None]] = {
            topics.images: self._on_image,
            topics.truth: lambda time_ns, m: self._note(m, truth=m),
            topics.found: lambda time_ns, m: self._note(m, found=m, found_ns=time_ns),
            topics.labels: self._on_labels,
            topics.timing: self._on_timing,
            topics.model: self._on_model,
            topics.clock: lambda time_ns, m: self._clock.append((time_ns, stamp_ns(m.clock))),
            topics.odometry: self._on_odometry,
        }
        self._frames: dict[int, dict[str, Any]] = {}
        self._names: list[str] | None = None
        self._model = ''
        self._clock: list[tuple[int, int]] = []
        self._path: list[tuple[float, float]] = []
        self._counters: dict[str, int] = {}

    def finish(self) -> DemoRun:
        """Return the run."""
        if self._names is None:
            raise ValueError('the bag holds no class names: the detector was never configured')
        known = len(self._names)
        frames = tuple(self._frame(*item) for item in sorted(self._frames.items()))
        return DemoRun(
            frames=frames,
            class_names=tuple(self._names),
            known_classes=known,
            model=self._model,
            clock_ns=np.array(self._clock, np.int64).reshape(-1, 2),
            path_xy=np.array(self._path, np.float64).reshape(-1, 2),
            counters=self._counters,
        )

    def _note(self, message: Any, **values: Any) -> None:
        self._frames.setdefault(stamp_ns(message.header.stamp), {}).update(values)

    def _on_image(self, time_ns: int, message: Any) -> None:
        self._note(message, jpeg=bytes(message.data), image_ns=time_ns)

    def _on_labels(self, time_ns: int, message: Any) -> None:
        self._names = class_names_of(message)

    def _on_model(self, time_ns: int, message: Any) -> None:
        self._model = message.method

    def _on_timing(self, time_ns: int, message: Any) -> None:
        self._note(message, timing={name: float(getattr(message, name)) for name in TIMING_FIELDS})
        self._counters = {
            'received': int(message.frames_received),
            'dropped': int(message.frames_dropped),
            'refused': int(message.frames_refused),
        }

    def _on_odometry(self, time_ns: int, message: Any) -> None:
        position = message.pose.pose.position
        self._path.append((position.x, position.y))

    def _frame(self, stamp_ns: int, values: dict[str, Any]) -> RunFrame:
        complete = dict(values)
        for name in ('truth', 'found'):
            if name in complete:
                complete[name] = self._boxes(complete[name])
        return RunFrame(stamp_ns=stamp_ns, **complete)

    def _boxes(self, message: Any) -> Detections:
        """Return the boxes of a ``Detection2DArray``; unknown classes are added at the end."""
        rows, scores, class_ids = [], [], []
        for item in message.detections:
            best = max((result.hypothesis for result in item.results), key=lambda h: h.score)
            center, half = item.bbox.center.position, (item.bbox.size_x / 2, item.bbox.size_y / 2)
            rows.append(
                (center.x - half[0], center.y - half[1], center.x + half[0], center.y + half[1])
            )
            scores.append(best.score)
            class_ids.append(self._class_number(best.class_id))
        return Detections(np.array(rows).reshape(-1, 4), np.array(scores), np.array(class_ids))

    def _class_number(self, name: str) -> int:
        names = self._names if self._names is not None else []
        if name not in names:
            names.append(name)
        return names.index(name)
