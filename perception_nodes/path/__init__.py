"""
Where does the path run: from masks to a curve in metres, with its uncertainty.

``PathEstimate`` is what every source of this package returns and what controllers take.
"""

from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.estimate import STATE, PathEstimate, PathProblem

__all__ = ['STATE', 'Clothoid', 'PathEstimate', 'PathProblem']
