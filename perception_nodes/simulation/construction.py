"""How the design of a stage becomes a MuJoCo model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perception_nodes.simulation.backend import mujoco
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.marking import LANE, TAPE_LEFT, TAPE_RIGHT, course_strips
from perception_nodes.simulation.meshes import Mesh, joined, ribbon
from perception_nodes.simulation.parts import Part, Shape, Thing, quaternion_about

LIGHTS = 4
WALLS = 4
SHOWN, HIDDEN, ALONE = 0, 5, 3
"""Geometry groups: what the camera sees, what it does not, what is measured on its own."""
NEAR_M, FAR_M = 0.05, 60.0
FLOOR_HALF_M = 45.0
LANE_TOP_M, TAPE_TOP_M, SLAB_BOTTOM_M = 0.002, 0.004, -0.05
RISE_M, STRIPS_APART = 0.0015, 4
"""Strips rise by this much in all, so many of them one above the other."""

_GEOM = {
    Shape.BOX: mujoco.mjtGeom.mjGEOM_BOX,
    Shape.SPHERE: mujoco.mjtGeom.mjGEOM_SPHERE,
    Shape.ELLIPSOID: mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    Shape.CAPSULE: mujoco.mjtGeom.mjGEOM_CAPSULE,
    Shape.CYLINDER: mujoco.mjtGeom.mjGEOM_CYLINDER,
    Shape.MESH: mujoco.mjtGeom.mjGEOM_MESH,
}
_FLAT = mujoco.mjtBuiltin.mjBUILTIN_FLAT
_RGB = mujoco.mjtTextureRole.mjTEXROLE_RGB


@dataclass(frozen=True, eq=False, kw_only=True)
class Surface:
    """
    A flat texture.

    :param picture: (side, side, 3) uint8.
    :param repeats_1_m: how often it repeats per metre.
    """

    picture: np.ndarray
    repeats_1_m: float = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class StageDesign:
    """
    What a stage is made of.

    :param things: the stock; at most 254.
    :param sky: (6 side, side, 3) uint8.
    :param path: marked path, or ``None``.
    :param tape_colors: (2, 3) RGB of the left and the right tape.
    :param worn_percent: share of the tapes that is missing; the course's by default.
    :param wear_seed: says where it is missing.
    :param room_half_m: distance of the four walls from the origin.
    """

    things: tuple[Thing, ...]
    floor: Surface
    walls: Surface
    lane: Surface
    sky: np.ndarray
    path: CoursePath | None = None
    tape_colors: np.ndarray = field(default_factory=lambda: np.ones((2, 3)))
    worn_percent: float | None = None
    wear_seed: int = 0
    room_half_m: float = 8.0
    room_height_m: float = 3.0


class StageBuilder:
    """Collects textures, materials, meshes and bodies in an ``MjSpec``."""

    def __init__(self, size_wh: tuple[int, int], shadow_size: int) -> None:
        self.spec = mujoco.MjSpec()
        visual = self.spec.visual
        visual.global_.offwidth, visual.global_.offheight = size_wh
        visual.quality.offsamples = 0
        visual.quality.shadowsize = shadow_size
        visual.quality.numslices, visual.quality.numstacks = 14, 8
        visual.quality.numquads = 8
        visual.headlight.active = 1
        visual.map.znear, visual.map.zfar = NEAR_M, FAR_M
        visual.map.shadowclip, visual.map.shadowscale = 8.0, 0.7
        self.spec.stat.extent = 1.0
        self.spec.stat.center = [0, 0, 0]
        self.pictures: list[np.ndarray] = []
        self.geoms: list[list[str]] = []
        self._materials: dict[int, str] = {}
        self._meshes: dict[int, str] = {}
        self._kept: list[Mesh] = []  # ids are unique only while the objects live

    def texture(self, kind: mujoco.mjtTexture, picture: np.ndarray) -> str:
        """Reserve a texture that is filled after compilation, and return its name."""
        name = f'texture{len(self.pictures)}'
        side = picture.shape[1]
        self.spec.add_texture(
            name=name, type=kind, builtin=_FLAT, width=side, height=side, nchannel=3,
            rgb1=[1, 1, 1], rgb2=[1, 1, 1],
        )  # fmt: skip
        self.pictures.append(picture)
        return name

    def surface(self, name: str, surface: Surface, shine: float = 0.1) -> str:
        """Add the material of a flat surface."""
        material = self.spec.add_material(name=name)
        material.textures[_RGB] = self.texture(mujoco.mjtTexture.mjTEXTURE_2D, surface.picture)
        material.texuniform = True
        material.texrepeat = [surface.repeats_1_m, surface.repeats_1_m]
        material.specular = material.shininess = shine
        return name

    def material(self, part: Part) -> str:
        """Return the material of a part; parts with one picture share it."""
        level = round(part.shine * 4)
        key = id(part.texture) if part.texture is not None else -1 - level
        if key not in self._materials:
            name = f'material{len(self._materials)}'
            material = self.spec.add_material(name=name)
            material.specular = level / 4
            material.shininess = 0.1 + 0.2 * level
            if part.texture is not None:
                cube = np.tile(part.texture, (6, 1, 1))
                kind = mujoco.mjtTexture.mjTEXTURE_CUBE
                material.textures[_RGB] = self.texture(kind, cube)
            self._materials[key] = name
        return self._materials[key]

    def mesh(self, mesh: Mesh) -> str:
        """Return the name of a mesh, adding it once."""
        if id(mesh) not in self._meshes:
            name = f'mesh{len(self._meshes)}'
            self.spec.add_mesh(
                name=name, uservert=mesh.vertices.ravel(), userface=mesh.faces.ravel(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            )  # fmt: skip
            self._meshes[id(mesh)] = name
            self._kept.append(mesh)
        return self._meshes[id(mesh)]

    def part(self, body: mujoco.MjsBody, part: Part, name: str) -> None:
        """Add one solid to a body."""
        options: dict = {'meshname': self.mesh(part.mesh)} if part.mesh is not None else {}
        body.add_geom(
            name=name, type=_GEOM[part.shape], size=part.size, pos=part.position,
            quat=part.quaternion, rgba=[*np.clip(part.color, 0, 1), 1],
            material=self.material(part), contype=0, conaffinity=0, group=HIDDEN, **options,
        )  # fmt: skip

    def thing(self, index: int, thing: Thing) -> None:
        """Add a movable thing, hidden."""
        body = self.spec.worldbody.add_body(name=f'thing{index}', mocap=True)
        names = []
        for number, part in enumerate(thing.parts):
            names.append(f'thing{index}.{number}')
            self.part(body, part, names[-1])
        self.geoms.append(names)


def build_ground(builder: StageBuilder, design: StageDesign) -> None:
    """Add floor, walls, sky, lane, lights and the camera."""
    world = builder.spec.worldbody
    plane = mujoco.mjtGeom.mjGEOM_PLANE
    still = {'contype': 0, 'conaffinity': 0}
    world.add_geom(
        name='floor', type=plane, size=[FLOOR_HALF_M, FLOOR_HALF_M, 1], group=SHOWN,
        material=builder.surface('floor', design.floor), **still,
    )  # fmt: skip
    wall = builder.surface('wall', design.walls)
    half, height = design.room_half_m, design.room_height_m
    for index in range(WALLS):
        angle = index * np.pi / 2
        turn, tip = quaternion_about(2, angle), quaternion_about(1, np.pi / 2)
        quaternion = np.empty(4)
        mujoco.mju_mulQuat(quaternion, np.array(turn), np.array(tip))
        world.add_geom(
            name=f'wall{index}', type=plane, size=[height / 2, half, 1], quat=quaternion,
            pos=[-half * np.cos(angle), -half * np.sin(angle), height / 2], material=wall,
            group=HIDDEN, **still,
        )  # fmt: skip
    builder.spec.add_material(name='sky')
    builder.texture(mujoco.mjtTexture.mjTEXTURE_SKYBOX, design.sky)
    if design.path is not None:
        _build_lane(builder, design, design.path)
    for index in range(LIGHTS):
        world.add_light(name=f'light{index}', pos=[0, 0, 4], cutoff=85, exponent=0.5)
    world.add_camera(name='camera', pos=[0, 0, 1])


def _build_lane(builder: StageBuilder, design: StageDesign, path: CoursePath) -> None:
    """Add the lane and its two tapes as thin slabs that reach through the floor."""
    strips = course_strips(
        path.course, worn_percent=design.worn_percent, wear_seed=design.wear_seed
    )
    lane = builder.surface('lane', design.lane)
    colors = {TAPE_LEFT: design.tape_colors[0], TAPE_RIGHT: design.tape_colors[1]}
    for name in (LANE, *colors):
        top = LANE_TOP_M if name == LANE else TAPE_TOP_M
        same = [strip for strip in strips if strip.kind == name]
        slabs = [
            ribbon(s.left, s.right, _tops(top, number, len(s.left)), SLAB_BOTTOM_M)
            for number, s in enumerate(same)
        ]
        if not slabs:
            continue
        color = [1, 1, 1, 1] if name == LANE else [*colors[name], 1]
        look = {'material': lane} if name == LANE else {}
        builder.spec.worldbody.add_geom(
            name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=builder.mesh(joined(slabs)),
            rgba=color, contype=0, conaffinity=0, group=SHOWN, **look,
        )  # fmt: skip


def _tops(top_m: float, number: int, count: int) -> np.ndarray:
    """
    Return (count,) heights along a strip that is never as high as another one, or itself.

    Where strips of one height cross, the renderer shows now this one, now that one, and lights
    both.
    """
    share = (number % STRIPS_APART + np.linspace(0.0, 1.0, count)) / STRIPS_APART
    return top_m + RISE_M * share


def fill_textures(model: mujoco.MjModel, pictures: list[np.ndarray]) -> None:
    """Write the pictures into the reserved memory."""
    for index, picture in enumerate(pictures):
        start = int(model.tex_adr[index])
        flat = np.ascontiguousarray(picture).ravel()
        model.tex_data[start : start + flat.size] = flat
