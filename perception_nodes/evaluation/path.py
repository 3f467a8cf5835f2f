"""How far estimated paths are from the true one, and whether their deviations are honest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def _named(values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(VALUES, values, strict=True)}
