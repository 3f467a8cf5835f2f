"""
Where can I drive: a rolling semantic grid from masks.

::

    grid = SemanticMap(SIMULATOR_CLASSES)
    observer = grid.observer()
    view = observer.prepare(points_xy, sigma_m)            # once per camera pose
    seen = observer.observe(mask, confidence, view)        # or observe_points with depth
    result = grid.update(seen, odom_from_base, stamp_ns)   # UpdateResult
    grid.occupancy()                                       # (N, N) int8, -1 unknown

Torch is imported only by :mod:`.torch_layers`.
"""

from perception_nodes.geometry.planar_pose import PlanarPose
from perception_nodes.mapping.classes import (
    SIMULATOR_CLASSES,
    UNKNOWN,
    MapClass,
    MapClasses,
    MapClassesError,
    load_map_classes,
    parse_map_classes,
)
from perception_nodes.mapping.grid import SemanticMap
from perception_nodes.mapping.grid_config import GridConfig, OnJump
from perception_nodes.mapping.ground_view import GroundView
from perception_nodes.mapping.map_files import load_map, save_map
from perception_nodes.mapping.map_format import MapFault, MapFileError, MapFormat, MapMode
from perception_nodes.mapping.motion import MotionConfig
from perception_nodes.mapping.observation import MaskObserver, Observation
from perception_nodes.mapping.observation_config import ObservationConfig
from perception_nodes.mapping.occupancy import CellClasses, OccupancyMap
from perception_nodes.mapping.restoring import RestoreResult
from perception_nodes.mapping.update_result import MapEvent, UpdateResult, UpdateStatus

__all__ = [
    'SIMULATOR_CLASSES',
    'UNKNOWN',
    'CellClasses',
    'GridConfig',
    'GroundView',
    'MapClass',
    'MapClasses',
    'MapClassesError',
    'MapEvent',
    'MapFault',
    'MapFileError',
    'MapFormat',
    'MapMode',
    'MaskObserver',
    'MotionConfig',
    'Observation',
    'ObservationConfig',
    'OccupancyMap',
    'OnJump',
    'PlanarPose',
    'RestoreResult',
    'SemanticMap',
    'UpdateResult',
    'UpdateStatus',
    'load_map',
    'load_map_classes',
    'parse_map_classes',
    'save_map',
]
