"""What ``sensor_msgs/CameraInfo`` says, as plain numbers, to a camera model."""

from __future__ import annotations

from collections.abc import Sequence

from perception_nodes.geometry.camera_model import (
    IDENTITY,
    CameraModel,
    distortion_model_named,
)
from perception_nodes.geometry.lens import DistortionModel


def camera_model_from_info_fields(
    *,
    size_wh: tuple[int, int],
    distortion_model: str,
    d: Sequence[float],
    k: Sequence[float],
    r: Sequence[float] = IDENTITY,
    p: Sequence[float] | None = None,
    binning_xy: tuple[int, int] = (0, 0),
    roi_xywh: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> CameraModel:
    """
    Return the camera of the pictures that come with a ``sensor_msgs/CameraInfo``.

    The region of interest is cut out first and counts in pixels of the full resolution, then
    blocks are binned, as the message defines. Zeros mean the whole picture and no binning.
    All-zero ``d`` means no distortion for every model, also for ``equidistant`` and for none:
    that is how ROS's ``image_geometry`` reads it.

    :param size_wh: width and height at full resolution.
    :param r: rectification; all zero counts as identity.
    :param p: projection; all zero counts as missing.
    :raises UncalibratedCameraError: when ``k[0]`` is zero.
    :raises ValueError: naming the field, its value and what is allowed.
    """
    model = distortion_model if any(d) else DistortionModel.PLUMB_BOB
    camera = CameraModel(
        size_wh=size_wh, k=tuple(k), distortion_model=distortion_model_named(model),
        d=tuple(d) if any(d) else (), r=tuple(r) if any(r) else IDENTITY,
        p=tuple(p) if p is not None and any(p) else None,
    )  # fmt: skip
    if any(roi_xywh[2:]):
        camera = camera.cropped(*roi_xywh)
    if max(binning_xy) > 1:
        camera = camera.binned(max(1, binning_xy[0]), max(1, binning_xy[1]))
    return camera
