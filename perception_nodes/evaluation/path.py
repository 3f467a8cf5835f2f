"""How far estimated paths are from the true one, and whether their deviations are honest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import STATE, Clothoid, PathEstimate

VALUES = STATE[:3]
"""What is compared: lateral error, heading error, curvature."""


@dataclass(frozen=True, kw_only=True)
class PathFigures:
    """
    Errors of estimates; each dictionary has the keys :data:`VALUES`.

    :param count: estimates that were compared.
    :param rms: root mean square errors, m, rad, 1/m.
    :param largest: largest absolute errors.
    :param sigma: medians of the told standard deviations.
    :param inside_1_sigma: shares of errors within one told deviation; 0.683 if Gaussian.
    :param inside_2_sigma: within two; 0.954 if Gaussian.
    """

    count: int
    rms: dict[str, float]
    largest: dict[str, float]
    sigma: dict[str, float]
    inside_1_sigma: dict[str, float]
    inside_2_sigma: dict[str, float]


class PathMeter:
    """Collects errors of curves that are told from the same place as the truth."""

    def __init__(self) -> None:
        self._errors: list[np.ndarray] = []
        self._sigmas: list[np.ndarray] = []

    def add(self, curve: Clothoid, covariance: np.ndarray, truth: Clothoid) -> np.ndarray:
        """
        Note one estimate, and return its (3,) errors.

        :param covariance: (4, 4) of the curve's values.
        """
        error = curve.state - truth.state
        error[1] = (error[1] + np.pi) % (2 * np.pi) - np.pi
        self._errors.append(error[:3])
        self._sigmas.append(np.sqrt(np.diag(covariance)[:3]))
        return error[:3]

    def add_estimate(self, estimate: PathEstimate, truth: Clothoid) -> np.ndarray:
        """Note a valid estimate where it is told: at its own look-ahead point."""
        return self.add(estimate.curve, estimate.covariance, truth)

    def add_line(self, sigma_m: float, truth: Clothoid) -> np.ndarray:
        """
        Note a place on the line: the truth as told from there would be all zeros.

        Only the lateral deviation is told; headings count with infinite ones.
        """
        here = Clothoid(curvature_1_m=truth.curvature_1_m)
        covariance = np.diag([sigma_m**2, np.inf, np.inf, np.inf])
        return self.add(here, covariance, truth)

    def __len__(self) -> int:
        """Return how many estimates were noted."""
        return len(self._errors)

    @property
    def scaled(self) -> np.ndarray:
        """(N, 3) errors in told deviations."""
        return np.array(self._errors) / np.array(self._sigmas)

    def merge(self, other: PathMeter) -> None:
        """Add everything that another meter has noted."""
        self._errors += other._errors
        self._sigmas += other._sigmas

    def figures(self) -> PathFigures:
        """
        Return the figures of everything noted.

        :raises ValueError: when nothing was.
        """
        if not self._errors:
            raise ValueError('no estimate was compared: every one was invalid, or there was none')
        errors, sigmas = np.abs(self._errors), np.array(self._sigmas)
        return PathFigures(
            count=len(errors),
            rms=_named(np.sqrt(np.mean(errors**2, axis=0))),
            largest=_named(errors.max(axis=0)),
            sigma=_named(np.median(sigmas, axis=0)),
            inside_1_sigma=_named(np.mean(errors <= sigmas, axis=0)),
            inside_2_sigma=_named(np.mean(errors <= 2 * sigmas, axis=0)),
        )


HALF_CHORD_M = 0.1
"""The direction of a line is that of a chord so far to both sides."""
BESIDE = 0.05
"""Cosine between line and robot above which the line begins too far ahead to be beside it."""


def pose_on_line(estimate: PathEstimate, ahead_m: float) -> tuple[PlanarPose, float] | None:
    """
    Return a place on the line of an estimate, and how uncertain that is.

    :param ahead_m: along the line from the point nearest to base_link.
    :returns: pose in base_link and 1σ across in metres; None where the line does not reach.
    """
    if not estimate.is_valid:
        return None
    arc_m = np.arange(0.0, estimate.arc_m[-1], 0.01)
    line = _on_line(estimate, arc_m)
    nearest = int(np.argmin(np.hypot(*line.T)))
    step = _on_line(estimate, arc_m[nearest] + 0.01) - line[nearest]
    along = abs(float(line[nearest] @ step)) / float(np.hypot(*step) + 1e-12)
    place_m = float(arc_m[nearest]) + ahead_m
    if along > BESIDE or place_m > estimate.arc_m[-1]:
        return None
    ends = np.clip([place_m - HALF_CHORD_M, place_m + HALF_CHORD_M], 0.0, estimate.arc_m[-1])
    chord = _on_line(estimate, ends[1]) - _on_line(estimate, ends[0])
    x_m, y_m = _on_line(estimate, place_m)
    pose = PlanarPose(
        x_m=float(x_m), y_m=float(y_m), yaw_rad=float(np.arctan2(chord[1], chord[0]))
    )
    return pose, float(np.interp(place_m, estimate.arc_m, estimate.sigma_m))


def _on_line(estimate: PathEstimate, arc_m: np.ndarray | float) -> np.ndarray:
    """Return the (..., 2) points of the line at arc lengths from its beginning."""
    columns = [np.interp(arc_m, estimate.arc_m, column) for column in estimate.points_xy.T]
    return np.stack(columns, axis=-1)


def _named(values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(VALUES, values, strict=True)}
