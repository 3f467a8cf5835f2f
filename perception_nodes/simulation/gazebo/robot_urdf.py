"""The robot as URDF, for robot_state_publisher and RViz."""

from __future__ import annotations

from perception_nodes.simulation.course import CourseCamera
from perception_nodes.simulation.gazebo.body import Body, bodies_of
from perception_nodes.simulation.gazebo.elements import Element, add
from perception_nodes.simulation.robot_model import RobotModel


def robot_urdf(robot: RobotModel, camera: CourseCamera) -> Element:
    """Return the ``robot`` element."""
    root = Element('robot', {'name': 'perception_robot'})
    for body in bodies_of(robot, camera):
        _link(root, body)
        if body.parent:
            _joint(root, body)
    return root


def _link(root: Element, body: Body) -> None:
    """Add a link with looks, contact and inertia."""
    link = add(root, 'link', name=body.name)
    if body.shape == 'none':
        return
    for tag in ('visual', 'collision') if body.solid else ('visual',):
        part = add(link, tag)
        add(part, 'origin', xyz=body.shape_at, rpy=(0, 0, 0))
        _shape(add(part, 'geometry'), body)
        if tag == 'visual':
            add(add(part, 'material', name=f'{body.name}_color'), 'color', rgba=(*body.color, 1))
    inertial = add(link, 'inertial')
    add(inertial, 'origin', xyz=body.shape_at, rpy=(0, 0, 0))
    add(inertial, 'mass', value=body.mass_kg)
    ixx, iyy, izz = body.inertia
    moments = {'ixx': ixx, 'iyy': iyy, 'izz': izz}
    add(inertial, 'inertia', ixy='0', ixz='0', iyz='0',
        **{name: f'{value:.6g}' for name, value in moments.items()})  # fmt: skip


def _shape(geometry: Element, body: Body) -> None:
    """Add a primitive."""
    if body.shape == 'box':
        add(geometry, 'box', size=body.size)
    elif body.shape == 'cylinder':
        add(geometry, 'cylinder', radius=body.size[0], length=body.size[1])
    else:
        add(geometry, 'sphere', radius=body.size[0])


def _joint(root: Element, body: Body) -> None:
    """Add the joint that holds a link."""
    kind = 'fixed' if body.axis is None else 'continuous'
    if body.limit_rad is not None:
        kind = 'revolute'
    joint = add(root, 'joint', name=body.joint, type=kind)
    add(joint, 'origin', xyz=body.position, rpy=body.rpy)
    add(joint, 'parent', link=body.parent)
    add(joint, 'child', link=body.name)
    if body.axis is not None:
        add(joint, 'axis', xyz=body.axis)
    if body.limit_rad is not None:
        add(joint, 'limit', lower=-body.limit_rad, upper=body.limit_rad, effort=5, velocity=6)
