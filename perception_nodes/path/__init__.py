"""
Where does the path run: from masks to a curve in metres, with its uncertainty.

::

    estimator = PathEstimator({0: 'floor', 1: 'lane', 2: 'tape'}, PathConfig())
    estimate = estimator.estimate(mask, confidence, ground)      # PathEstimate

``PathEstimate`` is what every source of this package returns and what controllers take.
"""

from perception_nodes.path.classes import PathClasses, Role
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.config import MOTORWAY, PathConfig, PathMode, Prefer
from perception_nodes.path.estimate import STATE, PathEstimate, PathProblem
from perception_nodes.path.estimator import PathEstimator
from perception_nodes.path.road_camera import road_projection

__all__ = [
    'MOTORWAY',
    'STATE',
    'Clothoid',
    'PathClasses',
    'PathConfig',
    'PathEstimate',
    'PathEstimator',
    'PathMode',
    'PathProblem',
    'Prefer',
    'Role',
    'road_projection',
]
