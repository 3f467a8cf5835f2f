"""A world that moves: a robot with a camera on a marked path, among things and people."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.simulation.assembly import compose_design, random_lights
from perception_nodes.simulation.camera import PinholeCamera, camera_pose, planar_pose
from perception_nodes.simulation.course import CoursePath, load_course
from perception_nodes.simulation.families import FAMILIES, Assets
from perception_nodes.simulation.population import Population, populate
from perception_nodes.simulation.renderer import LabelRenderer
from perception_nodes.simulation.sensor import apply_effects, random_effects
from perception_nodes.simulation.stage import Stage
from perception_nodes.simulation.vehicle import DifferentialDrive, Odometry, Pose2D
from perception_nodes.simulation.view import RenderedView
from perception_nodes.structures import check_settings, setting

WORLD_STREAM, SENSOR_STREAM = 2, 3
"""First numbers of the random streams, apart from those of randomised scenes."""


@dataclass(frozen=True, kw_only=True)
class SimulationConfig:
    """What a simulated world is made of."""

    course: str = setting('figure_eight', 'name of a shipped course, or path of a course file')
    assets: str = setting(
        'held_out', 'family of assets', choices=tuple(item.value for item in Assets)
    )
    seed: int = setting(0, 'seed of everything random', minimum=0)
    size_wh: tuple[int, int] = setting((640, 480), 'picture size in pixels', minimum=32)
    fovy_deg: float = setting(
        60.0, 'vertical field of view in degrees', minimum=10.0, maximum=120.0
    )
    camera_height_m: float = setting(
        0.3, 'height of the camera above the floor in metres', minimum=0.05, maximum=3.0
    )
    camera_forward_m: float = setting(
        0.1, 'camera ahead of base_link in metres', minimum=-1.0, maximum=1.0
    )
    camera_pitch_deg: float = setting(
        8.0, 'pitch of the camera in degrees, positive looks down', minimum=-60.0, maximum=80.0
    )
    things: int = setting(30, 'standing things of the five classes', minimum=0, maximum=120)
    clutter: int = setting(6, 'standing things of no class', minimum=0, maximum=40)
    walkers: int = setting(3, 'people who walk across the path', minimum=0, maximum=8)
    indoors: bool = setting(True, 'four walls around the course')
    sensor_strength: float = setting(
        0.4, 'flaws of the camera: 0 none, 1 a cheap one', minimum=0.0, maximum=1.0
    )
    odometry_noise: float = setting(
        0.01, 'relative standard deviation of odometry speeds', minimum=0.0, maximum=0.5
    )
    command_timeout_s: float = setting(
        0.25, 'age in simulated seconds at which a command stops counting', minimum=0.0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class SimulatedWorld:
    """
    One world on one thread: create, command, advance, render and close it there.

    :ivar config: as given.
    :ivar path: the marked path.
    :ivar camera: intrinsics.
    :ivar base_from_camera: (4, 4) float64, base_link from camera_optical_frame.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        self.path = CoursePath(load_course(config.course))
        self.camera = PinholeCamera.from_fovy(config.size_wh, config.fovy_deg)
        self.base_from_camera = camera_pose(
            (config.camera_forward_m, 0.0, config.camera_height_m),
            pitch_rad=float(np.radians(config.camera_pitch_deg)),
        )
        self._time_ns = 0
        self._drive = DifferentialDrive(
            self.path.pose_at(0.0), command_timeout_s=config.command_timeout_s,
            noise=config.odometry_noise, seed=config.seed,
        )  # fmt: skip
        rng = np.random.default_rng([config.seed, WORLD_STREAM])
        family = FAMILIES[Assets(config.assets)]
        self._population = populate(
            rng, family, self.path, things=config.things, clutter=config.clutter,
            walkers=config.walkers,
        )  # fmt: skip
        self._effects = random_effects(rng, config.sensor_strength)
        self._stage = self._build_stage(rng, self._population)
        self._stage.set_lights(random_lights(rng, replace(family, rigs=family.rigs[:1])))
        self._renderer = LabelRenderer(config.size_wh)
        self._renderer.load(self._stage)
        self._shown_frames: list[int] = []

    @classmethod
    def create(cls, config: SimulationConfig | None = None) -> SimulatedWorld:
        """Return a world at time 0 with the robot at the start of the course."""
        return cls(SimulationConfig() if config is None else config)

    def _build_stage(self, rng: np.random.Generator, population: Population) -> Stage:
        """Return the compiled stage with the standing things in place."""
        family = FAMILIES[Assets(self.config.assets)]
        reach = float(np.abs(self.path.samples_xy).max())
        design = compose_design(rng, family, self.path, things=population.things)
        design = replace(design, room_half_m=reach + 4.0)
        stage = Stage(design, self.config.size_wh)
        stage.show_walls(self.config.indoors)
        for number, pose in population.standing:
            stage.place(number, pose.x_m, pose.y_m, pose.yaw_rad)
        return stage

    @property
    def time_ns(self) -> int:
        """Simulated time in nanoseconds since the start."""
        return self._time_ns

    @property
    def pose(self) -> Pose2D:
        """True pose of base_link in the world."""
        return self._drive.pose

    @property
    def odometry(self) -> Odometry:
        """What the wheels report: pose of base_link in odom, which begins at the start pose."""
        return self._drive.odometry

    @property
    def world_from_odom(self) -> Pose2D:
        """Pose of the odom frame in the world: where the robot started."""
        return self.path.pose_at(0.0)

    def command(self, linear_m_s: float, angular_rad_s: float, stamp_ns: int) -> None:
        """
        Set the wanted speeds; they count for ``command_timeout_s`` after ``stamp_ns``.

        :raises ValueError: speeds that are not finite.
        """
        self._drive.command(linear_m_s, angular_rad_s, stamp_ns)

    def advance(self, dt_s: float) -> None:
        """
        Move time and everything in the world forward.

        :raises ValueError: a step that is not finite or goes back.
        """
        if not (np.isfinite(dt_s) and dt_s >= 0):
            raise ValueError(f'dt_s must be finite and ≥ 0, got {dt_s!r}')
        later = self._time_ns + round(dt_s * 1e9)
        self._drive.advance(self._time_ns, later)
        self._time_ns = later

    def render(self) -> RenderedView:
        """Return what the camera sees now; the same world at the same time gives the same."""
        self._place_walkers()
        pose = self.pose
        world_from_base = planar_pose(pose.x_m, pose.y_m, pose.yaw_rad)
        view = self._renderer.render(world_from_base @ self.base_from_camera, self.camera)
        rng = np.random.default_rng([self.config.seed, SENSOR_STREAM, self._time_ns])
        numbers = np.arange(256, dtype=np.uint8)
        numbers[: len(self._population.things)] = self._population.instance_of
        return replace(
            view,
            rgb=apply_effects(view.rgb, self._effects, rng),
            instance_ids=numbers[view.instance_ids],
            instance_numbers=numbers[view.instance_numbers].astype(np.int64),
        )

    def _place_walkers(self) -> None:
        """Show every walker in the gait frame and at the place of the present time."""
        for number in self._shown_frames:
            self._stage.hide(number)
        self._shown_frames = []
        for walker in self._population.walkers:
            number, pose = walker.at(self._time_ns * 1e-9)
            self._stage.place(number, pose.x_m, pose.y_m, pose.yaw_rad)
            self._shown_frames.append(number)

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()
