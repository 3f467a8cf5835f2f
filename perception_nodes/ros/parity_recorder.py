"""Records pictures and detections of a parity run and knows when the last one is through."""

from __future__ import annotations

import threading
from pathlib import Path

from rclpy.serialization import deserialize_message
from std_msgs.msg import Bool

from perception_nodes.ros.recorder import RecordedTopic
from perception_nodes.ros.recorder_graph import GraphRecorder
from perception_nodes.ros.recorder_view import stamp_of

IMAGES = 'camera/image_raw'
"""Where the camera is remapped to publish."""

FOUND = 'detection_node/detections'
"""Where the detector publishes, which the camera takes as its answers."""


class ParityRecorder(GraphRecorder):
    """
    Listens to ``camera_node`` and ``detection_node`` from before they start.

    :param bag: folder of the bag, which must not exist.
    """

    def __init__(self, bag: Path) -> None:
        self._lock = threading.Lock()
        self._pictures: set[int] = set()
        self._results: set[int] = set()
        self._linked = threading.Event()
        self._finished = threading.Event()
        topics = (
            # JPEG is for people; what is compared are the headers, which stay as they are.
            RecordedTopic(
                name=IMAGES, type_name='sensor_msgs/msg/Image', codec='jpeg', watch=self._on_image
            ),
            RecordedTopic(
                name=FOUND, type_name='vision_msgs/msg/Detection2DArray', watch=self._on_found
            ),
            RecordedTopic(
                name='detection_node/label_info',
                type_name='vision_msgs/msg/LabelInfo',
                latched=True,
                watch=lambda data: self._linked.set(),
            ),
            RecordedTopic(
                name='detection_node/vision_info',
                type_name='vision_msgs/msg/VisionInfo',
                latched=True,
            ),
            RecordedTopic(
                name='camera_node/finished',
                type_name='std_msgs/msg/Bool',
                latched=True,
                watch=self._on_finished,
            ),
        )
        super().__init__('parity_recorder', bag, topics)

    @property
    def is_linked(self) -> bool:
        """Whether the detector's topics reach the recorder."""
        return self._linked.is_set()

    @property
    def is_finished(self) -> bool:
        """Whether the camera has played its last picture."""
        return self._finished.is_set()

    @property
    def results(self) -> int:
        """Pictures that were answered so far."""
        with self._lock:
            return len(self._results)

    @property
    def is_answered(self) -> bool:
        """Whether every picture so far has its result."""
        with self._lock:
            return self._pictures <= self._results

    def _on_image(self, data: bytes) -> None:
        with self._lock:
            self._pictures.add(stamp_of(data))

    def _on_found(self, data: bytes) -> None:
        with self._lock:
            self._results.add(stamp_of(data))

    def _on_finished(self, data: bytes) -> None:
        if deserialize_message(data, Bool).data:
            self._finished.set()
