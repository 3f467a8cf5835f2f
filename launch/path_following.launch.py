"""Start path_following_node; it drives once its service enable has been called."""

from launch import LaunchDescription

from perception_nodes.ros.launch_parts import launch_description
from perception_nodes.ros.launch_plan import PATH_FOLLOWING


def generate_launch_description() -> LaunchDescription:
    """Describe the node; ``ros2 launch --show-args`` lists the arguments."""
    return launch_description(PATH_FOLLOWING)
