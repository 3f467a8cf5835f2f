"""
The usual classroom solution: a colour threshold in HSV and a proportional controller.

It is the baseline in the tables. Whoever runs it picks the colours of the two tapes by hand in the
first picture; here they are picked where the tapes of a robot that stands in the lane must be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from perception_nodes.simulation.episodes.follower import CameraFrame, FollowerAnswer
from perception_nodes.simulation.vehicle import Odometry
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class ColorFollowerConfig:
    """What a student would tune."""

    speed_m_s: float = setting(0.5, 'constant speed', minimum=0.05, maximum=3.0)
    gain_rad_s: float = setting(
        3.0, 'turning speed for an error of half the lane', minimum=0.1, maximum=30.0
    )
    nearest_m: float = setting(0.55, 'where the band of rows begins, from base_link', minimum=0.1)
    farthest_m: float = setting(0.85, 'where the band of rows ends', minimum=0.2)
    half_lane_m: float = setting(0.275, 'from the middle to a tape', minimum=0.05)
    hue_range: int = setting(12, 'hue on both sides of the picked one', minimum=1, maximum=90)
    level_range: int = setting(70, 'saturation and value on both sides', minimum=1, maximum=255)
    fewest_px: int = setting(30, 'pixels of a tape that count', minimum=1)

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class ColorFollower:
    """Keep the middle between two coloured tapes in the middle of the picture."""

    def __init__(self, config: ColorFollowerConfig | None = None) -> None:
        self.config = ColorFollowerConfig() if config is None else config
        self._colors: list[np.ndarray] = []
        self._last = FollowerAnswer(status='no tape seen')

    def step(
        self,
        frame: CameraFrame | None,
        stamp_ns: int,
        odometry: Odometry | None,
        *,
        steady_ns: int,
    ) -> FollowerAnswer:
        """Look at a band of rows, and steer; without picture or tape go on as before."""
        if frame is None or frame.base_from_camera is None:
            return self._last
        self._last = self._steer(frame)
        return self._last

    def reset(self) -> None:
        """Forget the last command; the colours were picked by hand and stay."""
        self._last = FollowerAnswer(status='no tape seen')

    def _steer(self, frame: CameraFrame) -> FollowerAnswer:
        """Return the command for a picture."""
        config = self.config
        hsv = cv2.cvtColor(frame.frame.pixels, cv2.COLOR_RGB2HSV)
        rows = self._rows(frame)
        if not self._colors:
            self._colors = [self._pick(frame, hsv, side) for side in (1, -1)]
        band = hsv[rows[0] : rows[1]]
        middle = frame.camera.centre_uv[0]
        half_px = self._half_lane_px(frame)
        found = []
        for side, color in zip((1, -1), self._colors, strict=True):
            columns = self._columns(band, color)
            # With one colour for both tapes the sides are told apart by the last error.
            columns = columns[(columns < middle) if side > 0 else (columns >= middle)]
            if len(columns) >= config.fewest_px:
                found.append(float(columns.mean()) + side * half_px)
        if not found:
            return replace(self._last, status='no tape seen')
        error = (middle - float(np.mean(found))) / half_px
        return FollowerAnswer(linear_m_s=config.speed_m_s, angular_rad_s=config.gain_rad_s * error)

    def _rows(self, frame: CameraFrame) -> tuple[int, int]:
        """Return the first and the last row of the band."""
        height = frame.frame.pixels.shape[0]
        far, near = (
            _pixel(frame, distance_m, 0.0)[1]
            for distance_m in (self.config.farthest_m, self.config.nearest_m)
        )
        top = int(np.clip(far, 0, height - 2))
        return top, int(np.clip(near, top + 1, height))

    def _half_lane_px(self, frame: CameraFrame) -> float:
        """Return how wide half the lane is in the middle of the band."""
        distance_m = (self.config.farthest_m + self.config.nearest_m) / 2
        left = _pixel(frame, distance_m, self.config.half_lane_m)[0]
        return float(frame.camera.centre_uv[0] - left)

    def _pick(self, frame: CameraFrame, hsv: np.ndarray, side: int) -> np.ndarray:
        """Return (3,) the colour where a tape must be at the start."""
        u, v = _pixel(frame, self.config.farthest_m, side * self.config.half_lane_m)
        v, u = round(v), round(u)
        patch = hsv[v - 2 : v + 3, max(0, u - 2) : u + 3].reshape(-1, 3)
        return np.median(patch, axis=0) if len(patch) else np.array([0, 0, 255.0])

    def _columns(self, band: np.ndarray, color: np.ndarray) -> np.ndarray:
        """Return the columns of the pixels that have a colour."""
        hue = np.abs(band[..., 0].astype(int) - color[0])
        near = np.minimum(hue, 180 - hue) <= self.config.hue_range
        if color[1] < 40:  # white and grey have no hue
            near[:] = True
        levels = np.abs(band[..., 1:].astype(int) - color[1:]) <= self.config.level_range
        return np.nonzero(near & levels.all(axis=2))[1]


def _pixel(frame: CameraFrame, x_m: float, y_m: float) -> np.ndarray:
    """Return (2,) the pixel of a place on the floor in base_link."""
    if frame.base_from_camera is None:
        raise ValueError('the mounting of the camera is not known')
    point = frame.base_from_camera.inverse().apply(np.array([[x_m, y_m, 0.0]]))
    return np.asarray(frame.camera.project(point)[0])
