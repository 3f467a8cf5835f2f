"""How a robot drove by what it saw: a recorded run of the follower, read from its bag."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perception_nodes.driving.supervisor import DriveState, StopReason
from perception_nodes.evaluation.bag_reading import class_names_of, read_topics, stamp_ns
from perception_nodes.geometry import (
    GroundProjection,
    PlanarPose,
    RigidTransform,
    TransformBuffer,
    camera_model_from_info_fields,
)
from perception_nodes.mapping import OccupancyMap
from perception_nodes.path import PathEstimate
from perception_nodes.path.estimate import PathProblem
from perception_nodes.structures import SegmentationMask

BASE_FRAME = 'base_link'
_NO_SIGMAS = {
    'pitch_sigma_rad': 0.0, 'roll_sigma_rad': 0.0, 'height_sigma_m': 0.0, 'pixel_sigma': 0.0,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DriveTopics:
    """Names of the topics in the bag."""

    masks: str = '/segmentation_node/mask/compressed'
    labels: str = '/segmentation_node/label_info'
    estimates: str = '/path_following_node/estimate'
    paths: str = '/path_following_node/path'
    status: str = '/path_following_node/status'
    occupancy: str = '/semantic_map_node/occupancy'
    truth: str = '/ground_truth/odom'
    odometry: str = '/odom'
    camera: str = '/camera/camera_info'
    transforms: str = '/tf_static'


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveFrame:
    """
    What there was at the stamp of one picture; None and empty where nothing was recorded.

    :param mask_png: class ids of the picture.
    :param estimate: of the path; deviations along its line are that of the lateral error.
    :param world_from_base: the true place.
    :param odom_from_base: the place that odometry reports.
    :param speed_m_s: true forward speed.
    """

    mask_png: bytes = b''
    estimate: PathEstimate | None = None
    world_from_base: PlanarPose | None = None
    odom_from_base: PlanarPose | None = None
    speed_m_s: float = math.nan

    def mask(self) -> SegmentationMask | None:
        """Decode the mask; None when there is none, or it is broken."""
        data = np.frombuffer(self.mask_png, np.uint8)
        ids = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
        return None if ids is None else SegmentationMask(ids)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One message of the follower's status; see ``PathFollowingStatus``."""

    stamp_ns: int
    state: DriveState
    reason: StopReason
    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveRun:
    """
    Everything the bag says about driving.

    :param frames: by the stamp of their picture.
    :param decisions: by rising stamp.
    :param maps: stamp and grid, by rising stamp.
    :param class_names: of the masks, by number.
    :param ground: the floor as the camera sees it, None when it was not recorded.
    """

    frames: dict[int, DriveFrame] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    maps: tuple[tuple[int, OccupancyMap], ...] = ()
    class_names: tuple[str, ...] = ()
    ground: GroundProjection | None = None


def read_drive(bag: Path, topics: DriveTopics | None = None) -> DriveRun:
    """
    Read a bag that the demo recorded; what is missing in it is missing in the result.

    :param bag: rosbag2 folder.
    """
    reading = _Reading(topics or DriveTopics())
    read_topics(bag, reading.handlers)
    return reading.finish()


