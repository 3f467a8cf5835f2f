"""Pictures for people: overlays, videos, plots and reports."""

from perception_nodes.visualization.overlay import BoxStyle, draw_caption, draw_detections

__all__ = ['BoxStyle', 'draw_caption', 'draw_detections']
