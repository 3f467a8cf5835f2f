"""
Where does the path run: from masks to a curve in metres, with its uncertainty.

::

    tracker = PathTracker({0: 'floor', 1: 'lane', 2: 'tape'}, PathConfig(prefer='left'))
    estimate = tracker.update(mask, confidence, ground, stamp_ns, odom_from_base)

``PathEstimator`` looks at one mask, ``PathFilter`` smooths what it says, ``PathTracker`` is both.
``PathEstimate`` is what every source of this package
returns and what controllers take.
"""

from perception_nodes.path.classes import PathClasses, Role
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.config import MOTORWAY, PathConfig, PathMode, Prefer
from perception_nodes.path.estimate import STATE, PathEstimate, PathProblem
from perception_nodes.path.estimator import PathEstimator
from perception_nodes.path.filter import FilterConfig, PathFilter
from perception_nodes.path.points import PathPointsConfig, path_of_points
from perception_nodes.path.regressor import PathRegressor
from perception_nodes.path.road_camera import road_projection
from perception_nodes.path.tracker import PathTracker

__all__ = [
    'MOTORWAY',
    'STATE',
    'Clothoid',
    'FilterConfig',
    'PathClasses',
    'PathConfig',
    'PathEstimate',
    'PathEstimator',
    'PathFilter',
    'PathMode',
    'PathPointsConfig',
    'PathProblem',
    'PathRegressor',
    'PathTracker',
    'Prefer',
    'Role',
    'path_of_points',
    'road_projection',
]
