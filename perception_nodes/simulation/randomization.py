"""Randomised scenes: the same number gives the same picture and labels, for ever."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from perception_nodes.imaging.disturbances import disturb, random_disturbance
from perception_nodes.simulation.assembly import compose_design, random_lights, random_path
from perception_nodes.simulation.camera import PinholeCamera, camera_pose, floor_from_pixel
from perception_nodes.simulation.construction import StageDesign
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.families import FAMILIES, Assets
from perception_nodes.simulation.layout import Layout, random_layout
from perception_nodes.simulation.renderer import LabelRenderer
from perception_nodes.simulation.sensor import apply_effects, random_effects
from perception_nodes.simulation.stage import Stage
from perception_nodes.simulation.vehicle import Pose2D
from perception_nodes.simulation.view import RenderedView
from perception_nodes.structures import check_settings, setting

SCENE_STREAM, STAGE_STREAM, DISTURBANCE_STREAM, WEAR_STREAM = 0, 1, 2, 3
"""First numbers of the random streams, so that scenes and stages never share one."""
STATIONS_M = (0.2, 5.0)
"""Where on the path a camera stands; it is the part that passes near the room's middle."""
ROOM_AHEAD_M = 1.5
"""Path that is left in front of such a camera."""
ASIDE_SIGMA, TURN_SIGMA_DEG = 0.2, 10.0
"""How far such a camera stands from the middle, in lane widths, and how it looks away."""


class Viewpoint(Enum):
    """Where the cameras of randomised scenes stand."""

    ANYWHERE = 'anywhere'
    """In the middle of the room, in any direction; the lane may be elsewhere, or missing."""
    PATH = 'path'
    """In the lane, along it, as the camera of a robot that follows it."""
    TIGHT_PATH = 'tight_path'
    """Likewise, in bends down to 0.45 m radius, where one border is often out of sight."""


@dataclass(frozen=True, kw_only=True)
class RandomizationConfig:
    """What varies between scenes, and how far."""

    assets: str = setting(
        'train', 'family of assets', choices=tuple(item.value for item in Assets)
    )
    seed: int = setting(1, 'seed of everything random', minimum=0)
    size_wh: tuple[int, int] = setting((640, 480), 'picture size in pixels', minimum=32)
    things: tuple[int, int] = setting(
        (3, 11), 'fewest and most things in a scene', minimum=0, maximum=30
    )
    clutter: tuple[int, int] = setting(
        (0, 5), 'fewest and most pieces of clutter', minimum=0, maximum=8
    )
    height_px: tuple[float, float] = setting(
        (13.0, 420.0), 'range of the height of things in pixels', minimum=4
    )
    overlap: float = setting(
        0.4, 'chance that a thing is placed in line with another', minimum=0, maximum=1
    )
    camera_height_m: tuple[float, float] = setting(
        (0.25, 1.2), 'range of the camera height in metres', minimum=0.05
    )
    pitch_deg: tuple[float, float] = setting(
        (-8.0, 22.0), 'range of the camera pitch, positive down', minimum=-60, maximum=80
    )
    fovy_deg: tuple[float, float] = setting(
        (42.0, 75.0), 'range of the vertical field of view', minimum=10, maximum=120
    )
    farthest_m: float = setting(28.0, 'largest distance of things in metres', minimum=1)
    viewpoint: str = setting(
        'anywhere', 'where cameras stand', choices=tuple(item.value for item in Viewpoint)
    )
    sensor_strength: float = setting(
        1.0, 'flaws of the camera: 0 none, 1 a cheap one', minimum=0, maximum=1
    )
    disturbed: float = setting(
        0.0,
        'part of the pictures in bad light, rain, fog, or through a dirty lens',
        minimum=0,
        maximum=1,
    )
    worn_percent: float = setting(
        0.0, 'largest share of the tapes that is missing; every stage draws its own', minimum=0,
        maximum=100,
    )  # fmt: skip
    scenes_per_stage: int = setting(
        10, 'scenes that share one stock of things and textures', minimum=1
    )

    def __post_init__(self) -> None:
        """Check the values and the order of the ranges."""
        check_settings(self)
        for name in ('things', 'clutter', 'height_px', 'camera_height_m', 'pitch_deg', 'fovy_deg'):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f'{name}: {low!r} is above {high!r}; give (lowest, highest)')

    @classmethod
    def on_path(
        cls,
        *,
        assets: str,
        seed: int,
        size_wh: tuple[int, int],
        tight: bool = False,
        disturbed: float = 0.0,
        worn_percent: float = 0.0,
    ) -> RandomizationConfig:
        """Return what a small robot sees that follows a marked path among things."""
        viewpoint = Viewpoint.TIGHT_PATH if tight else Viewpoint.PATH
        return cls(
            assets=assets, seed=seed, size_wh=size_wh, viewpoint=viewpoint.value,
            disturbed=disturbed, worn_percent=worn_percent,
            things=(0, 7), clutter=(0, 3), height_px=(24.0, 420.0), farthest_m=8.0,
            camera_height_m=(0.2, 0.6), pitch_deg=(4.0, 28.0), fovy_deg=(50.0, 75.0),
        )  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """
    One labelled picture of a randomised scene.

    :param view: picture (with the camera's flaws) and ground truth.
    :param camera: intrinsics.
    :param layout: what stood where, and where the camera was.
    :param path: the marked path, None where there was none.
    """

    index: int
    view: RenderedView
    camera: PinholeCamera
    layout: Layout
    path: CoursePath | None = None


