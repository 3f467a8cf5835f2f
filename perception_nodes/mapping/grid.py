"""A rolling grid around the robot in odom: what is where, what it costs, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from perception_nodes.geometry import (
    PlanarPose,
    RigidTransform,
    WrongTransformError,
    planar_pose_from_matrix,
)
from perception_nodes.mapping.classes import SIMULATOR_CLASSES, UNKNOWN, MapClasses
from perception_nodes.mapping.grid_config import GridConfig, OnJump, fusion_rule
from perception_nodes.mapping.layers import CellsFromBase, FusionRule, Layers, NumpyLayers
from perception_nodes.mapping.motion import MotionConfig, MotionGuard, Verdict
from perception_nodes.mapping.observation import MaskObserver, Observation
from perception_nodes.mapping.observation_config import ObservationConfig
from perception_nodes.mapping.occupancy import UNKNOWN_COST, CellClasses, OccupancyMap
from perception_nodes.mapping.restoring import RestoreResult, Window, restored_evidence
from perception_nodes.mapping.turning import turned_sources
from perception_nodes.mapping.update_result import (
    REFUSALS,
    GridCounts,
    MapEvent,
    UpdateResult,
    UpdateStatus,
)

LayersFactory = Callable[[int, FusionRule], Layers]


class SemanticMap:
    """
    The map. Time and pose are arguments; nothing here reads a clock.

    Cells are (row, column) with row along y and column along x of odom, as in
    nav_msgs/OccupancyGrid.

    :param make_layers: where the evidence lives; ``NumpyLayers``, or
        ``functools.partial(TorchLayers, device='cuda')``.
    :ivar counts: what became of the frames so far.
    """

    def __init__(
        self,
        classes: MapClasses = SIMULATOR_CLASSES,
        config: GridConfig | None = None,
        motion: MotionConfig | None = None,
        *,
        make_layers: LayersFactory = NumpyLayers,
    ) -> None:
        self.classes_table = classes
        self.config = GridConfig() if config is None else config
        self.guard = MotionGuard(motion)
        self._layers = make_layers(self.config.size_cells, fusion_rule(classes, self.config))
        self._origin = np.zeros(2, np.int64)  # cell (column, row) of odom at the window's corner
        self._is_placed = False
        self._stamp_ns: int | None = None
        self._fused_ns: int | None = None
        self.counts = GridCounts()

    def observer(
        self,
        config: ObservationConfig | None = None,
        *,
        labels: Mapping[int, str] | None = None,
    ) -> MaskObserver:
        """
        Return a reader of masks for this map.

        :param labels: class name per mask value; without it mask values are class ids.
        """
        cell_m = self.config.resolution_m
        return MaskObserver(self.classes_table, config, labels=labels, resolution_m=cell_m)

    @property
    def origin_xy(self) -> tuple[float, float]:
        """Corner of cell (0, 0) in odom, metres."""
        column, row = self._origin * self.config.resolution_m
        return float(column), float(row)

    @property
    def stamp_ns(self) -> int | None:
        """Time for which the evidence stands; ``None`` before the first frame."""
        return self._stamp_ns

    def reset(self) -> None:
        """Forget the map and the motion; counts stay."""
        self._forget()
        self.guard.reset()

    def _forget(self) -> None:
        self._layers.clear()
        # A window that does not roll never moves: costmaps take their size and origin from it.
        self._is_placed &= not self.config.rolling
        self._stamp_ns = self._fused_ns = None

    def update(
        self,
        observation: Observation,
        odom_from_base: RigidTransform | np.ndarray | None,
        stamp_ns: int,
        transform_stamp_ns: int | None = None,
    ) -> UpdateResult:
        """
        Fuse what one frame saw, or say why not.

        :param odom_from_base: transform at the stamp of the frame, also as (4, 4) matrix; ``None``
            is missing.
        :param stamp_ns: when the picture was taken.
        :param transform_stamp_ns: when the transform holds, if it is not interpolated.
        """
        result = self._update(observation, odom_from_base, stamp_ns, transform_stamp_ns)
        self.counts.updates[result.status] += 1
        self.counts.events[result.event] += 1
        return result

    def _update(
        self,
        observation: Observation,
        odom_from_base: RigidTransform | np.ndarray | None,
        stamp_ns: int,
        transform_stamp_ns: int | None,
    ) -> UpdateResult:
        if odom_from_base is None:
            return UpdateResult(
                status=UpdateStatus.TRANSFORM_MISSING, reason='no transform odom from base_link'
            )
        motion = self.guard.config
        age_s = 0.0 if transform_stamp_ns is None else abs(stamp_ns - transform_stamp_ns) * 1e-9
        if age_s > motion.max_transform_age_s:
            return UpdateResult(
                status=UpdateStatus.TRANSFORM_LATE,
                reason=f'the transform is {age_s:.3f} s from the frame, allowed '
                f'{motion.max_transform_age_s} s (max_transform_age_s)',
            )
        try:
            pose = planar_pose_from_matrix(_matrix(odom_from_base), motion.max_tilt_deg)
        except WrongTransformError as error:
            return UpdateResult(status=UpdateStatus.TRANSFORM_WRONG, reason=str(error))
        verdict = self.guard.judge(pose, stamp_ns)
        if verdict in REFUSALS:
            return REFUSALS[verdict]
        event, reason = self._settle(verdict, pose)
        if self._is_outside(pose):
            return UpdateResult(
                status=UpdateStatus.OUTSIDE_WINDOW, event=event,
                reason=f'the robot is at ({pose.x_m:.1f}, {pose.y_m:.1f}) m, outside of the map '
                'that stands still (rolling, size_cells)',
            )  # fmt: skip
        cells = self._fuse(observation, pose, stamp_ns)
        return UpdateResult(status=UpdateStatus.FUSED, reason=reason, event=event, cells=cells)

    def _settle(self, verdict: Verdict, pose: PlanarPose) -> tuple[MapEvent, str]:
        """Deal with a map whose frame or clock is no longer the one it was built in."""
        if verdict is Verdict.ACCEPTED:
            return MapEvent.NONE, ''
        if verdict is Verdict.JUMP_CONFIRMED and self.config.on_jump == OnJump.REANCHOR:
            self._reanchor(pose)
            return MapEvent.REANCHORED, 'odometry has jumped; the map was carried over'
        self._forget()
        what = 'odometry' if verdict is Verdict.JUMP_CONFIRMED else 'the clock'
        return MapEvent.RESET, f'{what} has jumped; the map was forgotten'

    def _fuse(self, observation: Observation, pose: PlanarPose, stamp_ns: int) -> int:
        seconds = 0.0 if self._fused_ns is None else (stamp_ns - self._fused_ns) * 1e-9
        self.advance(stamp_ns)
        self._follow(pose)
        self._fused_ns = stamp_ns
        clear_factor = 0.5 ** (seconds / self.config.clear_half_life_s)
        return self._layers.fuse(observation, self._cells_from_base(pose), clear_factor)

    def advance(self, stamp_ns: int) -> None:
        """Let time pass: evidence fades. Earlier stamps change nothing."""
        if self._stamp_ns is None:
            self._stamp_ns = stamp_ns
        seconds = (stamp_ns - self._stamp_ns) * 1e-9
        if seconds > 0:
            self._layers.decay(0.5 ** (seconds / self.classes_table.half_lives_s))
            self._stamp_ns = stamp_ns

    def _centred_origin(self, pose: PlanarPose) -> np.ndarray:
        cell = np.floor(np.array([pose.x_m, pose.y_m]) / self.config.resolution_m)
        return cell.astype(np.int64) - self.config.size_cells // 2

    def _follow(self, pose: PlanarPose) -> None:
        """Move the window by whole cells so that the robot stays in its middle."""
        wanted = self._centred_origin(pose)
        if not self._is_placed:
            self._origin, self._is_placed = wanted, True
            return
        step = wanted - self._origin
        if self.config.rolling and np.abs(step).max() >= self.config.recenter_cells:
            self._layers.shift(int(step[0]), int(step[1]))
            self._origin = wanted

    def _is_outside(self, pose: PlanarPose) -> bool:
        """Return whether the robot has left a window that does not follow it."""
        if self.config.rolling or not self._is_placed:
            return False
        place = np.array([pose.x_m, pose.y_m]) / self.config.resolution_m - self._origin
        return bool((place < 0).any() or (place >= self.config.size_cells).any())

    def _cells_from_base(self, pose: PlanarPose) -> CellsFromBase:
        cell_m = self.config.resolution_m
        return CellsFromBase(
            cos=float(np.cos(pose.yaw_rad) / cell_m),
            sin=float(np.sin(pose.yaw_rad) / cell_m),
            column_0=float(pose.x_m / cell_m - self._origin[0]),
            row_0=float(pose.y_m / cell_m - self._origin[1]),
        )

    def _reanchor(self, pose: PlanarPose) -> None:
        """Turn and move the map with the odometry frame; the one time cells are resampled."""
        origin = self._centred_origin(pose) if self.config.rolling else self._origin
        change, side = self.guard.old_from_new, self.config.size_cells
        cell_m = self.config.resolution_m
        self._layers.rearrange(turned_sources(side, cell_m, origin, self._origin, change))
        self._origin = origin

    def restore(self, saved: OccupancyMap) -> RestoreResult:
        """
        Take the evidence of a saved map in place of the present one.

        It fades and is overruled like any other. The window stays where it is; before the first
        frame it is laid over the middle of the saved map. See :func:`.restored_evidence`.
        """
        cell_m = self.config.resolution_m
        if not self._is_placed:
            half_xy = np.array(saved.costs.shape[::-1]) * saved.resolution_m / 2
            x_m, y_m = (np.array(saved.origin_xy) + half_xy).tolist()
            self._origin = self._centred_origin(PlanarPose(x_m=x_m, y_m=y_m))
            self._is_placed = True
        side = self.config.size_cells
        window = Window(size_cells=side, resolution_m=cell_m, origin_xy=self.origin_xy)
        rule = self._layers.rule
        evidence, result = restored_evidence(saved, window, self.classes_table, rule)
        self._layers.assign(evidence)
        return result

    def log_odds(self) -> np.ndarray:
        """Return a copy of the evidence, (C, N, N) float32; 0 is unknown."""
        return self._layers.log_odds()

    def classes(self) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the class of every cell and how sure that is.

        :return: (N, N) uint8 class ids with 255 unknown, (N, N) uint8 probability of that class
            with 255 for 1.0 and 0 where unknown.
        """
        ids, values = self._layers.best()
        confidence = np.rint(255 / (1 + np.exp(-values))).astype(np.uint8)
        confidence[ids == UNKNOWN] = 0
        return ids, confidence

    def occupancy(self) -> np.ndarray:
        """Return (N, N) int8 costs 0..100 as the table grades them, -1 unknown."""
        return self._costs_of(self._layers.best()[0])

    def _costs_of(self, ids: np.ndarray) -> np.ndarray:
        costs = np.full(256, UNKNOWN_COST, np.int8)
        costs[: len(self.classes_table)] = self.classes_table.costs
        return costs[ids]

    def occupancy_map(self) -> OccupancyMap:
        """Return costs and classes with the place of the window in odom, to publish or save."""
        ids, confidence = self.classes()
        names = self.classes_table.names
        return OccupancyMap(
            costs=self._costs_of(ids),
            resolution_m=self.config.resolution_m,
            origin_xy=self.origin_xy,
            cells=CellClasses(ids=ids, confidence=confidence, names=names),
        )

    def obstacle_points(self, height_m: float = 0.0) -> np.ndarray:
        """
        Return the middles of the cells where something stands.

        :param height_m: height to give them.
        :return: (M, 3) float32, metres in odom.
        """
        ids, _ = self._layers.best()
        standing = np.zeros(256, bool)
        standing[: len(self.classes_table)] = ~self.classes_table.ground
        rows, columns = np.nonzero(standing[ids])
        x_m = (columns + self._origin[0] + 0.5) * self.config.resolution_m
        y_m = (rows + self._origin[1] + 0.5) * self.config.resolution_m
        return np.stack([x_m, y_m, np.full(len(x_m), height_m)], axis=1).astype(np.float32)


def _matrix(transform: RigidTransform | np.ndarray) -> np.ndarray:
    return transform.matrix if isinstance(transform, RigidTransform) else transform
