"""Value types that cannot hold nonsense: every array is checked once, on construction."""

from perception_nodes.structures.detections import Detections
from perception_nodes.structures.frame import ColorOrder, Frame
from perception_nodes.structures.settings import Setting, check_settings, setting, settings_of

__all__ = [
    'ColorOrder',
    'Detections',
    'Frame',
    'Setting',
    'check_settings',
    'setting',
    'settings_of',
]
