"""Masks with everything that places them: confidence, depth, labels, calibration, transforms."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from vision_msgs.msg import LabelInfo

from perception_nodes.geometry import (
    CalibrationHistory,
    CameraModel,
    RigidTransform,
    TransformUnavailableError,
    UncalibratedCameraError,
    camera_model_from_info_fields,
)
from perception_nodes.ros.attitude_source import AttitudeSource
from perception_nodes.ros.frame_health import SourceState
from perception_nodes.ros.frame_subscription import Arrival, FrameSubscription
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.mask_input_config import MaskInputConfig
from perception_nodes.ros.qos import LATCHED_QOS, SENSOR_QOS, overridable, own_copy, tell_unheard
from perception_nodes.ros.transform_listener import transform_source
from perception_nodes.ros.transforms_conversion import LINK_FROM_OPTICAL
from perception_nodes.streaming import NotYetError, StampJoin, WaitingQueue

_log = logging.getLogger(__name__)

_POLL_S = 0.01
_LOG_EVERY = 100
_NS = 1_000_000_000
_DEPTH_TOPICS: dict[str, tuple[str, type[Any]]] = {
    'depth': ('depth', Image),
    'points': ('points_in', PointCloud2),
}
_CURES = {'confidence': 'use_confidence:=false', 'depth': 'a larger sync_tolerance_s'}


@dataclass(frozen=True, eq=False, kw_only=True)
class PlacedMask:
    """
    The messages of one moment, with where the camera was.

    :param depth: image or organised cloud, None without.
    :param odom_from_base: where the robot was, None where the source is not asked for it.
    :param roll_pitch_rad: measured attitude of the base, None without.
    """

    mask: Image
    confidence: Image | None
    depth: Image | PointCloud2 | None
    labels: dict[int, str]
    camera: CameraModel
    base_from_camera: RigidTransform
    odom_from_base: RigidTransform | None
    roll_pitch_rad: tuple[float, float] | None


class MaskSource:
    """
    Delivers masks once everything that belongs to them is there.

    Nothing blocks: what waits is looked at again every 10 ms until its patience is over, and is
    then counted under the name of what was missing.

    :param node: on which to subscribe.
    :param config: which topics and frames.
    :param map_frame: in which the pose of the robot is looked up; None does not look it up.
    :param on_loss: told about each mask that could not be placed, and why.
    :ivar losses: masks that could not be placed, by reason.
    :ivar last_loss: the latest of them in words.
    """

    def __init__(
        self,
        node: Node,
        config: MaskInputConfig,
        *,
        map_frame: str | None = None,
        on_loss: Callable[[Arrival, NotYetError], object] = lambda arrival, error: None,
    ) -> None:
        self._node = node
        self._config = config
        self._map_frame = map_frame
        self._on_loss = on_loss
        patience_ns = round(config.patience_s * _NS)
        self._images = {'mask': FrameSubscription(node, 'mask')}
        if config.use_confidence:
            self._images['confidence'] = FrameSubscription(node, 'confidence')
        if config.depth_source in _DEPTH_TOPICS:
            topic, kind = _DEPTH_TOPICS[config.depth_source]
            self._images['depth'] = FrameSubscription(node, topic, kind=kind)
        self._join: StampJoin[Arrival] | None = None
        if len(self._images) > 1:
            self._join = StampJoin(
                [*self._images], tolerance_ns=round(config.sync_tolerance_s * _NS),
                deadline_ns=max(1, patience_ns), on_lost=self._on_unpaired,
            )  # fmt: skip
        self._queue: WaitingQueue[dict[str, Arrival], Arrival] = WaitingQueue(
            self._complete, deadline_ns=patience_ns
        )
        self._calibrations = CalibrationHistory()
        self._labels: dict[int, str] | None = None
        self._ears: list[Subscription] = []
        self._unheard: dict[str, str] = {}
        self._callback: Callable[[Arrival], object] | None = None
        self.topic = self._images['mask'].topic
        self.losses: Counter[str] = Counter()
        self.last_loss = ''

    @property
    def state(self) -> SourceState:
        """What diagnostics say about the source."""
        return self._images['mask'].state

    @property
    def values(self) -> dict[str, object]:
        """Figures for the diagnostics."""
        # Depth pictures without a mask are usual, cameras are faster; masks are in the losses.
        drops = {} if self._join is None else self._join.drops
        others = {k: n for k, n in drops.items() if not k.startswith('mask_without')}
        lost = self.losses + Counter(others)
        return {
            'waiting': len(self._queue),
            'camera_info_changes': self._calibrations.changes,
            **{f'lost ({reason})': count for reason, count in sorted(lost.items())},
        }

    def start(self, callback: Callable[[Arrival], object]) -> None:
        """Subscribe to everything."""
        self._callback = callback
        self._transforms = transform_source(self._node)
        self._attitude = AttitudeSource(
            self._node, self._config, self._transforms, self._map_frame
        )
        self._listen(CameraInfo, 'camera_info', self._on_info, SENSOR_QOS)
        self._listen(LabelInfo, 'label_info', self._on_labels, LATCHED_QOS)
        for stream, subscription in self._images.items():
            subscription.start(partial(self._on_image, stream))
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self._node.create_timer(_POLL_S, self._poll, clock=clock)

    def stop(self) -> None:
        """Unsubscribe; may be called twice."""
        if self._callback is None:
            return
        self._callback = None
        self._node.destroy_timer(self._timer)
        for subscription in self._images.values():
            subscription.stop()
        while self._ears:
            self._node.destroy_subscription(self._ears.pop())
        self._attitude.close()
        self._transforms.close()
        self._queue.clear()

    def _listen(self, kind: type[Any], topic: str, callback: Any, qos: Any) -> None:
        def tell(words: str) -> None:
            self._unheard[topic] = f' ({words})'
            _log.warning('%s: %s', self._node.resolve_topic_name(topic), words)

        made = self._node.create_subscription(
            kind, topic, callback, own_copy(qos), qos_overriding_options=overridable(),
            event_callbacks=tell_unheard(tell),
        )  # fmt: skip
        self._ears.append(made)

    def _on_info(self, info: CameraInfo) -> None:
        roi = info.roi
        fields: dict[str, Any] = {
            'size_wh': (info.width, info.height),
            'distortion_model': info.distortion_model,
            'd': tuple(info.d), 'k': tuple(info.k), 'r': tuple(info.r), 'p': tuple(info.p),
            'binning_xy': (info.binning_x, info.binning_y),
            'roi_xywh': (roi.x_offset, roi.y_offset, roi.width, roi.height),
        }  # fmt: skip
        self._calibrations.add(
            stamp_ns_from_msg(info.header.stamp),
            tuple(fields.values()),
            lambda: camera_model_from_info_fields(**fields),
        )

    def _on_labels(self, message: LabelInfo) -> None:
        self._labels = {item.class_id: item.class_name for item in message.class_map}

    def _on_image(self, stream: str, arrival: Arrival) -> None:
        if self._join is None:
            found = {stream: arrival}
        else:
            joined = self._join.add(stream, arrival.stamp_ns, arrival, arrival.arrived_ns)
            if joined is None:
                return
            found = joined.items
        self._queue.add(found, arrival.arrived_ns)
        self._poll()

    def _poll(self) -> None:
        now_ns = time.monotonic_ns()
        if self._join is not None:
            self._join.expire(now_ns)
        if not len(self._queue) or self._callback is None:
            return
        ready, given_up = self._queue.poll(now_ns)
        for lost in given_up:
            self._lose(lost.item['mask'], lost.error)
        for arrival in ready:
            self._callback(arrival)

    def _on_unpaired(self, stream: str, arrival: Arrival, missing: Sequence[str]) -> None:
        if stream != 'mask':
            return
        tolerance_s = self._config.sync_tolerance_s
        when = f'within {tolerance_s} s of a mask' if tolerance_s else 'with the stamp of a mask'
        words = '; '.join(
            f'no {name} {when} on {self._images[name].topic}: publish it, or {_CURES[name]}'
            for name in missing
            if name in _CURES
        )
        reason = f'mask_without_{"_".join(missing)}'
        self._lose(arrival, NotYetError(reason, words or 'no complete set came'))

    def _lose(self, mask: Arrival, error: NotYetError) -> None:
        self.losses[error.reason] += 1
        self.last_loss = str(error)
        if self.losses[error.reason] % _LOG_EVERY == 1:
            _log.warning('mask left out (%s): %s', error.reason, error)
        self._on_loss(mask, error)

    def _complete(self, found: dict[str, Arrival]) -> Arrival:
        """Return the mask with its surroundings, or raise what is missing."""
        mask = found['mask']
        stamp_ns, message = mask.stamp_ns, mask.message
        if self._labels is None:
            words = f'no class names have come on {self._named("label_info")}'
            raise NotYetError('no_labels', words)
        try:
            base = self._config.base_frame
            placed = PlacedMask(
                mask=message,
                confidence=found['confidence'].message if 'confidence' in found else None,
                depth=found['depth'].message if 'depth' in found else None,
                labels=self._labels,
                camera=self._camera(stamp_ns),
                base_from_camera=self._extrinsics(message.header.frame_id, stamp_ns),
                odom_from_base=self._pose(base, stamp_ns),
                roll_pitch_rad=self._attitude.at(stamp_ns),
            )
        except TransformUnavailableError as error:
            reason = f'transform {error.reason.value}'
            raise NotYetError(reason, str(error), may_come=error.may_come) from error
        return Arrival(
            message=placed, stamp_ns=stamp_ns, arrived_ns=mask.arrived_ns, age_ns=mask.age_ns
        )

    def _named(self, topic: str) -> str:
        """Return the full name of a topic, and why somebody on it is not heard."""
        return self._node.resolve_topic_name(topic) + self._unheard.get(topic, '')

    def _pose(self, base_frame: str, stamp_ns: int) -> RigidTransform | None:
        if self._map_frame is None:
            return None
        return self._transforms.lookup(self._map_frame, base_frame, stamp_ns)

    def _camera(self, stamp_ns: int) -> CameraModel:
        topic = self._named('camera_info')
        try:
            camera = self._calibrations.at(stamp_ns)
        except UncalibratedCameraError as error:
            raise NotYetError('uncalibrated', str(error), may_come=False) from error
        except ValueError as error:
            words = f'{topic}: {error}'
            raise NotYetError('bad_camera_info', words, may_come=False) from error
        if camera is None:
            raise NotYetError('no_camera_info', f'no calibration for this stamp on {topic}')
        return camera

    def _extrinsics(self, frame_id: str, stamp_ns: int) -> RigidTransform:
        config = self._config
        if config.extrinsics_source == 'tf':
            return self._transforms.lookup(config.base_frame, frame_id, stamp_ns)
        roll, pitch, yaw = (math.radians(angle) for angle in config.camera_rpy_deg)
        mount = RigidTransform.from_rpy(roll, pitch, yaw, config.camera_xyz_m)
        return mount @ RigidTransform.from_matrix(LINK_FROM_OPTICAL)
