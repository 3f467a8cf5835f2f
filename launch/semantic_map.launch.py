"""Start semantic_map_node with the transport environment that big images need."""

from launch import LaunchDescription

from perception_nodes.ros.launch_parts import launch_description
from perception_nodes.ros.launch_plan import SEMANTIC_MAP


def generate_launch_description() -> LaunchDescription:
    """Describe the node; ``ros2 launch --show-args`` lists the arguments."""
    return launch_description(SEMANTIC_MAP)
