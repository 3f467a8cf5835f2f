"""Write everything that Gazebo and ROS 2 need for a course into one folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from perception_nodes.simulation.course import Course
from perception_nodes.simulation.course_file import load_course
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.disturbances import load_disturbance
from perception_nodes.simulation.gazebo.bridge import bridge_rows
from perception_nodes.simulation.gazebo.course_world import MeshFiles, course_world
from perception_nodes.simulation.gazebo.elements import Element, document
from perception_nodes.simulation.gazebo.release import SDF_VERSION, GazeboRelease
from perception_nodes.simulation.gazebo.robot_sdf import robot_sdf
from perception_nodes.simulation.gazebo.robot_urdf import robot_urdf
from perception_nodes.simulation.meshes import Mesh
from perception_nodes.simulation.parts import Thing
from perception_nodes.simulation.vehicle import Pose2D
from perception_nodes.simulation.world import SimulationConfig, populated

ROBOT, URDF, BRIDGE = 'robot.sdf', 'robot.urdf', 'bridge.yaml'
"""Names in the folder; the world is named like its course."""
THINGS = 8
"""Things beside the course, unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class GazeboExport:
    """
    The files of an exported course.

    :param world: SDF with the robot at the start.
    :param robot: SDF of the robot alone, to spawn more of them.
    :param urdf: for robot_state_publisher.
    :param bridge: for ros_gz_bridge.
    """

    world: Path
    robot: Path
    urdf: Path
    bridge: Path

    @classmethod
    def read(cls, folder: Path) -> GazeboExport:
        """
        Return the files of a folder that was exported before.

        :raises ValueError: a folder without them.
        """
        robot, urdf, bridge = (folder / name for name in (ROBOT, URDF, BRIDGE))
        worlds = [path for path in sorted(folder.glob('*.sdf')) if path != robot]
        if len(worlds) != 1 or not all(path.is_file() for path in (robot, urdf, bridge)):
            raise ValueError(
                f'{folder} is not what perception gazebo export writes: one world, {ROBOT}, '
                f'{URDF} and {BRIDGE}'
            )
        return cls(world=worlds[0], robot=robot, urdf=urdf, bridge=bridge)


def standing_scene(course: str, *, things: int = THINGS, **changes: Any) -> SimulationConfig:
    """
    Return a scene with what Gazebo shows: nothing that walks, no clutter.

    :param changes: further fields of the configuration.
    """
    return SimulationConfig(course=course, things=things, clutter=0, walkers=0, **changes)


def export_course(
    config: SimulationConfig, release: GazeboRelease, folder: Path, *, namespace: str = ''
) -> GazeboExport:
    """
    Write a course with the things that the embedded simulator shows for the same configuration.

    Walkers are left out, and figures that step in stand where they wait.

    :param namespace: of the robot; goes before its Gazebo topics.
    :raises CourseError: a course that is unknown or broken.
    """
    course = load_course(config.course)
    disturbance = load_disturbance(config.disturbance)
    prefix = f'{namespace.strip("/")}/' if namespace.strip('/') else ''
    make_robot = partial(
        robot_sdf, course.robot, course.camera, release, size_wh=config.size_wh, prefix=prefix
    )
    files = MeshFiles()
    world = course_world(
        course, release, make_robot(start=course.start),
        things=_things(config, course), files=files,
        worn_percent=max(course.worn_percent, disturbance.worn_percent),
        illuminance_factor=disturbance.illuminance_factor,
    )  # fmt: skip
    alone = Element('sdf', {'version': SDF_VERSION})
    alone.append(make_robot())
    export = GazeboExport(
        world=folder / f'{course.name}.sdf', robot=folder / ROBOT, urdf=folder / URDF,
        bridge=folder / BRIDGE,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    export.world.write_text(document(world), encoding='utf-8')
    export.robot.write_text(document(alone), encoding='utf-8')
    urdf = robot_urdf(course.robot, course.camera)
    export.urdf.write_text(document(urdf), encoding='utf-8')
    rows = bridge_rows(release, prefix)
    export.bridge.write_text(yaml.safe_dump(rows, sort_keys=False), encoding='utf-8')
    for name, mesh in files.meshes.items():
        _write_stl(folder / name, mesh)
    return export


def _things(config: SimulationConfig, course: Course) -> list[tuple[Thing, Pose2D]]:
    """Return what stands where, as in the embedded simulator."""
    population, figures, _ = populated(config, CoursePath(course))
    shown = [*population.standing, *(figure.at(0) for figure in figures)]
    return [(population.things[number], pose) for number, pose in shown]


def _write_stl(path: Path, mesh: Mesh) -> None:
    """Write a mesh as binary STL, metres."""
    corners = mesh.vertices[mesh.faces].astype('<f4')
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    kind = np.dtype([('normal', '<f4', 3), ('corners', '<f4', (3, 3)), ('attribute', '<u2')])
    table = np.zeros(len(corners), kind)
    table['normal'], table['corners'] = normals, corners
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'\0' * 80 + np.uint32(len(table)).tobytes() + table.tobytes())
