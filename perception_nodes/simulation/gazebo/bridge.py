"""Which Gazebo topics ros_gz_bridge carries to ROS 2 and back."""

from __future__ import annotations

from perception_nodes.simulation.gazebo.release import GazeboRelease

TO_ROS, TO_GAZEBO = 'GZ_TO_ROS', 'ROS_TO_GZ'
ROWS = (
    ('/clock', 'clock', 'rosgraph_msgs/msg/Clock', 'Clock', TO_ROS),
    ('cmd_vel', 'cmd_vel', 'geometry_msgs/msg/Twist', 'Twist', TO_GAZEBO),
    ('odom', 'odom', 'nav_msgs/msg/Odometry', 'Odometry', TO_ROS),
    ('/tf', 'tf', 'tf2_msgs/msg/TFMessage', 'Pose_V', TO_ROS),
    ('joint_states', 'joint_states', 'sensor_msgs/msg/JointState', 'Model', TO_ROS),
    ('camera/image_raw', 'camera/image', 'sensor_msgs/msg/Image', 'Image', TO_ROS),
    ('camera/camera_info', 'camera/camera_info', 'sensor_msgs/msg/CameraInfo', 'CameraInfo',
     TO_ROS),
    ('camera/depth/image_raw', 'camera/depth_image', 'sensor_msgs/msg/Image', 'Image', TO_ROS),
    ('camera/depth/camera_info', 'camera/camera_info', 'sensor_msgs/msg/CameraInfo',
     'CameraInfo', TO_ROS),
)  # fmt: skip
"""
ROS topic, Gazebo topic, ROS type, Gazebo type, direction.

Gazebo's ``camera/points`` is left out: its points have x forward, but its header names the optical
frame, which has z forward (depth_camera_fs.glsl of gz-rendering, RgbdCameraSensor.cc of
gz-sensors). Depth is metres along the optical axis, with the infinities of REP-117 (clip planes).
"""
LARGE = 'Image'
"""Carried only while somebody listens, and rendered only then."""


def bridge_rows(release: GazeboRelease, prefix: str = '') -> list[dict[str, object]]:
    """
    Return the rows of the bridge's YAML file.

    ROS topics are relative, so that the namespace of the bridge goes before them.

    :param prefix: of the Gazebo topics, as given to ``robot_sdf``.
    """
    return [
        {
            'ros_topic_name': ros_topic,
            'gz_topic_name': gz_topic if ros_topic == '/clock' else f'{prefix}{gz_topic}',
            'ros_type_name': ros_type,
            'gz_type_name': release.message(gz_type),
            'direction': direction,
            'lazy': gz_type == LARGE,
        }
        for ros_topic, gz_topic, ros_type, gz_type, direction in ROWS
    ]
