"""Path estimates, decisions and odometry, to and from messages."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import PoseStamped, Twist, TwistStamped
from nav_msgs.msg import Odometry, Path
from perception_suite.msg import PathEstimate as PathEstimateMsg
from perception_suite.msg import PathFollowingStatus
from std_msgs.msg import Header

from perception_nodes.driving import DriveCommand, FollowerStatus, MotionSample
from perception_nodes.geometry import PlanarPose, RigidTransform, planar_pose_from_matrix
from perception_nodes.path import PathEstimate
from perception_nodes.path.estimate import STATE
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.transforms_conversion import yaw_to_msg


def estimate_to_msg(estimate: PathEstimate, header: Header) -> PathEstimateMsg:
    """
    Return the message of an estimate.

    :param header: stamp of the picture, frame of the robot.
    """
    sigma = dict(zip(STATE, np.sqrt(np.diag(estimate.covariance)).tolist(), strict=True))
    points = estimate.points_xy
    return PathEstimateMsg(
        header=header,
        valid=estimate.is_valid,
        reason=estimate.reason,
        confidence=estimate.confidence,
        look_ahead=estimate.look_ahead_m,
        lateral_error=estimate.lateral_error_m,
        lateral_error_stddev=sigma['lateral_error_m'],
        heading_error=estimate.heading_error_rad,
        heading_error_stddev=sigma['heading_error_rad'],
        curvature=estimate.curvature_1_m,
        curvature_stddev=sigma['curvature_1_m'],
        width=estimate.width_m,
        visible_range=float(np.hypot(*points[-1])) if len(points) else 0.0,
    )


def path_to_msg(points_xy: np.ndarray, header: Header) -> Path:
    """
    Return a path whose poses look along it.

    :param points_xy: (N, 2) metres in the frame of the header; N = 0 is an empty path.
    """
    path = Path(header=header)
    if len(points_xy) < 2:
        return path
    steps = np.gradient(points_xy, axis=0)
    for (x, y), yaw in zip(points_xy.tolist(), np.arctan2(steps[:, 1], steps[:, 0]), strict=True):
        pose = PoseStamped(header=header)
        pose.pose.position.x, pose.pose.position.y = x, y
        pose.pose.orientation = yaw_to_msg(float(yaw))
        path.poses.append(pose)
    return path


def status_to_msg(status: FollowerStatus, header: Header) -> PathFollowingStatus:
    """Return the message of a decision."""
    return PathFollowingStatus(
        header=header,
        state=status.state.value,
        reason=status.fault.reason.value,
        text=status.fault.text,
        path_age=status.path_age_s,
        picture_age=status.picture_age_s,
        odometry_age=status.odometry_age_s,
        obstacles_age=status.obstacles_age_s,
        speed=status.speed_m_s,
        commanded_speed=status.command.speed_m_s,
        commanded_curvature=status.command.curvature_1_m,
        speed_bound=status.speed_bound_m_s,
        speed_bound_by=status.speed_bound_by,
        obstacle_distance=status.obstacle_m,
    )


def command_to_msg(command: DriveCommand, header: Header | None) -> Twist | TwistStamped:
    """Return the message of a command, stamped where there is a header."""
    twist = Twist()
    twist.linear.x, twist.angular.z = command.speed_m_s, command.turn_rad_s
    return twist if header is None else TwistStamped(header=header, twist=twist)


def motion_from_msg(message: Odometry, base_frame: str) -> MotionSample:
    """
    Return what odometry says about the robot on its floor.

    :raises ValueError: numbers that are none, or odometry of another frame.
    """
    if message.child_frame_id != base_frame:
        raise ValueError(
            f'odometry is of {message.child_frame_id!r}, base_frame is {base_frame!r}: set one '
            'of the two'
        )
    return MotionSample(
        stamp_ns=stamp_ns_from_msg(message.header.stamp),
        pose=planar_from_msg(message.pose.pose),
        speed_m_s=message.twist.twist.linear.x,
        turn_rad_s=message.twist.twist.angular.z,
    )


def planar_from_msg(pose: object) -> PlanarPose:
    """
    Return a ``geometry_msgs/Pose`` on the floor.

    :raises ValueError: for numbers that are not finite or a quaternion that is none.
    """
    place, turn = pose.position, pose.orientation  # type: ignore[attr-defined]
    rigid = RigidTransform((turn.x, turn.y, turn.z, turn.w), (place.x, place.y, place.z))
    return planar_pose_from_matrix(rigid.matrix)
