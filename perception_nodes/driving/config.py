"""All settings of path following in one value."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.driving.command import VehicleConfig
from perception_nodes.driving.controllers import SteeringConfig
from perception_nodes.driving.corridor import CorridorConfig
from perception_nodes.driving.speed import SpeedConfig
from perception_nodes.driving.supervisor import SupervisorConfig
from perception_nodes.driving.vital_signs import VitalConfig


@dataclass(frozen=True, kw_only=True)
class DrivingConfig(
    VitalConfig, SupervisorConfig, CorridorConfig, SpeedConfig, SteeringConfig, VehicleConfig
):
    """The robot, how it is steered, how fast it goes, and what stops it."""

    def __post_init__(self) -> None:
        """Check every value, and what belongs together."""
        VehicleConfig.__post_init__(self)
        SteeringConfig.__post_init__(self)
        SpeedConfig.__post_init__(self)
        needed_m = self.front_m + self.stop_margin_m
        if self.obstacle_sources and self.corridor_length_m <= needed_m:
            raise ValueError(
                f'corridor_length_m: {self.corridor_length_m} must be above front_m + '
                f'stop_margin_m = {needed_m:.2f} with obstacle_sources: the robot drives no '
                'farther than it is looked'
            )
