"""
Courses, robots and bridges for Gazebo Sim, generated from what the embedded simulator draws.

``export_course`` writes a folder that ``launch/gazebo.launch.py`` starts.
"""

from perception_nodes.simulation.gazebo.export import GazeboExport, export_course, standing_scene
from perception_nodes.simulation.gazebo.release import GazeboRelease

__all__ = ['GazeboExport', 'GazeboRelease', 'export_course', 'standing_scene']
