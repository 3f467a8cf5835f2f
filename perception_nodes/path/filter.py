"""
The path over time: one curve that the robot drives along, corrected by every picture.

An extended Kalman filter on the curve's four values. Between pictures the robot moves and the
curve stays: the values change as geometry says, and grow less certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.agreement import Agreement, AgreementConfig
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.estimate import (
    LINE_SIGMA_WIDTHS,
    NOTHING_BEFORE,
    PathEstimate,
    PathProblem,
)
from perception_nodes.path.track import Track
from perception_nodes.path.trail import PathTrail
from perception_nodes.structures import setting

WIDTH_GAIN = 0.02
"""Share of a new width in the running mean: a lane keeps its width for hundreds of pictures."""
LEAST_AHEAD_M = 0.02
"""Where less of the path is known ahead of the foot, what was remembered is not joined to it."""
CLOCK_RESET_S = 1.0
"""Stamps that go back further than this are a clock that was set, not a late picture."""


@dataclass(frozen=True, kw_only=True)
class FilterConfig(AgreementConfig):
    """How the path may change between pictures."""

    max_age_s: float = setting(
        0.5, 'Longest time without a usable picture, s', minimum=0.0, maximum=10.0
    )
    drift_factor: float = setting(
        20.0,
        'The curvature where errors are told walks so many times faster than estimates tell '
        'of the path ahead, which they have seen',
        minimum=0.0,
        maximum=1e6,
    )
    odometry_sigma: float = setting(
        0.03, 'Error of odometry as a part of the motion, 1σ', minimum=0.0, maximum=1.0
    )
    correlated_pictures: float = setting(
        2.0,
        'So many pictures in a row err together and tell as much as one',
        minimum=1.0,
        maximum=100.0,
    )
    gate: float = setting(
        4.0, 'Estimates further off than so many deviations are outliers', minimum=1.0
    )
    gate_slack_m: float = setting(
        0.03, 'Lateral change that is never an outlier, metres', minimum=0.0
    )
    gate_slack_rad: float = setting(
        0.06, 'Change of heading that is never an outlier, rad', minimum=0.0
    )
    outliers_to_restart: int = setting(
        5, 'Outliers in a row after which they are believed', minimum=1, maximum=1000
    )
    max_step: float = setting(
        0.2,
        'A path that goes on so many lane widths beside where the one before ended is another one',
        minimum=0.01,
    )
    max_speed_m_s: float = setting(
        5.0, 'A pose that needs more speed than this restarts the filter', minimum=0.01
    )
    min_length_m: float = setting(
        0.3, 'Shortest piece of known path that is still one to follow, metres', minimum=0.01
    )
    max_lateral_sigma_m: float = setting(
        0.15, 'Less certain lateral errors make no path, metres', minimum=0.001
    )


class PathFilter:
    """
    Smooths estimates, bridges gaps, refuses outliers, and forgets in time.

    Call it for every picture, also where the estimate is not valid.

    :param usual_width_m: of the lane, before any picture.
    """

    def __init__(
        self, config: FilterConfig | None = None, usual_width_m: float | None = None
    ) -> None:
        self.config = FilterConfig() if config is None else config
        self._usual_width_m = usual_width_m
        self.reset()

    def reset(self) -> None:
        """Forget everything: nothing from before lies where it was."""
        self._agreement = Agreement(self.config)
        self._trail = PathTrail()
        self._newest: tuple[int, PlanarPose] | None = None
        self._forget()

    def release_trail(self) -> None:
        """Let the path go on anywhere: somebody may have carried the robot."""
        self._trail = PathTrail()

    def _forget(self) -> None:
        """Forget the path, but neither where it led to nor how reliable the pictures were."""
        self._track: Track | None = None
        self._prediction: tuple[tuple[Track, int, PlanarPose], Track] | None = None
        self._outliers = 0
        self._width_m = self._usual_width_m

    @property
    def width_m(self) -> float | None:
        """Running mean of the lane's width, None before the first picture."""
        return self._width_m

    @property
    def is_bridging(self) -> bool:
        """Whether the newest picture told nothing of the path that is known."""
        return self._track is not None and self._track.seen_ns < self._track.stamp_ns

    def expected(self, stamp_ns: int, odom_from_base: PlanarPose) -> Clothoid | None:
        """Return where the path should run in base_link at a pose, None where none is known."""
        if self._track is None or not self._is_fresh(self._track, stamp_ns, odom_from_base):
            return None
        return self._predicted(self._track, stamp_ns, odom_from_base).curve

    def update(
        self,
        estimate: PathEstimate,
        stamp_ns: int,
        odom_from_base: PlanarPose,
        confirms: Callable[[Track], bool] | None = None,
    ) -> PathEstimate:
        """
        Return the path after one more picture.

        :param estimate: what the picture showed, valid or not.
        :param stamp_ns: of the picture. A picture older than the last one changes nothing.
        :param odom_from_base: pose of base_link at that time, in a frame that does not jump.
        :param confirms: asked where the picture shows no path, or another one: whether it shows
            free lane all along the known one, which then is as good as seen.
        :returns: valid as long as something usable was seen within ``max_age_s``; told in
            base_link at this pose.
        """
        if self._has_jumped(stamp_ns, odom_from_base):
            self.reset()
        elif self._track is not None and not self._is_fresh(self._track, stamp_ns, odom_from_base):
            self._forget()
        if self._track is not None and stamp_ns < self._track.stamp_ns:
            return self._told(self._predicted(self._track, stamp_ns, odom_from_base))
        self._newest = stamp_ns, odom_from_base
        before, after = self._before_and_after(estimate, stamp_ns, odom_from_base)
        is_used = after is not None and after.seen_ns == stamp_ns
        if after is not None and is_used and self._leaves_trail(after):
            after, is_used = before, False
            estimate = PathEstimate.invalid(
                PathProblem.ELSEWHERE, look_ahead_m=estimate.look_ahead_m
            )
        agrees = is_used
        if before is not None and not is_used and confirms is not None and confirms(before):
            after, agrees = replace(before, seen_ns=stamp_ns), True
            self._outliers = 0
        self._agreement.note(agrees, stamp_ns)
        self._track = after
        if after is None:
            return estimate
        if is_used:
            self._note_width(estimate.width_m)
        self._trail = self._trail.extended(after.curve, after.covariance, odom_from_base)
        return self._told(after)

    def _before_and_after(
        self, estimate: PathEstimate, stamp_ns: int, pose: PlanarPose
    ) -> tuple[Track | None, Track | None]:
        """Return what is known at a pose without an estimate, and with it."""
        if self._track is None:
            self._outliers = 0
            return None, Track.begun(estimate, stamp_ns, pose)
        before = self._predicted(self._track, stamp_ns, pose)
        return before, self._corrected(before, estimate)

    def _leaves_trail(self, track: Track) -> bool:
        """Return whether a path does not go on from where the one before led to."""
        if self._usual_width_m is None:
            return False
        limit_m = self.config.max_step * self._usual_width_m
        return self._trail.step_m(track.curve, track.pose) > limit_m

    def _is_fresh(self, track: Track, stamp_ns: int, pose: PlanarPose) -> bool:
        """Return whether what is known still holds at a stamp and pose."""
        age_s = (stamp_ns - track.seen_ns) * 1e-9
        return age_s <= self.config.max_age_s and not self._has_jumped(stamp_ns, pose)

    def _has_jumped(self, stamp_ns: int, pose: PlanarPose) -> bool:
        """Return whether clock or odometry begin anew after the newest picture."""
        if self._newest is None:
            return False
        seconds = (stamp_ns - self._newest[0]) * 1e-9
        step = self._newest[1].inverse() @ pose
        reach_m = self.config.max_speed_m_s * (abs(seconds) + self.config.max_age_s)
        return seconds < -CLOCK_RESET_S or float(np.hypot(step.x_m, step.y_m)) > reach_m

    def _predicted(self, track: Track, stamp_ns: int, pose: PlanarPose) -> Track:
        """Return the track as told from another pose; asked twice, it is computed once."""
        asked = (track, stamp_ns, pose)
        if self._prediction is None or self._prediction[0] != asked:
            moved = track.moved(
                stamp_ns, pose, self.config.odometry_sigma, self.config.drift_factor
            )
            self._prediction = (asked, moved)
        return self._prediction[1]

    def _corrected(self, track: Track, estimate: PathEstimate) -> Track | None:
        """Return the track after a picture; None where outliers ended it."""
        if not estimate.is_valid:
            return track
        measured = estimate.curve
        if measured.look_ahead_m != track.curve.look_ahead_m:
            return Track.begun(estimate, track.stamp_ns, track.pose)
        noise = estimate.covariance * self.config.correlated_pictures
        innovation = measured.state - track.curve.state
        innovation[1] = (innovation[1] + np.pi) % (2 * np.pi) - np.pi
        total = track.covariance + noise
        if self._is_outlier(innovation, total):
            self._outliers += 1
            if self._outliers < self.config.outliers_to_restart:
                return track
            self._outliers = 0
            return Track.begun(estimate, track.stamp_ns, track.pose)
        self._outliers = 0
        gain = np.linalg.solve(total, track.covariance).T
        kept = np.eye(4) - gain
        covariance = kept @ track.covariance @ kept.T + gain @ noise @ gain.T
        state = track.curve.state + gain @ innovation
        begin_m, end_m = estimate.extent_m
        return replace(
            track, curve=Clothoid.from_state(state, measured.look_ahead_m),
            covariance=0.5 * (covariance + covariance.T), from_m=min(track.from_m, begin_m),
            to_m=end_m, seen_ns=track.stamp_ns, confidence=estimate.confidence,
            is_parted=estimate.is_parted, drift_1_m3=estimate.drift_1_m3,
        )  # fmt: skip

    def _is_outlier(self, innovation: np.ndarray, total: np.ndarray) -> bool:
        slack = (self.config.gate_slack_m, self.config.gate_slack_rad)
        limits = self.config.gate * np.sqrt(np.diag(total)[:2]) + slack
        return bool((np.abs(innovation[:2]) > limits).any())

    def _note_width(self, width_m: float) -> None:
        """Learn the lane's width, as far as the pictures are to be believed."""
        if np.isnan(width_m):
            return
        if self._width_m is None:
            self._width_m = width_m
        self._width_m += WIDTH_GAIN * self._agreement.trust * (width_m - self._width_m)

    def _told(self, track: Track) -> PathEstimate:
        """Return the track as an estimate, or why it is none."""
        look_ahead_m = track.curve.look_ahead_m
        if track.to_m - track.from_m < self.config.min_length_m:
            return PathEstimate.invalid(PathProblem.LOST, look_ahead_m=look_ahead_m)
        certain = 1 - track.covariance[0, 0] / self.config.max_lateral_sigma_m**2
        if not certain >= 0:
            return PathEstimate.invalid(PathProblem.TOO_UNCERTAIN, look_ahead_m=look_ahead_m)
        age_s = max(0.0, (track.stamp_ns - track.seen_ns) * 1e-9)
        fading = 1 - age_s / self.config.max_age_s if self.config.max_age_s else 1.0
        seen = track.confidence * fading
        before = self._trail.told(track.curve, track.pose, self.config.odometry_sigma)
        is_joined = len(before[1]) > 0 and track.to_m > LEAST_AHEAD_M
        from_m = 0.0 if is_joined else track.from_m
        width_m = np.inf if self._width_m is None else self._width_m
        return PathEstimate.along(
            track.curve, track.covariance, (from_m, track.to_m), drift_1_m3=track.drift_1_m3,
            before=before if is_joined else NOTHING_BEFORE,
            width_m=np.nan if self._width_m is None else self._width_m,
            is_parted=track.is_parted,
            confidence=float(np.clip(seen * np.sqrt(certain) * self._agreement.trust, 0, 1)),
            most_sigma_m=LINE_SIGMA_WIDTHS * width_m,
        )  # fmt: skip
