"""How far along a path somebody has come."""

from __future__ import annotations

from perception_nodes.simulation.course_path import CoursePath


class TravelledWay:
    """
    Adds up the way along a path; on closed ones laps count on.

    Tell it places in the order of time: where the path crosses itself, the place before decides.

    :param s_m: arc length at which it begins; None is where the first place is.
    :ivar travelled_m: since the beginning.
    """

    def __init__(self, path: CoursePath, s_m: float | None = None) -> None:
        self._path = path
        self._s_m = s_m
        self.travelled_m = 0.0

    @property
    def s_m(self) -> float | None:
        """Arc length of the latest place; None before the first."""
        return self._s_m

    def move_to(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return arc length of a place, and its distance from the path, left positive."""
        s_m, lateral_m = self._path.project(x_m, y_m, self._s_m)
        if self._s_m is not None:
            step_m = s_m - self._s_m
            if self._path.course.closed:
                half_m = self._path.length_m / 2
                step_m = (step_m + half_m) % (2 * half_m) - half_m
            self.travelled_m += step_m
        self._s_m = s_m
        return s_m, lateral_m
