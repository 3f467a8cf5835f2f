"""Value types that cannot hold nonsense: every array is checked once, on construction."""

from perception_nodes.structures.classification import Classification
from perception_nodes.structures.detections import Detections
from perception_nodes.structures.frame import ColorOrder, Frame
from perception_nodes.structures.path_points import PathPoints
from perception_nodes.structures.segmentation_mask import (
    MAX_CLASSES,
    UNLABELLED,
    SegmentationMask,
)
from perception_nodes.structures.settings import Setting, check_settings, setting, settings_of

__all__ = [
    'MAX_CLASSES',
    'UNLABELLED',
    'Classification',
    'ColorOrder',
    'Detections',
    'Frame',
    'PathPoints',
    'SegmentationMask',
    'Setting',
    'check_settings',
    'setting',
    'settings_of',
]
