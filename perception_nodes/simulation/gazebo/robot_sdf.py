"""The robot as SDF: links, joints, camera with depth, drive with odometry."""

from __future__ import annotations

import math

from perception_nodes.simulation.camera import PinholeCamera
from perception_nodes.simulation.course import CourseCamera
from perception_nodes.simulation.gazebo.body import Body, bodies_of
from perception_nodes.simulation.gazebo.elements import Element, add, add_all
from perception_nodes.simulation.gazebo.release import GazeboRelease
from perception_nodes.simulation.robot_model import RobotModel
from perception_nodes.simulation.vehicle import Pose2D

ROBOT = 'perception_robot'
ODOMETRY_HZ, CAMERA_HZ = 50, 30
NEAR_M, FAR_M = 0.05, 60.0
NOISE_OF_CHEAP_CAMERA = 0.02
"""Standard deviation of a channel in 0..1 for ``noise: 1`` of a course's camera."""


def robot_sdf(
    robot: RobotModel,
    camera: CourseCamera,
    release: GazeboRelease,
    *,
    size_wh: tuple[int, int] = (640, 480),
    start: Pose2D | None = None,
    prefix: str = '',
) -> Element:
    """
    Return the ``model`` element.

    :param prefix: namespace before all Gazebo topics, such as ``robot1/``.
    """
    start = Pose2D() if start is None else start
    model = Element('model', {'name': ROBOT, 'canonical_link': 'base_link'})
    add(model, 'pose', (start.x_m, start.y_m, 0, 0, 0, start.yaw_rad))
    for body in bodies_of(robot, camera):
        _link(model, body)
        if body.parent:
            _joint(model, body)
        if body.name == 'camera_link':
            _camera(model[-2], camera, release, size_wh, prefix)
    _drive(model, robot, release, prefix)
    joints = add(model, 'plugin', **release.plugin('joint-state-publisher', 'JointStatePublisher'))
    add(joints, 'topic', f'{prefix}joint_states')
    return model


def _link(model: Element, body: Body) -> None:
    """Add a link; in SDF its pose is relative to its parent's frame."""
    link = add(model, 'link', name=body.name)
    if body.parent:
        add(link, 'pose', (*body.position, *body.rpy), relative_to=body.parent)
    if body.shape == 'none':
        inertial = add(link, 'inertial')  # Gazebo refuses links without mass
        add(inertial, 'mass', 0.001)
        _moments(inertial, (1e-6, 1e-6, 1e-6))
        return
    inertial = add(link, 'inertial')
    add(inertial, 'pose', (*body.shape_at, 0, 0, 0))
    add(inertial, 'mass', body.mass_kg)
    _moments(inertial, body.inertia)
    visual = add(link, 'visual', name=f'{body.name}_visual')
    add(visual, 'pose', (*body.shape_at, 0, 0, 0))
    _shape(add(visual, 'geometry'), body)
    material = add(visual, 'material')
    add_all(material, ambient=(*body.color, 1), diffuse=(*body.color, 1))
    if body.solid:
        collision = add(link, 'collision', name=f'{body.name}_collision')
        add(collision, 'pose', (*body.shape_at, 0, 0, 0))
        _shape(add(collision, 'geometry'), body)
        if body.slippery:
            friction = add(add(add(collision, 'surface'), 'friction'), 'ode')
            add_all(friction, mu=0.01, mu2=0.01)


def _moments(inertial: Element, moments: tuple[float, float, float]) -> None:
    """Add the principal moments; small ones would vanish at six decimals."""
    inertia = add(inertial, 'inertia')
    for name, value in zip(('ixx', 'iyy', 'izz'), moments, strict=True):
        add(inertia, name, f'{value:.6g}')
    add_all(inertia, ixy=0, ixz=0, iyz=0)


