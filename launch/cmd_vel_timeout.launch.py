"""Start cmd_vel_timeout_node before a base that has no time-out of its own."""

from launch import LaunchDescription

from perception_nodes.ros.launch_parts import launch_description
from perception_nodes.ros.launch_plan import CMD_VEL_TIMEOUT


def generate_launch_description() -> LaunchDescription:
    """Describe the node; ``ros2 launch --show-args`` lists the arguments."""
    return launch_description(CMD_VEL_TIMEOUT)
