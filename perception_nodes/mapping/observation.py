"""What one mask says about the floor around the robot: weighted looks at places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from perception_nodes.geometry import RigidTransform
from perception_nodes.mapping.classes import MapClasses
from perception_nodes.mapping.columns import (
    GROUND,
    STANDING,
    UNLABELLED,
    ColumnTrace,
    trace_columns,
)
from perception_nodes.mapping.ground_view import GroundView
from perception_nodes.mapping.observation_config import ObservationConfig

PIXELS_FOR_A_FULL_LOOK = 4.0
"""With depth, so many pixels in a cell count as one look without doubt."""

BORDER_PX = 4
"""So wide is the border of a thing in which a network with a quarter of the pixels is unsure."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Observation:
    """
    Looks at places on the floor, and where things stand.

    :param points_xy: (2, N) float32, metres in base_link, finite.
    :param class_ids: (N,) uint8, ids of the map's classes.
    :param weights: (N,) float32, share of a cell's look: in a cell they add up to 1 when it is
        seen completely and without doubt.
    :param obstacles_xyz: (M, 3) float32, metres in base_link: standing pixels (with depth) or
        contacts (without).
    :param obstacle_ids: (M,) uint8, their classes.
    :param floor_xyz: (K, 3) float32, metres in base_link: a thinned sample of the seen floor,
        where rays from the camera passed through nothing.
    """

    points_xy: np.ndarray
    class_ids: np.ndarray
    weights: np.ndarray
    obstacles_xyz: np.ndarray
    obstacle_ids: np.ndarray
    floor_xyz: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.float32))

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths."""
        count, obstacles = len(self.weights), len(self.obstacle_ids)
        found = (self.points_xy.shape, self.class_ids.shape, self.obstacles_xyz.shape)
        if found != ((2, count), (count,), (obstacles, 3)):
            raise ValueError(
                'an observation needs points_xy (2, N), class_ids (N,), weights (N,), '
                f'obstacles_xyz (M, 3), obstacle_ids (M,); got {found[0]}, {found[1]}, '
                f'({count},), {found[2]}, ({obstacles},)'
            )

    @classmethod
    def empty(cls) -> Observation:
        """Return the value that says: looked, and saw nothing of the floor."""
        return cls(
            points_xy=np.zeros((2, 0), np.float32),
            class_ids=np.zeros(0, np.uint8),
            weights=np.zeros(0, np.float32),
            obstacles_xyz=np.zeros((0, 3), np.float32),
            obstacle_ids=np.zeros(0, np.uint8),
        )


class MaskObserver:
    """
    Reads masks, with or without depth.

    :meth:`.SemanticMap.observer` makes one that fits a map.

    :param classes: table of the map.
    :param labels: class name per mask value; without it mask values are class ids.
    :param resolution_m: side of a cell of the grid.
    """

    def __init__(
        self,
        classes: MapClasses,
        config: ObservationConfig | None = None,
        *,
        labels: Mapping[int, str] | None = None,
        resolution_m: float,
    ) -> None:
        self.config = ObservationConfig() if config is None else config
        self.classes = classes
        self.resolution_m = resolution_m
        self._ids = classes.id_table(labels)
        kinds = np.full(256, UNLABELLED, np.uint8)
        kinds[: len(classes)] = np.where(classes.ground, GROUND, STANDING)
        self._kinds = kinds[self._ids]
        levels = np.linspace(0, 1, 256)
        floor = self.config.min_confidence
        self._trust = np.clip((levels - floor) / (1 - floor), 0, 1).astype(np.float32)

    def prepare(self, points_xy: np.ndarray, sigma_m: np.ndarray) -> GroundView:
        """Prepare a ground look-up for :meth:`observe`; see :meth:`.GroundView.prepare`."""
        return GroundView.prepare(
            points_xy,
            sigma_m,
            resolution_m=self.resolution_m,
            max_range_m=self.config.max_range_m,
            max_sigma_m=self.config.max_sigma_m,
        )

    def observe(
        self, mask: np.ndarray, confidence: np.ndarray | None, view: GroundView
    ) -> Observation:
        """
        Return what a mask shows on the ground plane (see :mod:`.columns` for the rule).

        :param mask: (H, W) uint8 mask values, 255 unknown.
        :param confidence: (H, W) uint8, 255 is 1.0; ``None`` trusts every pixel fully.
        :param view: where the pixels look, for the same H and W.
        """
        _check_shapes(mask, confidence, view.shape_hw)
        mask = mask[view.first_row :]
        kinds = cv2.LUT(mask, self._kinds)
        trace = self._trace(kinds)
        rows = np.arange(len(kinds), dtype=np.int16)[:, None]
        seen = kinds == GROUND
        seen &= rows > trace.block_rows.astype(np.int16)
        seen &= view.usable
        looks = np.flatnonzero(seen & view.samples)
        contacts = trace.contact_rows * mask.shape[1] + trace.contact_columns
        contacts = contacts[view.usable.ravel()[contacts]]
        index = np.concatenate([looks, contacts])
        weights = np.concatenate([view.area_shares.ravel()[looks], view.width_shares(contacts)])
        if confidence is not None:
            sure = confidence[view.first_row :].ravel()
            weights[: len(looks)] *= self._trust[sure[looks]]
            weights[len(looks) :] *= self._trust[_surest_near(mask, sure, contacts)]
        points_xy = np.stack([view.x_m.ravel()[index], view.y_m.ravel()[index]])
        ids = self._ids[mask.ravel()[index]]
        count = len(contacts)
        obstacles = np.empty((count, 3), np.float32)
        obstacles[:, :2] = points_xy[:, len(looks) :].T
        obstacles[:, 2] = self.config.obstacle_height_m
        return Observation(
            points_xy=points_xy, class_ids=ids, weights=weights, obstacles_xyz=obstacles,
            obstacle_ids=ids[len(looks) :], floor_xyz=self._floor(seen, view),
        )  # fmt: skip

    def _floor(self, seen: np.ndarray, view: GroundView) -> np.ndarray:
        """Return (K, 3) points of every few pixels of seen floor."""
        step = self.config.floor_stride_px
        thinned = seen[::step, ::step]
        x_m, y_m = view.x_m[::step, ::step][thinned], view.y_m[::step, ::step][thinned]
        return np.stack([x_m, y_m, np.zeros_like(x_m)], axis=1)

    def _trace(self, kinds: np.ndarray) -> ColumnTrace:
        config = self.config
        return trace_columns(
            kinds,
            min_run_px=config.min_run_px,
            max_gap_px=config.max_gap_px,
            mark_cut_off=config.mark_cut_off,
        )

    def observe_points(
        self,
        mask: np.ndarray,
        confidence: np.ndarray | None,
        points_xyz: np.ndarray,
        sigma_m: np.ndarray | None = None,
        *,
        base_from_points: RigidTransform | None = None,
    ) -> Observation:
        """
        Return what a mask shows with depth: every pixel is where its point is.

        :param points_xyz: (H, W, 3) float32 organised cloud, metres, NaN unknown.
        :param base_from_points: what brings the cloud into base_link, if it is not there yet.
        :param sigma_m: (H, W) float32 standard deviation of range; by default it grows with the
            square of range.
        """
        _check_shapes(mask, confidence, points_xyz.shape[:2])
        config = self.config
        every = np.s_[:: config.depth_stride_px, :: config.depth_stride_px]
        mask, points_xyz = np.ascontiguousarray(mask[every]), points_xyz[every]
        if base_from_points is not None:
            points_xyz = _moved(points_xyz, base_from_points)
        kinds = cv2.LUT(mask, self._kinds)
        x_m, y_m, z_m = (points_xyz[:, :, axis] for axis in range(3))
        range_sq = x_m * x_m + y_m * y_m
        is_near = range_sq <= config.max_range_m**2
        is_ground = is_near & (kinds == GROUND) & (np.abs(z_m) <= config.ground_tolerance_m)
        is_standing = is_near & (kinds == STANDING) & (z_m >= config.min_height_m)
        is_standing &= z_m <= config.max_height_m
        index = np.flatnonzero(is_ground | is_standing)
        if sigma_m is None:
            sigma = config.depth_sigma_1_m * range_sq.ravel()[index]
        else:
            sigma = sigma_m[every].ravel()[index]
        weights = np.minimum(1, self.resolution_m / np.maximum(sigma, 1e-6)).astype(np.float32)
        weights *= np.float32(config.depth_stride_px**2 / PIXELS_FOR_A_FULL_LOOK)
        if confidence is not None:
            weights *= self._trust[confidence[every].ravel()[index]]
        points = points_xyz.reshape(-1, 3)[index].astype(np.float32)
        ids = self._ids[mask.ravel()[index]]
        standing = is_standing.ravel()[index]
        step = max(1, config.floor_stride_px // config.depth_stride_px)
        floor_xyz = points_xyz[::step, ::step][is_ground[::step, ::step]]
        return Observation(
            points_xy=np.ascontiguousarray(points[:, :2].T), class_ids=ids, weights=weights,
            obstacles_xyz=points[standing], obstacle_ids=ids[standing],
            floor_xyz=floor_xyz.astype(np.float32),
        )  # fmt: skip

    def points_for(self, mask: np.ndarray, view: GroundView, floor_xyz: np.ndarray) -> np.ndarray:
        """
        Return the organised cloud of a mask without depth, for layers that pair it pixel by pixel.

        :param floor_xyz: (H, W, 3) float32, where the pixels look on the floor, in any frame;
            see :meth:`.GroundProjection.floor_in_camera`.
        :return: (H, W, 3) float32. Ground pixels and contacts lie on the floor; NaN where nothing
            is known: above the horizon, out of range, unlabelled, on standing things above their
            contact and beyond them.
        """
        _check_shapes(mask, None, view.shape_hw)
        cloud = np.full((*mask.shape, 3), np.nan, np.float32)
        part = mask[view.first_row :]
        kinds = cv2.LUT(part, self._kinds)
        trace = self._trace(kinds)
        rows = np.arange(len(kinds))[:, None]
        known = (kinds == GROUND) & (rows > trace.block_rows)
        known[trace.contact_rows, trace.contact_columns] = True
        known &= view.usable
        np.copyto(cloud[view.first_row :], floor_xyz[view.first_row :], where=known[..., None])
        return cloud


def _surest_near(mask: np.ndarray, confidence: np.ndarray, contacts: np.ndarray) -> np.ndarray:
    """
    Return (N,) uint8 how sure the thing above its foot is.

    At the border of a mask, confidence is low by nature: it says that there is a border, which
    is what makes a contact. The surest of the few pixels above, of the same class, speaks.

    :param confidence: (H·W,) uint8.
    :param contacts: (N,) flat indices.
    """
    width, values = mask.shape[1], mask.ravel()
    surest = confidence[contacts]
    for step in range(1, BORDER_PX + 1):
        above = np.maximum(contacts - step * width, contacts % width)
        is_same = values[above] == values[contacts]
        surest = np.maximum(surest, np.where(is_same, confidence[above], 0))
    return surest


def _moved(points_xyz: np.ndarray, transform: RigidTransform) -> np.ndarray:
    """Return (H, W, 3) float32 points in the target frame of a transform."""
    turned = points_xyz @ transform.rotation.T.astype(np.float32)
    return turned + transform.translation.astype(np.float32)


def _check_shapes(
    mask: np.ndarray, confidence: np.ndarray | None, shape_hw: tuple[int, ...]
) -> None:
    """Refuse pictures that do not belong together."""
    if mask.shape != tuple(shape_hw) or mask.dtype != np.uint8:
        raise ValueError(f'mask must be {tuple(shape_hw)} uint8, got {mask.shape} {mask.dtype}')
    if confidence is not None and (confidence.shape != mask.shape or confidence.dtype != np.uint8):
        raise ValueError(
            f'confidence must be {mask.shape} uint8, got {confidence.shape} {confidence.dtype}'
        )
