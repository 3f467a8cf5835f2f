"""Start Gazebo Sim with a course, bridge, transforms and time-out; perception on request."""

from launch import LaunchDescription

from perception_nodes.ros.launch_parts import launch_description
from perception_nodes.ros.launch_plan import GAZEBO


def generate_launch_description() -> LaunchDescription:
    """Describe the nodes; ``ros2 launch --show-args`` lists the arguments."""
    return launch_description(GAZEBO)
