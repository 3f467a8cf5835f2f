"""A course as an SDF world: floor, lane, tapes, things and the robot at the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from perception_nodes.simulation.course import Course
from perception_nodes.simulation.gazebo.elements import Element, add, add_all, rpy_of
from perception_nodes.simulation.gazebo.release import SDF_VERSION, GazeboRelease
from perception_nodes.simulation.marking import LANE, Strip, course_strips
from perception_nodes.simulation.meshes import Mesh
from perception_nodes.simulation.parts import Part, Shape, Thing
from perception_nodes.simulation.vehicle import Pose2D

LANE_TOP_M, TAPE_TOP_M = 0.002, 0.004
PIECE_SAMPLES = 20
"""Strips are cut into pieces of so many samples (1 m), which are simple polygons."""
FLOOR_RGB, LANE_RGB, TAPE_RGB = (0.25, 0.25, 0.24), (0.55, 0.55, 0.53), (0.95, 0.85, 0.2)
FLOOR_SIDE_M = 90.0
STEP_S = 0.002
SUN = (1.0, 1.0, 1.0)
SYSTEMS = (
    ('physics', 'Physics'),
    ('user-commands', 'UserCommands'),
    ('scene-broadcaster', 'SceneBroadcaster'),
    ('sensors', 'Sensors'),
    ('contact', 'Contact'),
)


@dataclass
class MeshFiles:
    """The meshes of a world: each is written once, under a name relative to the world's file."""

    folder: str = 'meshes'
    meshes: dict[str, Mesh] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)

    def name(self, mesh: Mesh) -> str:
        """Return the address of a mesh."""
        if id(mesh) not in self._names:
            name = f'{self.folder}/mesh{len(self.meshes)}.stl'
            self.meshes[name] = mesh
            self._names[id(mesh)] = name
        return self._names[id(mesh)]


def course_world(
    course: Course,
    release: GazeboRelease,
    robot: Element,
    *,
    things: Iterable[tuple[Thing, Pose2D]] = (),
    files: MeshFiles | None = None,
    worn_percent: float | None = None,
    illuminance_factor: float = 1.0,
) -> Element:
    """
    Return the ``sdf`` element.

    :param robot: its ``model`` element.
    :param things: what stands where.
    :param files: collects the meshes of the things.
    """
    root = Element('sdf', {'version': SDF_VERSION})
    world = add(root, 'world', name=course.name)
    physics = add(world, 'physics', name='physics', type='ignored')
    add_all(physics, max_step_size=STEP_S, real_time_factor=1)
    for stem, name in SYSTEMS:
        plugin = add(world, 'plugin', **release.plugin(stem, name))
        if stem == 'sensors':
            add(plugin, 'render_engine', 'ogre2')
    _light(world, illuminance_factor)
    _floor(world)
    strips = course_strips(course, worn_percent=worn_percent)
    _markings(world, strips)
    files = MeshFiles() if files is None else files
    for number, (thing, pose) in enumerate(things):
        _thing(world, f'thing{number}', thing, pose, files)
    world.append(robot)
    return root


def pieces(strip: Strip) -> Iterator[np.ndarray]:
    """Yield the (N, 2) outlines of the pieces of a strip; neighbours share two corners."""
    for first in range(0, len(strip.left) - 1, PIECE_SAMPLES):
        part = slice(first, first + PIECE_SAMPLES + 1)
        yield Strip(kind=strip.kind, left=strip.left[part], right=strip.right[part]).outline


def _light(world: Element, factor: float) -> None:
    """Add a sun and light from everywhere."""
    scene = add(world, 'scene')
    ambient = [min(1.0, 0.4 * factor)] * 3
    add_all(scene, ambient=(*ambient, 1), background=(0.7, 0.75, 0.8, 1), shadows=True)
    sun = add(world, 'light', name='sun', type='directional')
    shine = [min(1.0, 0.8 * factor * part) for part in SUN]
    add_all(
        sun, cast_shadows=True, pose=(0, 0, 10, 0, 0, 0), diffuse=(*shine, 1),
        specular=(0.1, 0.1, 0.1, 1), direction=(-0.4, 0.2, -0.9),
    )  # fmt: skip


def _static(world: Element, name: str) -> tuple[Element, Element]:
    """Return a new model that never moves, and its link."""
    model = add(world, 'model', name=name)
    add(model, 'static', True)
    return model, add(model, 'link', name='link')


def _paint(visual: Element, rgb: Sequence[float]) -> None:
    """Give a visual a plain colour."""
    color = (*(float(np.clip(part, 0, 1)) for part in rgb), 1)
    add_all(add(visual, 'material'), ambient=color, diffuse=color, specular=(0.05, 0.05, 0.05, 1))


def _floor(world: Element) -> None:
    """Add the floor."""
    _, link = _static(world, 'floor')
    for tag in ('collision', 'visual'):
        part = add(link, tag, name=f'floor_{tag}')
        plane = add(add(part, 'geometry'), 'plane')
        add_all(plane, normal=(0, 0, 1), size=(FLOOR_SIDE_M, FLOOR_SIDE_M))
        if tag == 'visual':
            _paint(part, FLOOR_RGB)


def _markings(world: Element, strips: Sequence[Strip]) -> None:
    """Add lane and tapes as thin slabs without contact."""
    _, link = _static(world, 'course')
    for index, strip in enumerate(strips):
        for number, outline in enumerate(pieces(strip)):
            visual = add(link, 'visual', name=f'{strip.kind}_{index}_{number}')
            polyline = add(add(visual, 'geometry'), 'polyline')
            for point in outline:
                add(polyline, 'point', tuple(point))
            add(polyline, 'height', LANE_TOP_M if strip.kind == LANE else TAPE_TOP_M)
            _paint(visual, LANE_RGB if strip.kind == LANE else TAPE_RGB)


def _thing(world: Element, name: str, thing: Thing, pose: Pose2D, files: MeshFiles) -> None:
    """Add a thing: its parts to see, the box around it to touch."""
    model, link = _static(world, name)
    add(model, 'pose', (pose.x_m, pose.y_m, 0, 0, 0, pose.yaw_rad))
    for number, part in enumerate(thing.parts):
        visual = add(link, 'visual', name=f'part{number}')
        add(visual, 'pose', (*part.position, *rpy_of(part.quaternion)))
        _solid(add(visual, 'geometry'), part, files)
        tint = np.ones(3) if part.texture is None else part.texture.mean(axis=(0, 1)) / 255
        _paint(visual, (part.color * tint).tolist())
    collision = add(link, 'collision', name='box')
    add(collision, 'pose', (*(thing.low + thing.high) / 2, 0, 0, 0))
    add(add(add(collision, 'geometry'), 'box'), 'size', np.maximum(thing.high - thing.low, 0.01))


def _solid(geometry: Element, part: Part, files: MeshFiles) -> None:
    """Add the shape of a part; MuJoCo's sizes are halves."""
    if part.mesh is not None:
        add(add(geometry, 'mesh'), 'uri', files.name(part.mesh))
        return
    shape = add(geometry, part.shape.value)
    if part.shape is Shape.BOX:
        add(shape, 'size', [2 * half for half in part.size])
    elif part.shape is Shape.ELLIPSOID:
        add(shape, 'radii', part.size)
    elif part.shape is Shape.SPHERE:
        add(shape, 'radius', part.size[0])
    else:
        add_all(shape, radius=part.size[0], length=2 * part.size[1])
