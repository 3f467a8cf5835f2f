"""The second stage behind a detector: what each of its boxes shows, said once more."""

from perception_nodes.second_stage.box_classifier import (
    BoxClassifier,
    BoxClassifierConfig,
    NamedBoxes,
)

__all__ = ['BoxClassifier', 'BoxClassifierConfig', 'NamedBoxes']
