"""Parameters of ``path_following_node``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perception_nodes.driving import DrivingConfig, ObstacleSource
from perception_nodes.path import PathClasses, PathConfig
from perception_nodes.ros.mask_input_config import MaskInputConfig
from perception_nodes.structures import check_settings, setting


class Drive(str, Enum):
    """Who moves the robot."""

    CMD_VEL = 'cmd_vel'
    FOLLOW_PATH = 'follow_path'
    NOBODY = 'nobody'


class CommandStamp(str, Enum):
    """Which time a stamped command bears."""

    NOW = 'now'
    PICTURE = 'picture'


@dataclass(frozen=True, kw_only=True)
class PathFollowingNodeConfig(DrivingConfig, PathConfig, MaskInputConfig):
    """How masks become paths, the robot and what stops it, and where everything comes from."""

    drive: str = setting(
        Drive.CMD_VEL.value,
        'Who moves the robot: this node by cmd_vel, the FollowPath action of Nav2, or nobody',
        choices=tuple(item.value for item in Drive),
    )
    cmd_vel_stamped: bool = setting(False, 'Send TwistStamped instead of Twist')
    cmd_vel_stamp: str = setting(
        CommandStamp.NOW.value,
        'Stamp of TwistStamped: the time of the decision, or of the newest picture that it '
        'rests on (simulators that wait for the answer to each picture)',
        choices=tuple(item.value for item in CommandStamp),
    )
    control_rate_hz: float = setting(
        30.0, 'Decisions in a second of steady time beside those for each mask',
        minimum=20.0, maximum=200.0,
    )  # fmt: skip
    road_classes: tuple[str, ...] = setting(
        PathClasses().road, 'Classes of the mask on which one may drive'
    )
    marking_classes: tuple[str, ...] = setting(
        PathClasses().markings, 'Classes of the mask that are lines beside or between lanes'
    )
    blocking_classes: tuple[str, ...] = setting(
        PathClasses().blocking, 'Classes of the mask that stand on the floor and hide it'
    )
    obstacle_classes: tuple[str, ...] = setting(
        (), 'Classes of detections that must not be touched; empty: all'
    )
    obstacle_min_score: float = setting(
        0.3, 'Detections below this score are no obstacles', minimum=0.0, maximum=1.0
    )
    obstacle_min_cost: int = setting(
        65, 'Cells of the occupancy grid from this cost on are in the way', minimum=1, maximum=100
    )
    obstacle_min_height_m: float = setting(
        0.05, 'What stands lower is driven over, metres', minimum=0.0, maximum=5.0
    )
    obstacle_max_height_m: float = setting(
        0.6, 'What hangs higher is driven under, metres', minimum=0.05, maximum=10.0
    )
    controller_id: str = setting('FollowPath', 'Controller plugin of Nav2, with drive follow_path')
    goal_checker_id: str = setting('', 'Goal checker of Nav2; empty: its only one')
    goal_period_s: float = setting(
        0.5, 'Time between new paths to Nav2, seconds', minimum=0.05, maximum=10.0
    )
    patience_s: float = setting(
        0.1,
        'Steady seconds that a mask waits for transform, calibration and labels',
        minimum=0.0,
        maximum=60.0,
    )

    def __post_init__(self) -> None:
        """Check every value, and what belongs together."""
        DrivingConfig.__post_init__(self)
        PathConfig.__post_init__(self)
        check_settings(self)
        self.check_mount()
        self.classes  # noqa: B018 - names with two meanings are refused at once
        if self.obstacle_min_height_m >= self.obstacle_max_height_m:
            raise ValueError(
                f'obstacle_min_height_m: {self.obstacle_min_height_m} is not below '
                f'obstacle_max_height_m: {self.obstacle_max_height_m}'
            )
        wants_depth = ObstacleSource.DEPTH.value in self.obstacle_sources
        if wants_depth != (self.depth_source != 'none'):
            raise ValueError(
                f'depth_source: {self.depth_source} does not fit obstacle_sources: '
                f'{list(self.obstacle_sources)}; depth is taken for obstacles only'
            )

    @property
    def classes(self) -> PathClasses:
        """What the names of the mask mean for the path."""
        return PathClasses(
            road=self.road_classes, markings=self.marking_classes, blocking=self.blocking_classes
        )
