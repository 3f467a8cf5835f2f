"""Where is what: a model bundle becomes a class for every source pixel."""

from perception_nodes.segmentation.config import SegmentationConfig
from perception_nodes.segmentation.segmenter import Segmenter
from perception_nodes.segmentation.stage import SegmentationStage

__all__ = ['SegmentationConfig', 'SegmentationStage', 'Segmenter']
