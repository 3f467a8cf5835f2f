"""Calibrated cameras: points of the camera frame to pixels and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.geometry.lens import COEFFICIENTS, DistortionModel, Lens, lens_of

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

CENTRE_OF_FIRST_PIXEL = 0.5
"""Where the continuous convention puts what ROS and OpenCV call pixel 0."""

PROPORTION_TOLERANCE = 0.02
"""Sizes are rounded to whole pixels: 1 px of a picture that is 50 px high."""


class UncalibratedCameraError(ValueError):
    """A camera without intrinsics: nothing can be measured with its pictures."""

    def __init__(self) -> None:
        super().__init__(
            'camera is uncalibrated (K[0] = 0 in camera_info): calibrate it with '
            '`ros2 run camera_calibration cameracalibrator` and give the driver the file that '
            'this writes (camera_info_url), or set the intrinsics as parameters'
        )


def continuous_from_centred(pixels_uv: np.ndarray) -> np.ndarray:
    """
    Convert from the convention of :class:`CameraModel` to that of ``Detections``.

    :param pixels_uv: (..., 2); the centre of the top left pixel is (0, 0).
    :returns: (..., 2); its top left corner is (0, 0) and its centre (0.5, 0.5).
    """
    return np.asarray(pixels_uv) + CENTRE_OF_FIRST_PIXEL


def centred_from_continuous(pixels_uv: np.ndarray) -> np.ndarray:
    """Convert back from the convention of ``Detections``; see ``continuous_from_centred``."""
    return np.asarray(pixels_uv) - CENTRE_OF_FIRST_PIXEL


@dataclass(frozen=True, kw_only=True)
class CameraModel:
    """
    Intrinsics and lens of one camera, for the raw (distorted) picture.

    Pixels follow ROS and OpenCV: the centre of the top left pixel is (0, 0), so that row ``v``
    and column ``u`` of an array are the pixel (u, v). Boxes of ``Detections`` count from its
    corner; :func:`centred_from_continuous` converts. The camera frame is the optical frame of
    REP-103: x right, y down, z forward.

    Numbers are kept in tuples, so that equal cameras are equal and may be keys of caches.

    :param size_wh: picture size in pixels.
    :param k: 3×3 camera matrix row by row, pixels, without skew.
    :param distortion_model: how ``d`` bends the picture.
    :param d: coefficients, :data:`COEFFICIENTS` of them; missing ones are zero.
    :param r: 3×3 rotation row by row, rectified camera from camera.
    :param p: 3×4 projection of the rectified picture row by row, or None.
    :raises UncalibratedCameraError: when ``k[0]`` is zero.
    :raises ValueError: naming the field, its value and what is allowed.
    """

    size_wh: tuple[int, int]
    k: tuple[float, ...]
    distortion_model: DistortionModel = DistortionModel.PLUMB_BOB
    d: tuple[float, ...] = ()
    r: tuple[float, ...] = IDENTITY
    p: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Bring the numbers to their types and refuse values outside the contract."""
        width, height = (int(side) for side in self.size_wh)
        if min(width, height) < 1:
            raise ValueError(f'size_wh must be at least 1x1 pixels, got {self.size_wh}')
        model = distortion_model_named(self.distortion_model)
        object.__setattr__(self, 'size_wh', (width, height))
        object.__setattr__(self, 'distortion_model', model)
        object.__setattr__(self, 'k', _camera_matrix(self.k))
        object.__setattr__(self, 'd', _coefficients(self.d, model))
        object.__setattr__(self, 'r', _numbers('r', self.r, 9))
        if self.p is not None:
            object.__setattr__(self, 'p', _numbers('p', self.p, 12))

    @classmethod
    def pinhole(
        cls, size_wh: tuple[int, int], fx: float, fy: float, cx: float, cy: float
    ) -> CameraModel:
        """Return a camera without distortion; pixels, centred convention."""
        return cls(size_wh=size_wh, k=(fx, 0, cx, 0, fy, cy, 0, 0, 1))

    @property
    def focal_xy(self) -> np.ndarray:
        """(2,) float64 focal lengths in pixels."""
        return np.array([self.k[0], self.k[4]])

    @property
    def centre_uv(self) -> np.ndarray:
        """(2,) float64 principal point in pixels, centred convention."""
        return np.array([self.k[2], self.k[5]])

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3) float64 camera matrix."""
        return np.array(self.k).reshape(3, 3)

    @property
    def lens(self) -> Lens:
        """What bends the rays; shared by all cameras with the same coefficients."""
        return lens_of(self.distortion_model, self.d)

    def project(self, points_xyz: np.ndarray) -> np.ndarray:
        """
        Return the pixels of points, which may lie outside the picture.

        :param points_xyz: (N, 3) metres in the camera frame.
        :returns: (N, 2) float64 u, v; NaN behind the camera and beyond the reach of the lens.
        """
        points = np.asarray(points_xyz, dtype=np.float64).reshape(-1, 3)
        return self.lens.plane_from_points(points) * self.focal_xy + self.centre_uv

    def rays(self, pixels_uv: np.ndarray) -> np.ndarray:
        """
        Return the directions that pixels look along.

        :param pixels_uv: (N, 2) u, v, whole or between pixels.
        :returns: (N, 3) float64 of unit norm in the camera frame; NaN where the lens model has
            no direction for a pixel.
        """
        pixels = np.asarray(pixels_uv, dtype=np.float64).reshape(-1, 2)
        return self.lens.rays_from_plane((pixels - self.centre_uv) / self.focal_xy)

    def points_at_depth(self, pixels_uv: np.ndarray, depth_m: np.ndarray) -> np.ndarray:
        """
        Return the points seen at pixels of a depth picture.

        :param pixels_uv: (N, 2) u, v.
        :param depth_m: (N,) metres along the optical axis (REP-118), NaN for none.
        :returns: (N, 3) float64 metres in the camera frame; NaN without depth.
        """
        rays = self.rays(pixels_uv)
        ahead = np.where(rays[:, 2] > 0, rays[:, 2], np.nan)
        return rays * (np.asarray(depth_m, dtype=np.float64) / ahead)[:, None]

    def resized(self, size_wh: tuple[int, int]) -> CameraModel:
        """Return the camera of the picture scaled to a size, corners on corners."""
        scale_x, scale_y = (new / old for new, old in zip(size_wh, self.size_wh, strict=True))
        return self._mapped(size_wh, scale_x, scale_y, 0.0, 0.0)

    def for_picture(self, size_wh: tuple[int, int]) -> CameraModel:
        """
        Return the camera of a picture that may have been scaled since ``camera_info``.

        :raises ValueError: when the proportions differ, which no scaling explains.
        """
        if size_wh == self.size_wh:
            return self
        scale_x, scale_y = (new / old for new, old in zip(size_wh, self.size_wh, strict=True))
        if abs(scale_x / scale_y - 1) > PROPORTION_TOLERANCE:
            raise ValueError(
                f'picture of {size_wh[0]}x{size_wh[1]} does not belong to a camera of '
                f'{self.size_wh[0]}x{self.size_wh[1]}: the proportions differ; take the '
                'camera_info of the same camera driver, or calibrate at this size'
            )
        return self.resized(size_wh)

    def cropped(self, x: int, y: int, width: int, height: int) -> CameraModel:
        """
        Return the camera of a part of the picture.

        :raises ValueError: when the part is empty or reaches out of the picture.
        """
        inside_x = x >= 0 and width >= 1 and x + width <= self.size_wh[0]
        inside_y = y >= 0 and height >= 1 and y + height <= self.size_wh[1]
        if not (inside_x and inside_y):
            raise ValueError(
                f'region of {width}x{height} at ({x}, {y}) is not inside the picture of '
                f'{self.size_wh[0]}x{self.size_wh[1]}'
            )
        return self._mapped((width, height), 1.0, 1.0, float(x), float(y))

    def binned(self, bin_x: int, bin_y: int) -> CameraModel:
        """
        Return the camera of the picture in which blocks of pixels have become one.

        Columns and rows that do not fill a block are left out. ``image_geometry`` divides the
        principal point without regard to the half pixel; the centre of a block is meant here.
        """
        if min(bin_x, bin_y) < 1:
            raise ValueError(f'binning must be at least 1, got {bin_x} and {bin_y}')
        size_wh = (self.size_wh[0] // bin_x, self.size_wh[1] // bin_y)
        return self._mapped(size_wh, 1 / bin_x, 1 / bin_y, 0.0, 0.0)

    def rectified(self) -> CameraModel:
        """
        Return the pinhole camera of the rectified picture, whose frame is turned by ``r``.

        :raises ValueError: when ``p`` is missing.
        """
        if self.p is None or self.p[0] == 0:
            raise ValueError(
                'camera has no projection matrix p for rectified pictures: take the raw picture, '
                'or calibrate with a tool that writes projection_matrix'
            )
        fx, _, cx, _, _, fy, cy, *_ = self.p
        return replace(
            self, k=(fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0), r=IDENTITY, d=(),
            distortion_model=DistortionModel.PLUMB_BOB,
        )  # fmt: skip

    def _mapped(
        self, size_wh: tuple[int, int], scale_x: float, scale_y: float, left: float, top: float
    ) -> CameraModel:
        """Cut ``left`` and ``top`` pixels off, then scale about the corner of the picture."""
        half = CENTRE_OF_FIRST_PIXEL
        mapping = np.array(
            [
                [scale_x, 0, (half - left) * scale_x - half],
                [0, scale_y, (half - top) * scale_y - half],
                [0, 0, 1],
            ]
        )
        k = mapping @ self.matrix
        p = None if self.p is None else tuple((mapping @ np.reshape(self.p, (3, 4))).ravel())
        return replace(self, size_wh=size_wh, k=tuple(k.ravel()), p=p)


def distortion_model_named(name: str) -> DistortionModel:
    """Return the model of a name, or raise ``ValueError`` with the names that there are."""
    try:
        return DistortionModel(name)
    except ValueError:
        allowed = ', '.join(model.value for model in DistortionModel)
        raise ValueError(
            f'distortion_model {name!r} is not one of {allowed}; calibrate with one of these, or '
            'use the rectified picture with all-zero D'
        ) from None


def _camera_matrix(values: Sequence[float]) -> tuple[float, ...]:
    k = _numbers('k', values, 9)
    if k[0] == 0:
        raise UncalibratedCameraError
    if not (k[0] > 0 and k[4] > 0):
        raise ValueError(f'k must have focal lengths above 0, got {k[0]} and {k[4]}')
    if k[1] or k[3] or k[6:] != (0.0, 0.0, 1.0):
        raise ValueError(f'k must read (fx, 0, cx, 0, fy, cy, 0, 0, 1), got {k}')
    return k


def _coefficients(values: Sequence[float], model: DistortionModel) -> tuple[float, ...]:
    """Fill up with zeros; some drivers send zeros for terms that the model does not have."""
    count = COEFFICIENTS[model]
    numbers = _numbers('d', values, len(values))
    if any(numbers[count:]):
        raise ValueError(
            f'd has {len(numbers)} coefficients, {model.value} takes {count}: thin-prism and '
            'tilt terms are not supported, calibrate without them'
        )
    return (*numbers, *(0.0,) * (count - len(numbers)))[:count]


def _numbers(name: str, values: Sequence[float], count: int) -> tuple[float, ...]:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f'{name} needs {count} finite numbers, got {tuple(values)!r}')
    return tuple(numbers.tolist())
