"""Which pixels a decision rests on, and how far such an answer can be believed."""

from perception_nodes.explanation.config import ExplanationConfig, Method
from perception_nodes.explanation.questions import (
    BoxQuestion,
    ClassQuestion,
    Question,
    RegionQuestion,
    questions_about,
)
from perception_nodes.explanation.saliency import explain
from perception_nodes.explanation.trust import (
    Curve,
    deletion,
    insertion,
    points_into,
    random_map,
)

__all__ = [
    'BoxQuestion',
    'ClassQuestion',
    'Curve',
    'ExplanationConfig',
    'Method',
    'Question',
    'RegionQuestion',
    'deletion',
    'explain',
    'insertion',
    'points_into',
    'questions_about',
    'random_map',
]
