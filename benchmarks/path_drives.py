"""Drives over the simulated courses with true pose and true path: what path figures are from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perception_nodes.geometry import (
    CameraModel,
    GroundProjection,
    PlanarPose,
    RigidTransform,
    centred_from_continuous,
)
from perception_nodes.path import Clothoid
from perception_nodes.simulation import (
    CoursePath,
    PathDriver,
    Pose2D,
    RenderedView,
    SimulatedWorld,
    SimulationConfig,
)

SPEED_M_S, STEP_S = 0.5, 0.1
WEAVE_RAD_S, WEAVE_M = 0.45, 1.7
"""Added to the turning speed as a sine over the path: up to 8 cm and 0.3 rad beside it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Look:
    """
    One picture of a drive.

    :param world_from_base: true pose.
    :param odom_from_base: what the wheels say.
    :param s_m: arc length of the robot along the route.
    """

    view: RenderedView
    world_from_base: PlanarPose
    odom_from_base: PlanarPose
    stamp_ns: int
    s_m: float


def course_config(course: str, *, seed: int = 0, **changes: Any) -> SimulationConfig:
    """Return a world with the course's own camera and things, and nobody who steps in."""
    settings = SimulationConfig(
        course=course, seed=seed, camera_from_course=True, things=0, clutter=0, walkers=0,
        figures=False,
    )  # fmt: skip
    return replace(settings, **changes)


def ground_of(world: SimulatedWorld) -> GroundProjection:
    """Return the floor as the world's camera sees it, as sure as a calibrated robot is."""
    camera = world.camera
    centre = centred_from_continuous(np.array([camera.cx, camera.cy]))
    model = CameraModel.pinhole(
        camera.size_wh, camera.fx, camera.fy, float(centre[0]), float(centre[1])
    )
    return GroundProjection(
        model, RigidTransform.from_matrix(world.base_from_camera),
        pitch_sigma_rad=float(np.radians(0.3)), roll_sigma_rad=float(np.radians(0.2)),
        height_sigma_m=0.003, pixel_sigma=0.5,
    )  # fmt: skip


def drive(world: SimulatedWorld) -> Iterator[Look]:
    """Yield pictures along the route, weaving, until its end; closed courses are driven once."""
    driver = PathDriver(world.path, speed_m_s=SPEED_M_S)
    s_m, begin_m = 0.0, driver.travelled_m
    while not driver.finished and driver.travelled_m - begin_m < world.path.length_m:
        linear, angular = driver.command(world.pose)
        s_m = world.path.project(world.pose.x_m, world.pose.y_m, around_m=s_m)[0]
        angular += WEAVE_RAD_S * float(np.sin(2 * np.pi * driver.travelled_m / WEAVE_M))
        world.command(linear, angular, world.time_ns)
        world.advance(STEP_S)
        yield Look(
            view=world.render(), world_from_base=_planar(world.pose),
            odom_from_base=_planar(world.odometry.pose), stamp_ns=world.time_ns, s_m=s_m,
        )  # fmt: skip


def true_curve(path: CoursePath, world_from_there: PlanarPose, s_m: float) -> Clothoid | None:
    """
    Return the true path as told from a place, None beyond the ends of an open course.

    :param s_m: about where along the route.
    """
    x, y = world_from_there.x_m, world_from_there.y_m
    foot_m, left_m = path.project(x, y, around_m=s_m)
    if not path.course.closed and not 0 < foot_m < path.length_m:
        return None
    heading = world_from_there.yaw_rad - path.pose_at(foot_m).yaw_rad
    return Clothoid(
        lateral_error_m=left_m,
        heading_error_rad=float((heading + np.pi) % (2 * np.pi) - np.pi),
        curvature_1_m=path.curvature_at(foot_m),
    )


def _planar(pose: Pose2D) -> PlanarPose:
    return PlanarPose(x_m=pose.x_m, y_m=pose.y_m, yaw_rad=pose.yaw_rad)
