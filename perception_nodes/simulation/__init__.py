"""
The embedded simulator: a MuJoCo world that renders camera, depth and exact ground truth.

Moving world (what a ROS node or a test drives)::

    world = SimulatedWorld.create(SimulationConfig(course='figure_eight', seed=3))
    driver = PathDriver(world.path, speed_m_s=0.5)
    while world.time_ns < 60_000_000_000:
        linear_m_s, angular_rad_s = driver.command(world.pose)
        world.command(linear_m_s, angular_rad_s, world.time_ns)
        world.advance(1 / 30)
        view = world.render()                  # RenderedView
    world.close()

- ``SimulationConfig``: frozen, keyword-only, fields made by ``setting`` (course, assets, seed,
  size_wh, fovy_deg, camera pose, object counts, odometry noise, command time-out …).
- ``SimulatedWorld``: ``.command(linear_m_s, angular_rad_s, stamp_ns)`` (older than 0.25 s of
  simulated time: the robot stops), ``.advance(dt_s)``, ``.time_ns`` (int, starts at 0),
  ``.pose`` (``Pose2D``: x_m, y_m, yaw_rad in the world), ``.odometry`` (``Odometry``: pose in
  ``odom`` with noise, linear_m_s, angular_rad_s, stamp_ns), ``.path`` (``CoursePath``),
  ``.camera`` (``PinholeCamera``: fx, fy, cx, cy, size_wh, ``.matrix`` 3x3),
  ``.base_from_camera`` (4x4 float64, base_link from camera_optical_frame), ``.render()``,
  ``.close()``. One world belongs to one thread: EGL contexts are current per thread, so create,
  advance, render and close it on the same thread.
- ``RenderedView``: ``rgb`` (H, W, 3) uint8, ``depth_m`` (H, W) float32 along the optical axis
  with NaN where there is nothing, ``instance_ids`` (H, W) uint8 (255 no thing, else the index of
  the thing), ``class_ids`` (H, W) uint8 (``SemanticClass``, 255 unlabelled), ``detections``
  (``Detections``; score 1, class ids as in ``THING_NAMES``), and per detection
  ``instance_numbers`` (N,) int64, ``visible_fractions`` (N,) float32,
  ``truncated_fractions`` (N,) float32.
- ``PathDriver``: pure pursuit on the true path; ``.command(pose)`` returns (v, w).

Randomised labelled scenes (what training uses)::

    renderer = SceneRenderer(RandomizationConfig(assets='train', seed=1))
    scene = renderer.render(17)                # scene 17, the same for ever: scene.view

``perception synthesize`` writes them as a COCO data set (:mod:`.synthesis`).

Frames follow REP-103: world and base_link x forward, y left, z up; optical frame x right,
y down, z forward. Pixels follow the continuous convention of :class:`Detections`.
"""

from perception_nodes.simulation.camera import PinholeCamera
from perception_nodes.simulation.classes import (
    SEMANTIC_NAMES,
    THING_NAMES,
    UNLABELLED,
    SemanticClass,
)
from perception_nodes.simulation.course import Course, CourseError
from perception_nodes.simulation.course_file import load_course, parse_course
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.driver import PathDriver
from perception_nodes.simulation.families import Assets
from perception_nodes.simulation.randomization import RandomizationConfig, Scene, SceneRenderer
from perception_nodes.simulation.robot_model import DriveKind, RobotModel
from perception_nodes.simulation.vehicle import Odometry, Pose2D, Robot
from perception_nodes.simulation.view import RenderedView
from perception_nodes.simulation.world import SimulatedWorld, SimulationConfig

__all__ = [
    'SEMANTIC_NAMES',
    'THING_NAMES',
    'UNLABELLED',
    'Assets',
    'Course',
    'CourseError',
    'CoursePath',
    'DriveKind',
    'Odometry',
    'PathDriver',
    'PinholeCamera',
    'Pose2D',
    'RandomizationConfig',
    'RenderedView',
    'Robot',
    'RobotModel',
    'Scene',
    'SceneRenderer',
    'SemanticClass',
    'SimulatedWorld',
    'SimulationConfig',
    'load_course',
    'parse_course',
]
