"""The suite's own path follower as a follower of episodes, with eyes to choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.driving import (
    DriveState,
    DrivingConfig,
    Fault,
    MotionSample,
    ObstacleSource,
    Pilot,
    StopReason,
)
from perception_nodes.driving.obstacles import points_from_depth
from perception_nodes.geometry import GroundProjection, PlanarPose
from perception_nodes.path import PathConfig, Prefer
from perception_nodes.segmentation import Segmenter
from perception_nodes.simulation.classes import SEMANTIC_NAMES
from perception_nodes.simulation.course import Course
from perception_nodes.simulation.episodes.follower import DRIVING, CameraFrame, FollowerAnswer
from perception_nodes.simulation.vehicle import Odometry
from perception_nodes.structures import SegmentationMask

PITCH_SIGMA_RAD, ROLL_SIGMA_RAD = float(np.radians(0.3)), float(np.radians(0.2))
HEIGHT_SIGMA_M, PIXEL_SIGMA = 0.003, 0.5
"""How well the mounting of the camera of a calibrated robot is known."""
CERTAIN = np.uint8(254)
DEPTH_STRIDE, DEPTH_RANGE_M = 4, 3.0
LOWEST_M, HIGHEST_M = 0.05, 0.6
"""What stands on the floor between these heights must not be touched."""


@dataclass(frozen=True, kw_only=True)
class Eyes:
    """
    How a picture becomes a mask.

    :param look: the mask of a picture.
    :param labels: class name per mask value.
    """

    look: Callable[[CameraFrame], SegmentationMask]
    labels: Mapping[int, str]


def true_eyes() -> Eyes:
    """Return eyes for episodes with ``truth``: the pictures are masks already."""
    return Eyes(look=_true_mask, labels=dict(enumerate(SEMANTIC_NAMES)))


def _true_mask(frame: CameraFrame) -> SegmentationMask:
    """Return the classes; the noise of the camera shows in the last bit of the confidence."""
    class_ids, _, noise = np.moveaxis(frame.frame.pixels, 2, 0)
    return SegmentationMask(np.ascontiguousarray(class_ids), CERTAIN | (noise & 1))


def network_eyes(model: str) -> Eyes:
    """
    Return the eyes of a segmentation bundle.

    :param model: folder or URI of the bundle.
    """
    segmenter = Segmenter.load(model, device='cpu', threads=1)
    return Eyes(
        look=lambda frame: segmenter(frame.frame), labels=dict(enumerate(segmenter.class_names))
    )


def driving_config(course: Course, **changes: object) -> DrivingConfig:
    """
    Return the settings for the robot of a course: its measures, and what its brakes are good for.

    :param changes: further fields of :class:`DrivingConfig`.
    """
    robot = course.robot
    radius_m = robot.wheelbase_m / np.tan(np.radians(robot.max_steering_deg))
    settings = DrivingConfig(
        drive_type=robot.kind, front_m=robot.length_m - robot.rear_m, width_m=robot.width_m,
        wheelbase_m=robot.wheelbase_m,
        turning_radius_m=float(radius_m) if robot.ackermann else 0.0,
        max_speed_m_s=robot.max_speed_m_s, max_turn_rad_s=robot.max_turn_rad_s,
        require_dead_man=False,
    )  # fmt: skip
    return replace(settings, **changes)  # type: ignore[arg-type]


def path_config(course: Course) -> PathConfig:
    """Return the settings for the lane of a course, and for the way that its route takes."""
    ways = [name for name in course.route if name in {item.value for item in Prefer}]
    return PathConfig(
        lane_width_m=course.lane_width_m, marking_width_m=course.tape_width_m,
        prefer=ways[0] if ways else Prefer.STRAIGHT.value,
    )  # fmt: skip


class PilotFollower:
    """
    Drives by masks: a :class:`~perception_nodes.driving.Pilot` behind the episode's interface.

    :param eyes: how a picture becomes a mask.
    :param driving: robot, speed and what stops it; obstacles are looked for in depth pictures
        when its ``obstacle_sources`` name ``depth``.
    :param path: how masks become paths.
    """

    def __init__(self, eyes: Eyes, driving: DrivingConfig, path: PathConfig | None = None) -> None:
        self._eyes, self._driving, self._path = eyes, driving, path
        self._looks_at_depth = ObstacleSource.DEPTH.value in driving.obstacle_sources
        self.reset()

    def step(
        self,
        frame: CameraFrame | None,
        stamp_ns: int,
        odometry: Odometry | None,
        *,
        steady_ns: int,
    ) -> FollowerAnswer:
        """Look, and command; see :class:`~.follower.Follower`."""
        if odometry is not None:
            self.pilot.take_odometry(_sample(odometry), steady_ns)
        if frame is not None:
            self._take(frame, steady_ns)
        status = self.pilot.step(stamp_ns, steady_ns)
        is_driving = status.state is DriveState.DRIVING
        return FollowerAnswer(
            linear_m_s=status.command.speed_m_s, angular_rad_s=status.command.turn_rad_s,
            status=DRIVING if is_driving else f'{status.fault.reason.name}: {status.fault.text}',
        )  # fmt: skip

    def reset(self) -> None:
        """Begin anew, wanting to drive."""
        self.pilot = Pilot(self._eyes.labels, self._driving, self._path)
        self.pilot.enable(True)

    def _take(self, frame: CameraFrame, steady_ns: int) -> None:
        """Look at a picture, if it is known where it was taken from."""
        stamp_ns = frame.frame.stamp_ns
        if frame.base_from_camera is None:
            missing = Fault(StopReason.TF_MISSING, 'no transform from the camera to base_link')
            self.pilot.miss_mask(missing, stamp_ns, steady_ns)
            return
        ground = GroundProjection(
            frame.camera, frame.base_from_camera, pitch_sigma_rad=PITCH_SIGMA_RAD,
            roll_sigma_rad=ROLL_SIGMA_RAD, height_sigma_m=HEIGHT_SIGMA_M, pixel_sigma=PIXEL_SIGMA,
        )  # fmt: skip
        mask = self._eyes.look(frame)
        self.pilot.take_mask(mask.class_ids, mask.confidence, ground, stamp_ns, steady_ns)
        if self._looks_at_depth and frame.depth_m is not None:
            points = points_from_depth(
                frame.depth_m, frame.camera, frame.base_from_camera, stride=DEPTH_STRIDE,
                min_height_m=LOWEST_M, max_height_m=HIGHEST_M, max_range_m=DEPTH_RANGE_M,
            )  # fmt: skip
            depth = ObstacleSource.DEPTH.value
            self.pilot.follower.take_obstacles(depth, points, stamp_ns, steady_ns)


def _sample(odometry: Odometry) -> MotionSample:
    pose = odometry.pose
    return MotionSample(
        stamp_ns=odometry.stamp_ns,
        pose=PlanarPose(x_m=pose.x_m, y_m=pose.y_m, yaw_rad=pose.yaw_rad),
        speed_m_s=odometry.linear_m_s, turn_rad_s=odometry.angular_rad_s,
    )  # fmt: skip
