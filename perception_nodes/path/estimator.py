"""From one mask to one path estimate."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from perception_nodes.geometry import GroundProjection
from perception_nodes.path.classes import PathClasses, Role
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.config import PathConfig, PathMode
from perception_nodes.path.corridor import (
    WIDTH,
    CorridorFit,
    CorridorPrior,
    Edges,
    fit_corridor,
)
from perception_nodes.path.edge_parts import MIN_EDGES, borders_of, nearer_parts
from perception_nodes.path.estimate import LINE_SIGMA_WIDTHS, PathEstimate, PathProblem
from perception_nodes.path.evidence import Evidence
from perception_nodes.path.line import line_evidence
from perception_nodes.path.markings import marking_evidence
from perception_nodes.path.region import region_evidence
from perception_nodes.path.rings import RingView

FIRST_SCALE = 16.0
"""Edges further off than usual are forgiven at first: the first curve is rough."""
WIDTH_DEVIATIONS = 3.0
SEEN_WIDTH = 0.9
"""A width is seen where the edges leave no more than this part of its deviation."""
MIN_WEIGHT = 0.4
"""Mean weight below which most edges disagree with the curve."""
USED_WEIGHT = 0.3
"""Places with less weight do not count as seen path."""
KNOWN_LENGTH = 0.5
"""Of a path that is being followed, this part of the usual length is enough: in a hairpin a
camera that looks ahead sees no more of it."""
STEEPEST_BEND = 1.6
"""Curves that bend so many times more than any path should are none."""
MOST_HEADING_RAD = 2.0
"""Paths that come back towards the robot are somebody else's."""
DRIFT = 8e-4
"""
How fast paths leave a clothoid, as part of the largest curvature squared, per lane width.

Measured on courses of straight lines and arcs: with less, deviations came out too small; with
more, the far part of the path would not count.
"""
TRANSITION_WIDTHS = 2.0
"""Curvature is expected to change fully within so many lane widths."""


