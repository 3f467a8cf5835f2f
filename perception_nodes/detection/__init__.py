"""What is there: a model bundle becomes boxes in source pixels."""

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.detection.detector import Detector
from perception_nodes.detection.stage import DetectionStage

__all__ = ['DetectionConfig', 'DetectionStage', 'Detector']
