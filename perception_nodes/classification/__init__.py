"""What does a picture show: a model bundle becomes one class, or none, for a frame."""

from perception_nodes.classification.classifier import Classifier
from perception_nodes.classification.config import ClassificationConfig

__all__ = ['ClassificationConfig', 'Classifier']
