"""What a path follower hears beside masks: odometry, people, limits and obstacles."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from typing import Any

import numpy as np
from nav2_msgs.msg import SpeedLimit as SpeedLimitMsg
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from std_msgs.msg import Bool
from vision_msgs.msg import Detection2DArray

from perception_nodes.driving import ObstacleSource, Pilot, SpeedLimit
from perception_nodes.driving.obstacles import points_from_boxes, points_from_occupancy
from perception_nodes.driving.prediction import PoseUnknownError
from perception_nodes.driving.shared_pilot import SharedPilot
from perception_nodes.geometry import GroundProjection
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.path_conversion import motion_from_msg, planar_from_msg
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig
from perception_nodes.ros.qos import RESULT_QOS, SENSOR_QOS, overridable, own_copy, tell_unheard

_log = logging.getLogger(__name__)
_LOG_EVERY = 100


class PathFollowingInputs:
    """
    Subscriptions that feed a pilot; a message that cannot be used is counted, and its input ages.

    :param node: on which to subscribe.
    :param config: which sources are wanted.
    :param pilot: to whom all of it is told.
    :ivar refused: messages that could not be used, by topic.
    :ivar last_refusal: the latest of them in words.
    """

    def __init__(self, node: Node, config: PathFollowingNodeConfig, pilot: SharedPilot) -> None:
        self._node = node
        self._config = config
        self._pilot = pilot
        self._odometry_frame = ''
        self._ground: tuple[str, int, GroundProjection] | None = None
        self.refused: Counter[str] = Counter()
        self.last_refusal = ''
        self._ears: list[Subscription] = []
        self._listen(Odometry, 'odometry', self._on_odometry, SENSOR_QOS)
        self._listen(SpeedLimitMsg, 'speed_limit', self._on_speed_limit, RESULT_QOS)
        if config.require_dead_man:
            self._listen(Bool, 'dead_man', self._on_dead_man, SENSOR_QOS)
        if ObstacleSource.DETECTIONS.value in config.obstacle_sources:
            self._listen(Detection2DArray, 'detections', self._on_detections, SENSOR_QOS)
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
            kind, topic, take, own_copy(qos), qos_overriding_options=overridable(),
            event_callbacks=tell_unheard(lambda words: self._refuse(topic, words)),
        )  # fmt: skip
        self._ears.append(made)

    def _refuse(self, topic: str, words: str) -> None:
        self.refused[topic] += 1
        self.last_refusal = f'{self._node.resolve_topic_name(topic)}: {words}'
        if self.refused[topic] % _LOG_EVERY == 1:
            _log.warning('message refused: %s', self.last_refusal)

    def _on_odometry(self, message: Odometry) -> None:
        sample = motion_from_msg(message, self._config.base_frame)
        self._odometry_frame = message.header.frame_id
        now_ns = time.monotonic_ns()
        self._pilot.hear(lambda pilot: pilot.take_odometry(sample, now_ns))

    def _on_speed_limit(self, message: SpeedLimitMsg) -> None:
        limit = SpeedLimit(value=message.speed_limit, percentage=message.percentage)
        self._pilot.limit_speed(limit)

    def _on_dead_man(self, message: Bool) -> None:
        self._pilot.note_dead_man(message.data, time.monotonic_ns())

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
        source, now_ns = ObstacleSource.DETECTIONS.value, time.monotonic_ns()
        self._pilot.hear(
            lambda pilot: pilot.follower.take_obstacles(source, points, stamp_ns, now_ns)
        )

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
        if not (math.isfinite(info.resolution) and info.resolution > 0):
            raise ValueError(f'the resolution of the grid is {info.resolution}, must be above 0 m')
        costs = np.array(message.data, np.int8).reshape(info.height, info.width)
        odom_from_grid = planar_from_msg(info.origin)
        now_ns = time.monotonic_ns()

        def take(pilot: Pilot) -> None:
            try:
                pose = pilot.follower.motion.pose_at(stamp_ns)
            except PoseUnknownError as error:
                self._refuse('occupancy', str(error))
                return
            points = points_from_occupancy(
                costs, info.resolution, pose.inverse() @ odom_from_grid,
                min_cost=self._config.obstacle_min_cost,
            )  # fmt: skip
            source = ObstacleSource.OCCUPANCY.value
            pilot.follower.take_obstacles(source, points, stamp_ns, now_ns)

        self._pilot.hear(take)
