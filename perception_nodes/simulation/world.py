"""A world that moves: a robot with a camera on a marked path, among things and people."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.imaging.disturbances import disturb
from perception_nodes.simulation.assembly import compose_design, random_lights
from perception_nodes.simulation.camera import (
    PinholeCamera,
    camera_pose,
    floor_from_pixel,
    planar_pose,
)
from perception_nodes.simulation.course import CourseCamera
from perception_nodes.simulation.course_actors import SteppingFigure, add_course_actors
from perception_nodes.simulation.course_file import load_course
from perception_nodes.simulation.course_path import CoursePath, course_lines
from perception_nodes.simulation.disturbances import load_disturbance
from perception_nodes.simulation.families import FAMILIES, Assets
from perception_nodes.simulation.parts import Thing
from perception_nodes.simulation.population import Population, populate
from perception_nodes.simulation.renderer import LabelRenderer
from perception_nodes.simulation.sensor import apply_effects, random_effects
from perception_nodes.simulation.stage import Stage
from perception_nodes.simulation.vehicle import Odometry, Pose2D, Robot
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
    figures: bool = setting(True, 'the figures of the course file step in')
    indoors: bool = setting(True, 'four walls around the course')
    sensor_strength: float = setting(
        0.4, 'flaws of the camera: 0 none, 1 a cheap one', minimum=0.0, maximum=1.0
    )
    camera_from_course: bool = setting(
        False, 'camera height, place, pitch, view and flaws as the course file says'
    )
    disturbance: str = setting('none', 'what spoils pictures: a preset, or FILE.yaml:NAME')
    odometry_noise: float = setting(
        0.01, 'relative standard deviation of odometry speeds', minimum=0.0, maximum=0.5
    )
    cmd_vel_timeout_s: float = setting(
        0.25,
        'age in simulated seconds at which the base drops a command and brakes',
        minimum=0.01,
        maximum=0.25,
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
    :ivar robot: the base; commands go through :meth:`command`.
    :ivar figures: those who step in when the robot comes near.
    :ivar disturbance: what spoils pictures.
    :ivar base_from_camera: (4, 4) float64, base_link from camera_optical_frame.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self.path = CoursePath(load_course(config.course))
        self.config = config = _with_camera(config, self.path.course.camera)
        self.disturbance = load_disturbance(config.disturbance)
        self.camera = PinholeCamera.from_fovy(config.size_wh, config.fovy_deg)
        self.base_from_camera = camera_pose(
            (config.camera_forward_m, 0.0, config.camera_height_m),
            pitch_rad=float(np.radians(config.camera_pitch_deg)),
        )
        self._time_ns = 0
        model = replace(
            self.path.course.robot, cmd_vel_timeout_s=config.cmd_vel_timeout_s,
            odometry_noise=config.odometry_noise,
        )  # fmt: skip
        self.robot = Robot(model, self.path.pose_at(0.0), seed=config.seed)
        self._s_m = 0.0
        self._population, self.figures, rng = populated(config, self.path)
        self._effects = random_effects(rng, config.sensor_strength)
        family = FAMILIES[Assets(config.assets)]
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
        course = self.path.course
        reach = max(float(np.abs(line.samples_xy).max()) for line in course_lines(course))
        design = compose_design(rng, family, self.path, things=population.things)
        worn = max(course.worn_percent, self.disturbance.worn_percent)
        design = replace(
            design, room_half_m=reach + 4.0, worn_percent=worn, wear_seed=self.config.seed
        )
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
        return self.robot.pose

    @property
    def odometry(self) -> Odometry:
        """What the wheels report: pose of base_link in odom, which begins at the start pose."""
        return self.robot.odometry

    @property
    def true_motion(self) -> Odometry:
        """Where the robot really is in the world, and how fast it moves."""
        robot = self.robot
        return Odometry(
            pose=robot.pose, linear_m_s=robot.linear_m_s, angular_rad_s=robot.angular_rad_s,
            stamp_ns=self._time_ns,
        )  # fmt: skip

    @property
    def world_from_odom(self) -> Pose2D:
        """Pose of the odom frame in the world: where the robot started."""
        return self.path.pose_at(0.0)

    def command(self, linear_m_s: float, angular_rad_s: float, stamp_ns: int) -> None:
        """
        Set the wanted speeds; they count for ``cmd_vel_timeout_s`` after ``stamp_ns``.

        :raises ValueError: speeds that are not finite.
        """
        self.robot.command(linear_m_s, angular_rad_s, stamp_ns)

    def advance(self, dt_s: float) -> None:
        """
        Move time and everything in the world forward.

        :raises ValueError: a step that is not finite or goes back.
        """
        if not (np.isfinite(dt_s) and dt_s >= 0):
            raise ValueError(f'dt_s must be finite and ≥ 0, got {dt_s!r}')
        later = self._time_ns + round(dt_s * 1e9)
        self.robot.advance(self._time_ns, later)
        self._time_ns = later
        if self.figures:
            self._s_m = self.path.nearest_s_m(self.pose.x_m, self.pose.y_m, self._s_m)
        for figure in self.figures:
            figure.notice(self._s_m, later)

    def bodies(self) -> list[tuple[Thing, Pose2D]]:
        """Return everything that could be touched now: things and people, and where."""
        shown = (*self._population.standing, *self._moving())
        return [(self._population.things[number], pose) for number, pose in shown]

    def render(self) -> RenderedView:
        """Return what the camera sees now; the same world at the same time gives the same."""
        view = self._renderer.render(self._look(), self.camera)
        numbers = np.arange(256, dtype=np.uint8)
        numbers[: len(self._population.things)] = self._population.instance_of
        return replace(
            view,
            rgb=self._seen(view.rgb, view.depth_m),
            instance_ids=numbers[view.instance_ids],
            instance_numbers=numbers[view.instance_numbers].astype(np.int64),
        )

    def picture(self, *, depth: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """
        Return ``rgb`` and, if wanted, ``depth_m`` of :meth:`render`, in less time.

        :return: (H, W, 3) uint8, and (H, W) float32 or None.
        """
        foggy = self.disturbance.fog > 0
        rgb, depth_m = self._renderer.picture(self._look(), self.camera, depth=depth or foggy)
        return self._seen(rgb, depth_m), depth_m if depth else None

    def classes(self) -> tuple[np.ndarray, np.ndarray]:
        """
        Return ``class_ids`` and ``depth_m`` of :meth:`render`, in a fraction of the time.

        :return: (H, W) uint8, and (H, W) float32.
        """
        return self._renderer.classes(self._look(), self.camera)

    def _look(self) -> np.ndarray:
        """Show everyone at the present place, and return (4, 4) world from camera."""
        for number in self._shown_frames:
            self._stage.hide(number)
        self._shown_frames = []
        for number, pose in self._moving():
            self._stage.place(number, pose.x_m, pose.y_m, pose.yaw_rad)
            self._shown_frames.append(number)
        pose = self.pose
        return planar_pose(pose.x_m, pose.y_m, pose.yaw_rad) @ self.base_from_camera

    def _moving(self) -> list[tuple[int, Pose2D]]:
        """Return the gait frame and the place of everyone who walks."""
        walkers = [walker.at(self._time_ns * 1e-9) for walker in self._population.walkers]
        return [*walkers, *(figure.at(self._time_ns) for figure in self.figures)]

    def _seen(self, rgb: np.ndarray, depth_m: np.ndarray | None) -> np.ndarray:
        """Return a rendered picture with disturbances and the flaws of the camera."""
        if self.disturbance.spoils_pictures:
            pose = self.pose
            world_from_camera = planar_pose(pose.x_m, pose.y_m, pose.yaw_rad)
            rgb = disturb(
                rgb, self.disturbance, seed=self.config.seed, frame=self._time_ns,
                depth_m=depth_m, floor_from_pixel=floor_from_pixel(
                    world_from_camera @ self.base_from_camera, self.camera
                ),
            )  # fmt: skip
        rng = np.random.default_rng([self.config.seed, SENSOR_STREAM, self._time_ns])
        return apply_effects(rgb, self._effects, rng)

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()


def populated(
    config: SimulationConfig, path: CoursePath
) -> tuple[Population, tuple[SteppingFigure, ...], np.random.Generator]:
    """Return who and what lives along a path, who steps in, and the random numbers after it."""
    rng = np.random.default_rng([config.seed, WORLD_STREAM])
    family = FAMILIES[Assets(config.assets)]
    population = populate(
        rng, family, path, things=config.things, clutter=config.clutter, walkers=config.walkers
    )
    return *add_course_actors(rng, family, path, population, figures=config.figures), rng


def _with_camera(config: SimulationConfig, camera: CourseCamera) -> SimulationConfig:
    """Return the configuration with the camera of the course, if it is wanted."""
    if not config.camera_from_course:
        return config
    return replace(
        config, camera_height_m=camera.height_m, camera_forward_m=camera.forward_m,
        camera_pitch_deg=camera.pitch_deg, fovy_deg=camera.fovy_deg, sensor_strength=camera.noise,
    )  # fmt: skip
