"""What a path follower hears beside masks: odometry, people, limits and obstacles."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from nav2_msgs.msg import SpeedLimit as SpeedLimitMsg
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.node import Node
from rclpy.qos import QoSPresetProfiles, QoSProfile
from rclpy.subscription import Subscription
from std_msgs.msg import Bool
from vision_msgs.msg import Detection2DArray

from perception_nodes.driving import ObstacleSource, Pilot, SpeedLimit
from perception_nodes.driving.obstacles import points_from_boxes, points_from_occupancy
from perception_nodes.driving.prediction import PoseUnknownError
from perception_nodes.geometry import GroundProjection
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.path_conversion import motion_from_msg, planar_from_msg
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig
from perception_nodes.ros.qos import RESULT_QOS, overridable, own_copy

_log = logging.getLogger(__name__)
_LOG_EVERY = 100

Guarded = Callable[[Callable[[Pilot], object]], bool]
"""Runs something on the pilot while nobody else does; False where that was not possible."""


class PathFollowingInputs:
    """
    Subscriptions that feed a pilot; a message that cannot be used is counted, and its input ages.

    :param node: on which to subscribe.
    :param config: which sources are wanted.
    :param guarded: gives access to the pilot.
    :ivar refused: messages that could not be used, by topic.
    :ivar last_refusal: the latest of them in words.
    """

    def __init__(self, node: Node, config: PathFollowingNodeConfig, guarded: Guarded) -> None:
        self._node = node
        self._config = config
        self._guarded = guarded
        self._odometry_frame = ''
        self._ground: tuple[str, int, GroundProjection] | None = None
        self.refused: Counter[str] = Counter()
        self.last_refusal = ''
        self._ears: list[Subscription] = []
        sensor = QoSPresetProfiles.SENSOR_DATA.value
        self._listen(Odometry, 'odometry', self._on_odometry, sensor)
        self._listen(SpeedLimitMsg, 'speed_limit', self._on_speed_limit, RESULT_QOS)
        if config.require_dead_man:
            self._listen(Bool, 'dead_man', self._on_dead_man, RESULT_QOS)
        if ObstacleSource.DETECTIONS.value in config.obstacle_sources:
            self._listen(Detection2DArray, 'detections', self._on_detections, RESULT_QOS)
        if ObstacleSource.OCCUPANCY.value in config.obstacle_sources:
            self._listen(OccupancyGrid, 'occupancy', self._on_occupancy, RESULT_QOS)

    def close(self) -> None:
        """Unsubscribe."""
        while self._ears:
            self._node.destroy_subscription(self._ears.pop())

    @property
    def odometry_frame(self) -> str:
        """Frame of the poses of odometry, empty before the first."""
        return self._odometry_frame

    def note_ground(self, frame_id: str, stamp_ns: int, ground: GroundProjection) -> None:
        """Note how the pixels of a camera lie on the floor: boxes of detections stand there."""
        self._ground = (frame_id, stamp_ns, ground)

    def _listen(self, kind: type[Any], topic: str, callback: Any, qos: QoSProfile) -> None:
        def take(message: Any) -> None:
            try:
                callback(message)
            except ValueError as error:
                self._refuse(topic, str(error))

        made = self._node.create_subscription(
            kind, topic, take, own_copy(qos), qos_overriding_options=overridable()
        )
        self._ears.append(made)

    def _refuse(self, topic: str, words: str) -> None:
        self.refused[topic] += 1
        self.last_refusal = f'{self._node.resolve_topic_name(topic)}: {words}'
        if self.refused[topic] % _LOG_EVERY == 1:
            _log.warning('message refused: %s', self.last_refusal)

    def _on_odometry(self, message: Odometry) -> None:
        sample = motion_from_msg(message, self._config.base_frame)
        self._odometry_frame = message.header.frame_id
        self._guarded(lambda pilot: pilot.take_odometry(sample, time.monotonic_ns()))

    def _on_speed_limit(self, message: SpeedLimitMsg) -> None:
        limit = SpeedLimit(value=message.speed_limit, percentage=message.percentage)
        self._guarded(lambda pilot: pilot.follower.limit_speed(limit))

    def _on_dead_man(self, message: Bool) -> None:
        now_ns = time.monotonic_ns()
        self._guarded(lambda pilot: pilot.follower.vitals.note_dead_man(message.data, now_ns))

    def _on_detections(self, message: Detection2DArray) -> None:
        frame_id, stamp_ns = message.header.frame_id, stamp_ns_from_msg(message.header.stamp)
        if self._ground is None:
            raise ValueError('no mask has been placed yet, so nobody knows where boxes stand')
        of_frame, of_ns, ground = self._ground
        if frame_id != of_frame:
            raise ValueError(
                f'boxes are of {frame_id!r}, masks of {of_frame!r}: take both from one camera'
            )
        if abs(stamp_ns - of_ns) * 1e-9 > self._config.max_obstacles_age_s:
            raise ValueError(f'boxes and masks are {abs(stamp_ns - of_ns) * 1e-9:.2f} s apart')
        points = points_from_boxes(self._boxes(message), ground)
        self._take(ObstacleSource.DETECTIONS, points, stamp_ns)

    def _boxes(self, message: Detection2DArray) -> np.ndarray:
        """Return (N, 4) continuous pixel boxes of the detections that count."""
        wanted, least = self._config.obstacle_classes, self._config.obstacle_min_score
        boxes = []
        for item in message.detections:
            best = max(item.results, key=lambda result: result.hypothesis.score, default=None)
            if best is None or best.hypothesis.score < least:
                continue
            if wanted and best.hypothesis.class_id not in wanted:
                continue
            center, width, height = item.bbox.center.position, item.bbox.size_x, item.bbox.size_y
            x, y = center.x, center.y
            boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
        return np.array(boxes, np.float64).reshape(-1, 4)

    def _on_occupancy(self, message: OccupancyGrid) -> None:
        stamp_ns = stamp_ns_from_msg(message.header.stamp)
        if message.header.frame_id != self._odometry_frame:
            raise ValueError(
                f'the grid is in {message.header.frame_id!r}, odometry in '
                f'{self._odometry_frame!r}: the two must be the same'
            )
        info = message.info
        costs = np.array(message.data, np.int8).reshape(info.height, info.width)
        odom_from_grid = planar_from_msg(info.origin)

        def take(pilot: Pilot) -> None:
            try:
                pose = pilot.follower.motion.pose_at(stamp_ns)
            except PoseUnknownError as error:
                raise ValueError(str(error)) from error
            points = points_from_occupancy(
                costs, info.resolution, pose.inverse() @ odom_from_grid,
                min_cost=self._config.obstacle_min_cost,
            )  # fmt: skip
            self._give(pilot, ObstacleSource.OCCUPANCY, points, stamp_ns)

        self._guarded(take)

    def _take(self, source: ObstacleSource, points: np.ndarray, stamp_ns: int) -> None:
        self._guarded(lambda pilot: self._give(pilot, source, points, stamp_ns))

    def _give(
        self, pilot: Pilot, source: ObstacleSource, points: np.ndarray, stamp_ns: int
    ) -> None:
        pilot.follower.take_obstacles(source.value, points, stamp_ns, time.monotonic_ns())