class SceneRenderer:
    """
    Renders numbered scenes; scenes that follow one another share a stage and are cheap.

    One renderer belongs to one thread.
    """

    def __init__(self, config: RandomizationConfig) -> None:
        self.config = config
        self._family = FAMILIES[Assets(config.assets)]
        self._renderer = LabelRenderer(config.size_wh)
        self._stage: Stage | None = None
        self._stage_number = -1

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()

    def render(self, index: int) -> Scene:
        """Return scene number ``index`` (0, 1, 2 …)."""
        stage = self._stage_for(index)
        rng = np.random.default_rng([self.config.seed, SCENE_STREAM, index])
        camera = PinholeCamera.from_fovy(
            self.config.size_wh, float(rng.uniform(*self.config.fovy_deg))
        )
        design = stage.design
        base = self._base(rng, design.path)
        height_m = float(rng.uniform(*self.config.camera_height_m))
        yaw_rad = float(rng.uniform(-np.pi, np.pi)) if base is None else base.yaw_rad
        pose = camera_pose(
            (0.0, 0.0, height_m) if base is None else (base.x_m, base.y_m, height_m),
            yaw_rad=yaw_rad,
            pitch_rad=float(np.radians(rng.uniform(*self.config.pitch_deg))),
            roll_rad=float(np.radians(rng.normal(0, 1.5))),
        )
        layout = random_layout(rng, self.config, design.things, camera, pose, design.room_half_m)
        stage.clear()
        for item in layout.items:
            stage.place(item.number, item.x_m, item.y_m, item.yaw_rad)
        stage.show_walls(layout.indoors)
        stage.set_lights(random_lights(rng, self._family))
        view = self._renderer.render(layout.world_from_optical, camera)
        effects = random_effects(rng, self.config.sensor_strength)
        rgb = self._disturbed(view, index, floor_from_pixel(layout.world_from_optical, camera))
        view = replace(view, rgb=apply_effects(rgb, effects, rng))
        return Scene(index=index, view=view, camera=camera, layout=layout, path=design.path)

    def _disturbed(self, view: RenderedView, index: int, floor: np.ndarray) -> np.ndarray:
        """Return the picture of a scene, disturbed by chance; scenes do not depend on it."""
        rng = np.random.default_rng([self.config.seed, DISTURBANCE_STREAM, index])
        if rng.random() >= self.config.disturbed:
            return view.rgb
        seed = int(rng.integers(2**31))
        return disturb(
            view.rgb, random_disturbance(rng), seed=seed, frame=index, depth_m=view.depth_m,
            floor_from_pixel=floor,
        )  # fmt: skip

    def _base(self, rng: np.random.Generator, path: CoursePath | None) -> Pose2D | None:
        """Return where in the lane the camera stands, None where it stands in the middle."""
        if self.config.viewpoint == Viewpoint.ANYWHERE.value or path is None:
            return None
        low, high = STATIONS_M
        middle = path.pose_at(float(rng.uniform(low, min(high, path.length_m - ROOM_AHEAD_M))))
        aside_m = float(rng.normal(0, ASIDE_SIGMA)) * path.course.lane_width_m
        return Pose2D(
            x_m=middle.x_m - aside_m * float(np.sin(middle.yaw_rad)),
            y_m=middle.y_m + aside_m * float(np.cos(middle.yaw_rad)),
            yaw_rad=middle.yaw_rad + float(np.radians(rng.normal(0, TURN_SIGMA_DEG))),
        )

    def _stage_for(self, index: int) -> Stage:
        """Return the stage of a scene, building it when the scene before had another."""
        number = index // self.config.scenes_per_stage
        if self._stage is None or number != self._stage_number:
            rng = np.random.default_rng([self.config.seed, STAGE_STREAM, number])
            viewpoint = Viewpoint(self.config.viewpoint)
            path = None
            if viewpoint is not Viewpoint.ANYWHERE:
                path = random_path(rng, tight=viewpoint is Viewpoint.TIGHT_PATH)
            design = self._worn(compose_design(rng, self._family, path), number)
            self._stage = Stage(design, self.config.size_wh)
            self._renderer.load(self._stage)
            self._stage_number = number
        return self._stage

    def _worn(self, design: StageDesign, number: int) -> StageDesign:
        """Return the design of a stage with tapes as worn as chance wants."""
        rng = np.random.default_rng([self.config.seed, WEAR_STREAM, number])
        percent = float(rng.uniform(0, self.config.worn_percent))
        seed = int(rng.integers(2**31))
        return replace(design, worn_percent=percent, wear_seed=seed) if percent else design
