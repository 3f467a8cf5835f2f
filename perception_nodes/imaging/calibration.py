"""Camera calibrations in the YAML form of ROS's ``camera_calibration``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

#: Coefficients that each distortion model of ``sensor_msgs/CameraInfo`` takes.
DISTORTION_MODELS = {'plumb_bob': 5, 'rational_polynomial': 8, 'equidistant': 4}

_MATRICES = {
    'k': ('camera_matrix', 9),
    'r': ('rectification_matrix', 9),
    'p': ('projection_matrix', 12),
}


@dataclass(frozen=True, kw_only=True)
class CameraCalibration:
    """
    Intrinsics of one camera, as in ``sensor_msgs/CameraInfo``; matrices row by row.

    :param size_wh: picture size that the figures belong to, in pixels.
    :param distortion_model: a key of :data:`DISTORTION_MODELS`, or empty when uncalibrated.
    :param d: distortion coefficients.
    :param k: 3×3 camera matrix, pixels; all zero when uncalibrated.
    :param r: 3×3 rectification.
    :param p: 3×4 projection of the rectified picture, pixels.
    """

    size_wh: tuple[int, int]
    distortion_model: str = ''
    d: tuple[float, ...] = ()
    k: tuple[float, ...] = (0.0,) * 9
    r: tuple[float, ...] = (0.0,) * 9
    p: tuple[float, ...] = (0.0,) * 12

    @property
    def calibrated(self) -> bool:
        """Whether there is a camera matrix."""
        return self.k[0] != 0.0


def read_calibration(path: str | Path) -> CameraCalibration:
    """
    Read a calibration file.

    :raises ValueError: naming the file, the field, what it holds and what it should hold.
    :raises OSError: when the file cannot be read.
    """
    path = Path(path)
    try:
        document = yaml.safe_load(path.read_text(encoding='utf-8'))
        return _calibration(document)
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise ValueError(
            f'calibration {path.name!r}: {error}; write it with the camera_calibration tool'
        ) from error


def write_calibration(path: Path, calibration: CameraCalibration, camera_name: str) -> None:
    """Write a calibration so that :func:`read_calibration` and ROS's drivers read it again."""
    document: dict[str, Any] = {
        'image_width': calibration.size_wh[0],
        'image_height': calibration.size_wh[1],
        'camera_name': camera_name,
        'distortion_model': calibration.distortion_model,
        'distortion_coefficients': _matrix(1, calibration.d),
    }
    for name, (field, _) in _MATRICES.items():
        document[field] = _matrix(3, getattr(calibration, name))
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding='utf-8')


def _matrix(rows: int, values: tuple[float, ...]) -> dict[str, Any]:
    return {'rows': rows, 'cols': len(values) // rows, 'data': [float(value) for value in values]}


def _calibration(document: Any) -> CameraCalibration:
    if not isinstance(document, Mapping):
        raise ValueError('not a YAML mapping')
    size_wh = (int(_field(document, 'image_width')), int(_field(document, 'image_height')))
    if min(size_wh) < 1:
        raise ValueError(f'image_width and image_height must be at least 1, got {size_wh}')
    model = _field(document, 'distortion_model')
    if model not in DISTORTION_MODELS:
        raise ValueError(
            f'distortion_model {model!r} is not one of {", ".join(DISTORTION_MODELS)}'
        )
    matrices = {
        name: _numbers(document, field, count) for name, (field, count) in _MATRICES.items()
    }
    if not (matrices['k'][0] > 0 and matrices['k'][4] > 0):
        raise ValueError('camera_matrix must have focal lengths above 0')
    distortion = _numbers(document, 'distortion_coefficients', DISTORTION_MODELS[model])
    return CameraCalibration(size_wh=size_wh, distortion_model=model, d=distortion, **matrices)


def _field(document: Mapping[str, Any], name: str) -> Any:
    if name not in document:
        raise ValueError(f'field {name!r} is missing')
    return document[name]


def _numbers(document: Mapping[str, Any], name: str, count: int) -> tuple[float, ...]:
    holder = _field(document, name)
    values = holder.get('data') if isinstance(holder, Mapping) else holder
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f'{name} needs {count} finite numbers, got {values!r}')
    return tuple(numbers.tolist())
