"""
A compiled MuJoCo model: floor, lane, walls, lights and a stock of things to place.

Compiling costs more than rendering, so a stage is compiled once and then used for many pictures:
things are moved, hidden and shown, lights and camera are changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.simulation.backend import mujoco
from perception_nodes.simulation.camera import OPTICAL_FROM_OPENGL, PinholeCamera
from perception_nodes.simulation.classes import SemanticClass, semantic_of_thing
from perception_nodes.simulation.construction import (
    ALONE,
    HIDDEN,
    LIGHTS,
    SHOWN,
    WALLS,
    StageBuilder,
    StageDesign,
    build_ground,
    fill_textures,
)
from perception_nodes.simulation.marking import LANE, TAPE_LEFT, TAPE_RIGHT
from perception_nodes.simulation.parts import quaternion_about


@dataclass(frozen=True, kw_only=True)
class Light:
    """
    One light of a scene.

    :param position: metres; unused for directional light.
    :param direction: where it shines, unit vector.
    """

    directional: bool
    position: tuple[float, float, float]
    direction: tuple[float, float, float]
    diffuse: tuple[float, float, float]
    specular: float = 0.2
    shadow: bool = False


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """
    All light of a scene.

    :param lights: at most :data:`LIGHTS`.
    :param ambient: RGB of the light that comes from everywhere.
    """

    lights: tuple[Light, ...]
    ambient: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse more lights than a stage has."""
        if len(self.lights) > LIGHTS:
            raise ValueError(f'at most {LIGHTS} lights, got {len(self.lights)}')


class Stage:
    """
    A compiled world whose things, lights and camera can be set.

    :param design: what it is made of.
    :param size_wh: largest picture in pixels.
    :ivar thing_of_geom: (geoms,) int64, index of the thing or -1.
    :ivar semantic_of_geom: (geoms,) uint8, values of ``SemanticClass``.
    """

    def __init__(
        self, design: StageDesign, size_wh: tuple[int, int], shadow_size: int = 2048
    ) -> None:
        self.design = design
        builder = StageBuilder(size_wh, shadow_size)
        build_ground(builder, design)
        for index, thing in enumerate(design.things):
            builder.thing(index, thing)
        self.model = builder.spec.compile()
        fill_textures(self.model, builder.pictures)
        self.data = mujoco.MjData(self.model)
        self._geoms = [
            np.array([self.model.geom(name).id for name in names]) for names in builder.geoms
        ]
        self._walls = [self.model.geom(f'wall{k}').id for k in range(WALLS)]
        self.thing_of_geom, self.semantic_of_geom = self._label_geoms()
        self.pose_of_thing = np.tile(np.eye(4), (len(design.things), 1, 1))
        self.shown: list[int] = []

    def _label_geoms(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the thing index and the semantic class of every geom."""
        things = np.full(self.model.ngeom, -1, np.int64)
        classes = np.full(self.model.ngeom, int(SemanticClass.BACKGROUND), np.uint8)
        for index, (thing, geoms) in enumerate(zip(self.design.things, self._geoms, strict=True)):
            if thing.class_id is not None:
                things[geoms] = index
                classes[geoms] = semantic_of_thing(np.array(thing.class_id))
        classes[self.model.geom('floor').id] = int(SemanticClass.FLOOR)
        if self.design.path is not None:
            classes[self.model.geom(LANE).id] = int(SemanticClass.LANE)
            for side in (TAPE_LEFT, TAPE_RIGHT):
                number = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_GEOM, side)
                if number >= 0:  # all of it may be worn away
                    classes[number] = int(SemanticClass.TAPE)
        return things, classes

    def clear(self) -> None:
        """Hide all things."""
        for index in self.shown:
            self.model.geom_group[self._geoms[index]] = HIDDEN
        self.shown = []

    def place(self, index: int, x_m: float, y_m: float, yaw_rad: float) -> None:
        """Show a thing on the floor."""
        self.data.mocap_pos[index] = (x_m, y_m, 0)
        self.data.mocap_quat[index] = quaternion_about(2, yaw_rad)
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        self.pose_of_thing[index, :2, :2] = ((c, -s), (s, c))
        self.pose_of_thing[index, :2, 3] = (x_m, y_m)
        if index not in self.shown:
            self.shown.append(index)
            self.model.geom_group[self._geoms[index]] = SHOWN

    def hide(self, index: int) -> None:
        """Take a thing out of sight."""
        if index in self.shown:
            self.shown.remove(index)
            self.model.geom_group[self._geoms[index]] = HIDDEN

    def set_alone(self, index: int, alone: bool) -> None:
        """Move a shown thing into the group that is measured on its own, or back."""
        self.model.geom_group[self._geoms[index]] = ALONE if alone else SHOWN

    def show_walls(self, shown: bool) -> None:
        """Show or hide the room's four walls."""
        self.model.geom_group[self._walls] = SHOWN if shown else HIDDEN

    def set_lights(self, lighting: Lighting) -> None:
        """Switch the first of the :data:`LIGHTS` on as described and the others off."""
        model, lights = self.model, lighting.lights
        # Ambient comes with the headlight: a light that throws shadows would shade its own.
        model.vis.headlight.ambient[:] = lighting.ambient
        model.vis.headlight.diffuse[:] = 0
        model.vis.headlight.specular[:] = 0
        model.light_ambient[:] = 0
        for index in range(LIGHTS):
            model.light_active[index] = index < len(lights)
            if index >= len(lights):
                continue
            light = lights[index]
            kind = mujoco.mjtLightType
            model.light_type[index] = (
                kind.mjLIGHT_DIRECTIONAL if light.directional else kind.mjLIGHT_SPOT
            )
            model.light_pos[index] = light.position
            model.light_dir[index] = light.direction
            model.light_diffuse[index] = light.diffuse
            model.light_specular[index] = light.specular
            model.light_castshadow[index] = light.shadow

    def set_camera(self, world_from_optical: np.ndarray, camera: PinholeCamera) -> None:
        """Put the camera at a (4, 4) pose."""
        rotation = world_from_optical[:3, :3] @ OPTICAL_FROM_OPENGL
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, rotation.ravel())
        self.model.cam_pos[0] = world_from_optical[:3, 3]
        self.model.cam_quat[0] = quaternion
        self.model.cam_fovy[0] = camera.fovy_deg

    def update(self) -> None:
        """Bring all poses of MuJoCo's state up to date."""
        mujoco.mj_forward(self.model, self.data)
