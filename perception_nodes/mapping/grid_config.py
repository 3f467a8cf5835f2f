"""Size of the map and how evidence is fused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perception_nodes.mapping.classes import MapClasses
from perception_nodes.mapping.layers import FusionRule
from perception_nodes.structures import check_settings, setting


class OnJump(str, Enum):
    """What becomes of the map when odometry has jumped for good."""

    RESET = 'reset'
    REANCHOR = 'reanchor'


@dataclass(frozen=True, kw_only=True)
class GridConfig:
    """Size of the map and how evidence is fused."""

    size_cells: int = setting(200, 'cells along a side', minimum=10, maximum=4000)
    resolution_m: float = setting(0.05, 'side of a cell in metres', minimum=0.001, maximum=10.0)
    rolling: bool = setting(True, 'the window follows the robot; else it stays where it began')
    recenter_cells: int = setting(
        1, 'the window moves when the robot is so many cells from its middle', minimum=1
    )
    hit: float = setting(0.85, 'log-odds a full look adds to the class seen', minimum=0.01)
    miss: float = setting(0.4, 'log-odds a full look takes from the other classes', minimum=0.0)
    lowest: float = setting(-2.0, 'log-odds never fall below', maximum=0.0)
    highest: float = setting(3.5, 'log-odds never rise above', minimum=0.1)
    dynamic_highest: float = setting(2.0, 'the same for dynamic classes', minimum=0.1)
    known: float = setting(0.4, 'log-odds at which a cell counts as known', minimum=0.01)
    clear_half_life_s: float = setting(
        0.25, 'half-life of a dynamic class where something else is seen now', minimum=0.01
    )
    on_jump: str = setting(
        'reset',
        'what becomes of the map when odometry has jumped for good',
        choices=tuple(item.value for item in OnJump),
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)
        if self.known >= min(self.highest, self.dynamic_highest):
            raise ValueError(
                f'known: {self.known} must be below highest and dynamic_highest '
                f'({self.highest}, {self.dynamic_highest}), or no cell is ever known'
            )


def fusion_rule(classes: MapClasses, config: GridConfig) -> FusionRule:
    """Return the rule of a configuration for a table of classes."""
    dynamic = classes.dynamic
    return FusionRule(
        ground=classes.ground,
        dynamic=dynamic,
        hit=config.hit,
        miss=config.miss,
        lowest=np.where(dynamic, 0, config.lowest).astype(np.float32),
        highest=np.where(dynamic, config.dynamic_highest, config.highest).astype(np.float32),
        known=config.known,
    )
