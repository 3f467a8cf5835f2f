"""What a topic carries, as far as its name tells."""

from __future__ import annotations

import re
from enum import Enum


class Content(str, Enum):
    """Kinds of messages that costmaps and the collision monitor tell apart."""

    SCAN = 'a laser scan'
    CLOUD = 'a point cloud'
    GRID = 'an occupancy grid'
    IMAGE = 'an image'
    LABELS = 'class labels'


SEMANTIC_MAP_NODE = 'semantic_map_node'
# Topics of this suite: known, not guessed.
OCCUPANCY = 'semantic_map_node/occupancy'
OBSTACLES = 'semantic_map_node/obstacles'
FLOOR = 'semantic_map_node/floor'
POINTS = 'semantic_map_node/points'
MASK = 'segmentation_node/mask'
CONFIDENCE = 'segmentation_node/confidence'
LABEL_INFO = 'segmentation_node/label_info'

_OURS = {
    OCCUPANCY: Content.GRID,
    OBSTACLES: Content.CLOUD,
    FLOOR: Content.CLOUD,
    POINTS: Content.CLOUD,
    MASK: Content.IMAGE,
    CONFIDENCE: Content.IMAGE,
    LABEL_INFO: Content.LABELS,
}
# Habits of drivers; only words that mean one thing everywhere.
_HABITS = {
    Content.CLOUD: re.compile(r'(point_?clouds?2?|cloud|points)$'),
    Content.SCAN: re.compile(r'(^|[/_])(laser_?)?scan(_\w+)?$'),
    Content.LABELS: re.compile(r'label_info$'),
    Content.GRID: re.compile(r'(^|/)(map|costmap|occupancy(_grid)?)$'),
    Content.IMAGE: re.compile(r'(image_(raw|rect|color|mono)|mask|confidence)$'),
}


def content_of(topic: str) -> Content | None:
    """Return what a topic carries; None where its name does not tell."""
    for name, content in _OURS.items():
        if topic == name or topic.endswith('/' + name):
            return content
    lowered = topic.lower()
    return next((kind for kind, words in _HABITS.items() if words.search(lowered)), None)


def is_ours(topic: str, name: str) -> bool:
    """Tell whether a topic is one of this suite, in whatever namespace."""
    return topic == name or topic.endswith('/' + name)
