"""Start segmentation_node and semantic_map_node, joined: what Nav2's costmaps read."""

from launch import LaunchDescription

from perception_nodes.ros.launch_parts import launch_description
from perception_nodes.ros.launch_plan import NAV2_PERCEPTION


def generate_launch_description() -> LaunchDescription:
    """Describe the nodes; ``ros2 launch --show-args`` lists the arguments."""
    return launch_description(NAV2_PERCEPTION)
