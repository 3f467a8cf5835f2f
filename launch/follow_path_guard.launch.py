"""Start follow_path_guard_node beside Nav2's controller server."""

from launch import LaunchDescription

from perception_nodes.ros.launch_parts import launch_description
from perception_nodes.ros.launch_plan import FOLLOW_PATH_GUARD


def generate_launch_description() -> LaunchDescription:
    """Describe the node; ``ros2 launch --show-args`` lists the arguments."""
    return launch_description(FOLLOW_PATH_GUARD)
