"""Parameters of ``simulation_node``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perception_nodes.ros.lifecycle_node import LifecycleConfig
from perception_nodes.simulation import SimulationConfig
from perception_nodes.structures import setting


class Drive(str, Enum):
    """Who drives the robot."""

    CMD_VEL = 'cmd_vel'
    PATH = 'path'


@dataclass(frozen=True, kw_only=True)
class SimulationNodeConfig(SimulationConfig, LifecycleConfig):
    """The world and its robot, and how simulated time runs."""

    rate_hz: float = setting(30.0, 'Pictures in a simulated second', minimum=0.1, maximum=1000.0)
    real_time_factor: float = setting(
        1.0,
        'Simulated seconds in a real second; 0 is as fast as possible',
        minimum=0.0,
        maximum=100.0,
    )
    duration_s: float = setting(
        0.0, 'Simulated seconds after which time stands still; 0 is for ever', minimum=0.0
    )
    exit_when_finished: bool = setting(False, 'End the process after duration_s')
    drive: str = setting(
        Drive.CMD_VEL.value,
        'Who drives: cmd_vel listens to the topic, path follows the marked path by itself',
        choices=tuple(item.value for item in Drive),
    )
    drive_speed_m_s: float = setting(
        0.5, 'Speed of drive path in metres a second', minimum=0.01, maximum=5.0
    )
    cmd_vel_stamped: bool = setting(False, 'Take TwistStamped on cmd_vel instead of Twist')
    publish_depth: bool = setting(True, 'Offer depth images')
    publish_ground_truth: bool = setting(True, 'Offer true detections and masks')
    publish_clock: bool = setting(True, 'Publish /clock')
    wait_for_subscriber: bool = setting(
        False, 'Hold time until somebody subscribes to camera/image_raw'
    )
    lock_step: bool = setting(False, 'Wait for the result on topic detections after each picture')
    lock_step_command: bool = setting(
        False, 'Wait for the TwistStamped on cmd_vel that bears the stamp of each picture'
    )
    lock_step_timeout_s: float = setting(
        5.0,
        'Real seconds to wait for a result or a command in lock step',
        minimum=0.01,
        maximum=600.0,
    )

    def __post_init__(self) -> None:
        """Check every value, and that a command that is awaited can bear a stamp."""
        super().__post_init__()
        if self.lock_step_command and not (
            self.cmd_vel_stamped and self.drive == Drive.CMD_VEL.value
        ):
            raise ValueError(
                'lock_step_command: true needs cmd_vel_stamped: true and drive: cmd_vel; only '
                'TwistStamped says which picture it answers'
            )
