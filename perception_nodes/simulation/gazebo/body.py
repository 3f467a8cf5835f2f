"""The bodies and joints of a robot, once, for SDF and for URDF."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perception_nodes.simulation.course import CourseCamera
from perception_nodes.simulation.robot_model import RobotModel

Vector = tuple[float, float, float]
HULL_KG, WHEEL_KG, CAMERA_KG, KNUCKLE_KG = 3.0, 0.15, 0.05, 0.1
CAMERA_SIDE_M = 0.03
CASTOR_CLEARANCE_M = 1e-4
"""The castor floats so far above the floor when the robot stands level."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """
    A link and the joint that holds it.

    :param shape: ``box`` (size), ``cylinder`` (radius, length, along its z axis), ``sphere``
        (radius) or ``none`` (a frame only).
    :param position: of the link in its parent, metres.
    :param shape_at: middle of the shape in the link.
    :param rpy: of the link in its parent, rad.
    :param parent: name of the link that holds it; empty for base_link.
    :param axis: of a turning joint in the link's own frame; None for a fixed one.
    :param limit_rad: of a steering joint; None turns for ever.
    :param solid: whether it touches things.
    """

    name: str
    shape: str = 'none'
    size: tuple[float, ...] = ()
    mass_kg: float = 0.0
    position: Vector = (0.0, 0.0, 0.0)
    shape_at: Vector = (0.0, 0.0, 0.0)
    rpy: Vector = (0.0, 0.0, 0.0)
    parent: str = ''
    axis: Vector | None = None
    limit_rad: float | None = None
    slippery: bool = False
    solid: bool = True
    color: tuple[float, float, float] = (0.2, 0.2, 0.25)

    @property
    def joint(self) -> str:
        """Name of the joint that holds it."""
        return self.name.replace('_link', '') + '_joint'

    @property
    def inertia(self) -> Vector:
        """Principal moments of the shape, kg m²."""
        m, size = self.mass_kg, self.size
        if self.shape == 'box':
            x, y, z = size
            return m * (y * y + z * z) / 12, m * (x * x + z * z) / 12, m * (x * x + y * y) / 12
        if self.shape == 'cylinder':
            radius, length = size
            across = m * (3 * radius**2 + length**2) / 12
            return across, across, m * radius**2 / 2
        return (0.4 * m * size[0] ** 2,) * 3 if size else (0.0, 0.0, 0.0)


def bodies_of(robot: RobotModel, camera: CourseCamera) -> tuple[Body, ...]:
    """Return all links, parents first; base_link is on the floor under the driven axle."""
    return (*_hull(robot), *_wheels(robot), *_camera(camera))


def _hull(robot: RobotModel) -> list[Body]:
    """Return the hull, between the wheels and clear of the floor."""
    clearance = robot.wheel_radius_m * 0.6
    width = robot.width_m - 2 * robot.wheel_width_m - 0.01
    middle = (robot.length_m / 2 - robot.rear_m, 0.0, clearance + robot.height_m / 2)
    hull = Body(
        name='base_link', shape='box', size=(robot.length_m, width, robot.height_m),
        mass_kg=HULL_KG, shape_at=middle, color=(0.85, 0.45, 0.1),
    )  # fmt: skip
    return [hull]


def _wheels(robot: RobotModel) -> list[Body]:
    """Return driven wheels, then a castor or the steered wheels."""
    side = (robot.width_m - robot.wheel_width_m) / 2
    bodies = [
        _wheel(robot, f'{name}_wheel_link', (0.0, y, robot.wheel_radius_m), 'base_link')
        for name, y in (('left', side), ('right', -side))
    ]
    if not robot.ackermann:
        radius = robot.wheel_radius_m * 0.5
        castor = Body(
            name='castor_link', shape='sphere', size=(radius,), mass_kg=WHEEL_KG,
            position=(robot.wheelbase_m, 0.0, radius + CASTOR_CLEARANCE_M), parent='base_link',
            slippery=True,
        )  # fmt: skip
        return [*bodies, castor]
    limit = math.radians(robot.max_steering_deg)
    for name, y in (('front_left', side), ('front_right', -side)):
        knuckle = Body(
            name=f'{name}_steering_link', shape='sphere', size=(0.01,), mass_kg=KNUCKLE_KG,
            position=(robot.wheelbase_m, y, robot.wheel_radius_m), parent='base_link',
            axis=(0.0, 0.0, 1.0), limit_rad=limit, solid=False,
        )  # fmt: skip
        bodies += [knuckle, _wheel(robot, f'{name}_wheel_link', (0.0, 0.0, 0.0), knuckle.name)]
    return bodies


def _wheel(robot: RobotModel, name: str, position: Vector, parent: str) -> Body:
    """Return a wheel; its z axis is the axle and points to the left."""
    return Body(
        name=name, shape='cylinder', size=(robot.wheel_radius_m, robot.wheel_width_m),
        mass_kg=WHEEL_KG, position=position, rpy=(-math.pi / 2, 0.0, 0.0), parent=parent,
        axis=(0.0, 0.0, 1.0), color=(0.08, 0.08, 0.08),
    )  # fmt: skip


def _camera(camera: CourseCamera) -> list[Body]:
    """Return the camera and its optical frame (REP-103)."""
    mount = Body(
        name='camera_link', shape='box', size=(0.01, CAMERA_SIDE_M, CAMERA_SIDE_M),
        mass_kg=CAMERA_KG, position=(camera.forward_m, 0.0, camera.height_m),
        rpy=(0.0, math.radians(camera.pitch_deg), 0.0), parent='base_link', solid=False,
        shape_at=(-0.02, 0.0, 0.0), color=(0.1, 0.1, 0.1),
    )  # fmt: skip
    optical = Body(
        name='camera_optical_frame', parent='camera_link', solid=False,
        rpy=(-math.pi / 2, 0.0, -math.pi / 2),
    )  # fmt: skip
    return [mount, optical]
