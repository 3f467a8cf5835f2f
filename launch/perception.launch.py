"""Start the whole suite, each node switchable: picture source, detection, masks, map, driving."""

from launch import LaunchDescription

from perception_nodes.ros.launch_parts import launch_description
from perception_nodes.ros.launch_plan import PERCEPTION


def generate_launch_description() -> LaunchDescription:
    """Describe the nodes; ``ros2 launch --show-args`` lists the arguments."""
    return launch_description(PERCEPTION)
