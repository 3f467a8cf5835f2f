"""Parameters of ``semantic_map_node``."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.inference.resources import PACKAGE
from perception_nodes.mapping import GridConfig, MotionConfig, ObservationConfig
from perception_nodes.mapping.classes import SIMULATOR_TABLE
from perception_nodes.ros.mask_input_config import MaskInputConfig
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class SemanticMapNodeConfig(GridConfig, ObservationConfig, MotionConfig, MaskInputConfig):
    """The grid, how masks are read, what the robot can do, and where everything comes from."""

    classes_file: str = setting(
        f'package://{PACKAGE}/{SIMULATOR_TABLE}',
        'YAML table of classes and costs: a path, file:// or package:// URI',
    )
    map_frame: str = setting('odom', 'Frame in which the cells stand still')

    def __post_init__(self) -> None:
        """Check every value."""
        GridConfig.__post_init__(self)
        check_settings(self)
        self.check_mount()
        if self.map_frame == self.base_frame:
            raise ValueError(f'map_frame and base_frame are both {self.map_frame!r}')
