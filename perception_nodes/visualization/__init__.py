"""Pictures for people: overlays, videos, plots and reports."""

from perception_nodes.visualization.mask_overlay import draw_mask
from perception_nodes.visualization.overlay import BoxStyle, draw_caption, draw_detections
from perception_nodes.visualization.path_overlay import draw_path
from perception_nodes.visualization.video import VideoWriter

__all__ = [
    'BoxStyle',
    'VideoWriter',
    'draw_caption',
    'draw_detections',
    'draw_mask',
    'draw_path',
]