class _Reading:
    """Collects messages by stamp."""

    def __init__(self, topics: DriveTopics) -> None:
        self.handlers: dict[str, Callable[[int, Any], None]] = {
            topics.masks: lambda _, m: self._note(m, mask_png=bytes(m.data)),
            topics.labels: self._on_labels,
            topics.estimates: lambda _, m: self._note(m, estimate=m),
            topics.paths: lambda _, m: self._note(m, path=m),
            topics.status: self._on_status,
            topics.occupancy: self._on_occupancy,
            topics.truth: self._on_truth,
            topics.odometry: lambda _, m: self._note(m, odom_from_base=_planar(m.pose.pose)),
            topics.camera: self._on_camera,
            topics.transforms: self._on_transforms,
        }
        self._frames: dict[int, dict[str, Any]] = {}
        self._decisions: list[Decision] = []
        self._maps: list[tuple[int, OccupancyMap]] = []
        self._names: tuple[str, ...] = ()
        self._camera: Any = None
        self._transforms = TransformBuffer()

    def finish(self) -> DriveRun:
        """Return the run."""
        return DriveRun(
            frames={stamp: _frame(values) for stamp, values in sorted(self._frames.items())},
            decisions=tuple(self._decisions),
            maps=tuple(self._maps),
            class_names=self._names,
            ground=self._ground(),
        )

    def _note(self, message: Any, **values: Any) -> None:
        self._frames.setdefault(stamp_ns(message.header.stamp), {}).update(values)

    def _on_labels(self, _: int, message: Any) -> None:
        self._names = tuple(class_names_of(message))

    def _on_status(self, _: int, message: Any) -> None:
        self._decisions.append(
            Decision(
                stamp_ns=stamp_ns(message.header.stamp), state=DriveState(message.state),
                reason=StopReason(message.reason), text=message.text,
            )
        )  # fmt: skip

    def _on_occupancy(self, _: int, message: Any) -> None:
        info = message.info
        costs = np.array(message.data, np.int8).reshape(info.height, info.width)
        corner = info.origin.position
        map_ = OccupancyMap(
            costs=costs, resolution_m=float(info.resolution),
            origin_xy=(float(corner.x), float(corner.y)),
        )  # fmt: skip
        self._maps.append((stamp_ns(message.header.stamp), map_))

    def _on_truth(self, _: int, message: Any) -> None:
        pose, speed = _planar(message.pose.pose), float(message.twist.twist.linear.x)
        self._note(message, world_from_base=pose, speed_m_s=speed)

    def _on_camera(self, _: int, message: Any) -> None:
        self._camera = message

    def _on_transforms(self, _: int, message: Any) -> None:
        for item in message.transforms:
            turn, place = item.transform.rotation, item.transform.translation
            self._transforms.add_static(
                item.header.frame_id, item.child_frame_id,
                RigidTransform((turn.x, turn.y, turn.z, turn.w), (place.x, place.y, place.z)),
            )  # fmt: skip

    def _ground(self) -> GroundProjection | None:
        info = self._camera
        if info is None or info.header.frame_id not in self._transforms.frames:
            return None
        camera = camera_model_from_info_fields(
            size_wh=(int(info.width), int(info.height)), distortion_model=info.distortion_model,
            d=info.d.tolist(), k=info.k.tolist(), r=info.r.tolist(), p=info.p.tolist(),
        )  # fmt: skip
        base_from_camera = self._transforms.lookup(BASE_FRAME, info.header.frame_id)
        return GroundProjection(camera, base_from_camera, **_NO_SIGMAS)


def _frame(values: dict[str, Any]) -> DriveFrame:
    """Return the frame; an estimate needs its line, which is a message of its own."""
    told = {name: value for name, value in values.items() if name not in ('estimate', 'path')}
    if 'estimate' in values:
        told['estimate'] = _estimate(values['estimate'], values.get('path'))
    return DriveFrame(**told)


def _estimate(message: Any, path: Any) -> PathEstimate | None:
    if not message.valid:
        return PathEstimate.invalid(PathProblem(message.reason))
    if path is None:
        return None
    points = [(item.pose.position.x, item.pose.position.y) for item in path.poses]
    sigmas = (message.lateral_error_stddev, message.heading_error_stddev, message.curvature_stddev)
    return PathEstimate(
        points_xy=np.array(points), sigma_m=np.full(len(points), message.lateral_error_stddev),
        look_ahead_m=message.look_ahead, lateral_error_m=message.lateral_error,
        heading_error_rad=message.heading_error, curvature_1_m=message.curvature,
        curvature_rate_1_m2=0.0, covariance=np.diag([*np.square(sigmas), 0.0]),
        width_m=message.width, confidence=message.confidence,
    )  # fmt: skip


def _planar(pose: Any) -> PlanarPose:
    """Return where a pose lies on the floor and where it looks."""
    turn = pose.orientation
    yaw_rad = 2 * math.atan2(turn.z, turn.w)
    return PlanarPose(x_m=float(pose.position.x), y_m=float(pose.position.y), yaw_rad=yaw_rad)