def _shape(geometry: Element, body: Body) -> None:
    """Add a primitive."""
    shape = add(geometry, body.shape)
    if body.shape == 'box':
        add(shape, 'size', body.size)
    elif body.shape == 'cylinder':
        add_all(shape, radius=body.size[0], length=body.size[1])
    else:
        add(shape, 'radius', body.size[0])


def _joint(model: Element, body: Body) -> None:
    """Add the joint that holds a link."""
    joint = add(model, 'joint', name=body.joint, type='fixed' if body.axis is None else 'revolute')
    add(joint, 'parent', body.parent)
    add(joint, 'child', body.name)
    if body.axis is None:
        return
    axis = add(joint, 'axis')
    add(axis, 'xyz', body.axis)
    limit = add(axis, 'limit')
    reach = 1e16 if body.limit_rad is None else body.limit_rad
    add_all(limit, lower=-reach, upper=reach)


def _camera(
    link: Element, camera: CourseCamera, release: GazeboRelease, size_wh: tuple[int, int],
    prefix: str,
) -> None:  # fmt: skip
    """Add a camera with aligned depth; it looks along x of its link, as in SDF."""
    sensor = add(link, 'sensor', name='camera', type='rgbd_camera')
    add_all(sensor, always_on=True, update_rate=CAMERA_HZ, topic=f'{prefix}camera')
    add(sensor, release.frame_id_tag, 'camera_optical_frame')
    lens = add(sensor, 'camera')
    pinhole = PinholeCamera.from_fovy(size_wh, camera.fovy_deg)
    add(lens, 'horizontal_fov', 2 * math.atan(size_wh[0] / 2 / pinhole.fx))
    image = add(lens, 'image')
    add_all(image, width=size_wh[0], height=size_wh[1], format='R8G8B8')
    add_all(add(lens, 'clip'), near=NEAR_M, far=FAR_M)
    if camera.noise > 0:
        noise = add(lens, 'noise')
        deviation = NOISE_OF_CHEAP_CAMERA * camera.noise
        add_all(noise, type='gaussian', mean=0, stddev=deviation)


def _drive(model: Element, robot: RobotModel, release: GazeboRelease, prefix: str) -> None:
    """Add the drive, which also publishes odometry and its transform."""
    if robot.ackermann:
        plugin = add(model, 'plugin', **release.plugin('ackermann-steering', 'AckermannSteering'))
    else:
        plugin = add(model, 'plugin', **release.plugin('diff-drive', 'DiffDrive'))
    track = robot.width_m - robot.wheel_width_m
    add_all(
        plugin, left_joint='left_wheel_joint', right_joint='right_wheel_joint',
        wheel_separation=track, wheel_radius=robot.wheel_radius_m,
    )  # fmt: skip
    if robot.ackermann:
        add_all(
            plugin, left_steering_joint='front_left_steering_joint',
            right_steering_joint='front_right_steering_joint', kingpin_width=track,
            wheel_base=robot.wheelbase_m, steering_limit=math.radians(robot.max_steering_deg),
            min_velocity=-robot.max_speed_m_s, max_velocity=robot.max_speed_m_s,
            min_acceleration=-robot.braking_m_s2, max_acceleration=robot.acceleration_m_s2,
        )  # fmt: skip
    else:
        add_all(
            plugin, min_linear_velocity=-robot.max_speed_m_s,
            max_linear_velocity=robot.max_speed_m_s, min_angular_velocity=-robot.max_turn_rad_s,
            max_angular_velocity=robot.max_turn_rad_s, min_linear_acceleration=-robot.braking_m_s2,
            max_linear_acceleration=robot.acceleration_m_s2,
            min_angular_acceleration=-robot.turn_acceleration_rad_s2,
            max_angular_acceleration=robot.turn_acceleration_rad_s2,
        )  # fmt: skip
    add_all(
        plugin, odom_publish_frequency=ODOMETRY_HZ, topic=f'{prefix}cmd_vel',
        odom_topic=f'{prefix}odom', tf_topic=f'{prefix}tf', frame_id='odom',
        child_frame_id='base_link',
    )  # fmt: skip
