"""What light, weather and dirt do to a picture: pure functions of arrays, levels and seeds."""

from perception_nodes.imaging.disturbances.chance import random_disturbance
from perception_nodes.imaging.disturbances.disturbance import Disturbance, disturb

__all__ = ['Disturbance', 'disturb', 'random_disturbance']
