"""The ground in front of a camera, from options."""

from __future__ import annotations

import numpy as np
import typer

from perception_nodes.geometry import CameraModel, GroundProjection, RigidTransform
from perception_nodes.path import road_projection

_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def numbers_of(text: str, names: str) -> list[float]:
    """
    Return as many numbers as there are names.

    :raises typer.BadParameter: anything else.
    """
    wanted = names.split(',')
    try:
        values = [float(part) for part in text.split(',')]
    except ValueError:
        values = []
    if len(values) != len(wanted) or not np.isfinite(values).all():
        raise typer.BadParameter(f'{text!r}: give {names} as {len(wanted)} numbers with commas')
    return values


def ground_of_options(camera: str, road: str, size_wh: tuple[int, int]) -> GroundProjection:
    """
    Return the ground for pictures of a size.

    :param camera: height, forward, pitch, fovy.
    :param road: vanishing column and row, columns of the lines and their row; wins if given.
    """
    if road:
        u, v, left, right, row = numbers_of(road, 'column,row,left,right,line row')
        return road_projection(size_wh, (u, v), (left, right), row)
    height_m, forward_m, pitch, fovy = numbers_of(camera, 'height,forward,pitch,fovy')
    if not 0 < fovy < 180:
        raise typer.BadParameter(f'fovy must lie between 0 and 180 degrees, got {fovy}')
    width, height = size_wh
    focal = height / 2 / float(np.tan(np.radians(fovy) / 2))
    model = CameraModel.pinhole(size_wh, focal, focal, (width - 1) / 2, (height - 1) / 2)
    pose = np.eye(4)
    pose[:3, :3] = RigidTransform.from_rpy(0.0, float(np.radians(pitch)), 0.0).rotation @ _OPTICAL
    pose[:3, 3] = (forward_m, 0.0, height_m)
    return GroundProjection(
        model, RigidTransform.from_matrix(pose),
        pitch_sigma_rad=float(np.radians(0.5)), roll_sigma_rad=float(np.radians(0.3)),
        height_sigma_m=0.02 * height_m, pixel_sigma=0.5,
    )  # fmt: skip