class PathEstimator:
    """
    Looks at one mask at a time; remembers nothing.

    :param labels: class name per mask value.
    :param config: what is known about lane and camera.
    :param classes: which class names make a path.
    """

    def __init__(
        self,
        labels: Mapping[int, str],
        config: PathConfig | None = None,
        classes: PathClasses | None = None,
    ) -> None:
        self.config = PathConfig() if config is None else config
        self._mode = PathMode(self.config.mode)
        # Markings are followed along their middles, a region along its edges.
        is_between = self._mode is PathMode.MARKINGS
        self._line_m = self.config.marking_width_m if is_between else 0.0
        self._drift_1_m3 = DRIFT / (self.config.min_radius_m**2 * self.config.lane_width_m)
        self._roles = (PathClasses() if classes is None else classes).role_table(labels)

    def estimate(
        self,
        mask: np.ndarray,
        confidence: np.ndarray | None,
        ground: GroundProjection,
        *,
        expected: Clothoid | None = None,
        width_m: float | None = None,
    ) -> PathEstimate:
        """
        Return the path that a mask shows.

        :param mask: (H, W) uint8, mask values, 255 unknown; H and W of the camera.
        :param confidence: (H, W) uint8, 255 is 1.0; None trusts every pixel fully.
        :param ground: of the camera that took the picture.
        :param expected: the curve that is being followed, in base_link of this picture: its lane
            is looked for, and its branch where the parting lies behind.
        :param width_m: width of the lane as found before, if other than configured.
        :raises ValueError: for pictures of another size or type.
        """
        self._check(mask, confidence, ground)
        view = RingView.prepare(ground, self.config.max_range_m)
        roles = self.role_picture(mask, confidence)
        prior = self._prior(view, width_m)
        evidence = self._evidence(roles, confidence, view, prior, expected, width_m)
        if not len(evidence.edges):
            return self._no_path(PathProblem.NOTHING_SEEN)
        if len(evidence.edges) < MIN_EDGES:
            return self._no_path(PathProblem.TOO_FEW_POINTS)
        # A mask errs more easily about floor whose other border is out of sight than about lines.
        if len(evidence.marked) >= MIN_EDGES:
            estimate = self._best(evidence.marked, evidence, prior, expected)
            if estimate.is_valid:
                return estimate
        return self._best(evidence.edges, evidence, prior, expected)

    @property
    def follows_region(self) -> bool:
        """Whether the drivable region tells the path: between lines there may be anything."""
        return self._mode is PathMode.REGION

    def role_picture(self, mask: np.ndarray, confidence: np.ndarray | None) -> np.ndarray:
        """Return (H, W) uint8, values of ``Role``; see :meth:`estimate`."""
        roles = cv2.LUT(mask, self._roles)
        if confidence is not None and self.config.min_confidence > 0:
            roles[confidence < round(255 * self.config.min_confidence)] = Role.UNKNOWN
        return roles

    def _best(
        self, edges: Edges, evidence: Evidence, prior: CorridorPrior, expected: Clothoid | None
    ) -> PathEstimate:
        """Return the path through edges, or through those that the followed lane explains."""
        estimate = self._through(edges, evidence, prior, expected)
        if expected is None or estimate.problem is not PathProblem.IMPLAUSIBLE_WIDTH:
            return estimate
        # In a hairpin one border is out of sight; a few wrong edges then pass for it.
        borders = borders_of(expected, edges, prior.width_m)
        if not MIN_EDGES <= len(borders) < len(edges):
            return estimate
        return self._through(borders, evidence, prior, expected)

    def _through(
        self, edges: Edges, evidence: Evidence, prior: CorridorPrior, expected: Clothoid | None
    ) -> PathEstimate:
        """Return the path through edges, or through the nearer of them."""
        needed_m = (1.0 if expected is None else KNOWN_LENGTH) * self.config.min_length_m
        start = evidence.start
        for part in nearer_parts(edges, prior.foot_xy):
            fit = fit_corridor(part, prior, start, first_scale=FIRST_SCALE)
            estimate = self._judged(fit, evidence, needed_m)
            if estimate.problem not in (PathProblem.POOR_FIT, PathProblem.TOO_FAR):
                break
            start = evidence.start if expected is None else expected
        return estimate

    def _evidence(
        self,
        roles: np.ndarray,
        confidence: np.ndarray | None,
        view: RingView,
        prior: CorridorPrior,
        expected: Clothoid | None,
        width_m: float | None,
    ) -> Evidence:
        if self._mode is PathMode.MARKINGS:
            return marking_evidence(roles, confidence, view, self.config, prior, expected=expected)
        if self._mode is PathMode.LINE:
            return line_evidence(roles, confidence, view, self.config, expected=expected)
        return region_evidence(
            roles, confidence, view, self.config, expected=expected, width_m=width_m
        )

    def _check(
        self, mask: np.ndarray, confidence: np.ndarray | None, ground: GroundProjection
    ) -> None:
        width, height = ground.camera.size_wh
        for name, picture in (('mask', mask), ('confidence', confidence)):
            if picture is None:
                continue
            if picture.shape != (height, width) or picture.dtype != np.uint8:
                raise ValueError(
                    f'{name} must be {(height, width)} uint8 as the camera says, got '
                    f'{picture.shape} {picture.dtype}'
                )

    def _prior(self, view: RingView, width_m: float | None) -> CorridorPrior:
        config = self.config
        bend = 1 / config.min_radius_m
        return CorridorPrior(
            foot_xy=(float(view.foot_xy[0]), float(view.foot_xy[1])),
            height_m=view.height_m,
            pitch_sigma_rad=view.pitch_sigma_rad,
            width_m=(width_m or config.lane_width_m) + self._line_m,
            width_sigma_m=config.lane_width_sigma_m,
            curvature_sigma_1_m=bend,
            curvature_rate_sigma_1_m2=bend / (TRANSITION_WIDTHS * config.lane_width_m),
            drift_1_m3=self._drift_1_m3,
        )

    def _no_path(self, problem: PathProblem) -> PathEstimate:
        return PathEstimate.invalid(problem, look_ahead_m=self.config.look_ahead_m)

    def _judged(self, fit: CorridorFit, evidence: Evidence, min_length_m: float) -> PathEstimate:
        """Return the estimate, or why the fit is none."""
        config = self.config
        used = fit.weights >= USED_WEIGHT
        arcs = fit.arc_m[used]
        if len(arcs) < MIN_EDGES:
            return self._no_path(PathProblem.POOR_FIT)
        from_m, to_m = float(np.quantile(arcs, 0.02)), float(arcs.max())
        if to_m - from_m < min_length_m:
            return self._no_path(PathProblem.TOO_SHORT)
        if from_m > config.min_length_m:
            return self._no_path(PathProblem.TOO_FAR)
        if fit.weights.mean() < MIN_WEIGHT or not self._is_drivable(fit.curve):
            return self._no_path(PathProblem.POOR_FIT)
        if (
            abs(fit.width_m - self._line_m - config.lane_width_m)
            > WIDTH_DEVIATIONS * config.lane_width_sigma_m
        ):
            return self._no_path(PathProblem.IMPLAUSIBLE_WIDTH)
        covariance = fit.covariance[:4, :4]
        limits = np.array([config.max_lateral_sigma_m, config.max_heading_sigma_rad])
        sigma = np.sqrt(np.diag(covariance)[:2])
        if not (np.isfinite(covariance).all() and (sigma <= limits).all()):
            return self._no_path(PathProblem.TOO_UNCERTAIN)
        return PathEstimate.along(
            fit.curve, covariance, (from_m, to_m), drift_1_m3=self._drift_1_m3,
            width_m=self._width_m(fit),
            is_parted=evidence.parted, most_sigma_m=LINE_SIGMA_WIDTHS * config.lane_width_m,
            confidence=self._confidence(fit, evidence, to_m - from_m),
        )  # fmt: skip

    def _is_drivable(self, curve: Clothoid) -> bool:
        """Return whether a curve neither bends too much nor comes back."""
        bend = abs(curve.curvature_1_m) * self.config.min_radius_m
        return bend <= STEEPEST_BEND and abs(curve.heading_error_rad) <= MOST_HEADING_RAD

    def _width_m(self, fit: CorridorFit) -> float:
        """Return the width of the lane; a line shows none, nor does one border alone."""
        sigma_m = float(np.sqrt(fit.covariance[WIDTH, WIDTH]))
        unseen = sigma_m > SEEN_WIDTH * self.config.lane_width_sigma_m
        return float('nan') if unseen else fit.width_m - self._line_m

    def _confidence(self, fit: CorridorFit, evidence: Evidence, length_m: float) -> float:
        """Return the product of what may be wrong, each 1 when it is as good as it gets."""
        config = self.config
        certain = 1 - float(np.sqrt(fit.covariance[0, 0])) / config.max_lateral_sigma_m
        long = min(1.0, length_m / config.min_length_m)
        agreeing = float(fit.weights.mean())
        return float(np.clip(evidence.trust * np.sqrt(max(certain, 0.0)) * long * agreeing, 0, 1))
