"""A map that holds all that is seen on a course."""

from __future__ import annotations

import numpy as np

from perception_nodes.mapping import GridConfig
from perception_nodes.simulation.course_path import CoursePath

MARGIN_M = 4.5
"""How far beyond the course the map reaches: a little more than a camera sees."""


def grid_of_course(path: CoursePath) -> GridConfig:
    """Return a grid that stands still around the start, whichever way its frame is turned."""
    reach_m = float(np.hypot(*(path.samples_xy - path.samples_xy[0]).T).max()) + MARGIN_M
    return GridConfig(size_cells=2 * round(reach_m / GridConfig.resolution_m), rolling=False)
