"""
A map after one lap of the simulator, against the world: ``python -m benchmarks.map_lap``.

One drive, several maps: from true masks and from a network's, with one eye (every pixel on the
floor plane) and with depth. Poses and extrinsics are the true ones: what is measured is what
masks and geometry make of the world, not how odometry drifts against it. Nobody walks; people who
stand about are left out of the comparison, since a map forgets what moves by itself within
seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.map_agreement import (
    MapAgreement,
    SeenCells,
    TrueCells,
    cell_errors,
    judged_cells,
    map_agreement,
)
from perception_nodes.geometry import (
    GroundProjection,
    PlanarPose,
    RigidTransform,
    points_of_depth,
)
from perception_nodes.inference.registry import bundled_models
from perception_nodes.mapping import SIMULATOR_CLASSES, GridConfig, SemanticMap
from perception_nodes.mapping.occupancy import OCCUPIED_FROM
from perception_nodes.segmentation import Segmenter
from perception_nodes.simulation import (
    PathDriver,
    RenderedView,
    SimulatedWorld,
    SimulationConfig,
)
from perception_nodes.simulation.course_grid import grid_of_course
from perception_nodes.structures import Frame, SegmentationMask
from perception_nodes.visualization.map_panels import MapPanel, draw_panels

STEP_S = 0.2
"""Ten centimetres at 0.5 m/s, and less than the age at which the base drops a command."""
SPEED_M_S = 0.5
NETWORK = 'simulator_segmenter'
BOUNDS = {'free_iou': 0.92, 'occupied_iou': 0.80}


@dataclass(frozen=True, kw_only=True)
class Seeing:
    """
    What a map is made from.

    :param segmenter: the network, or None for true masks.
    :param with_depth: every pixel is where its depth says, or on the floor plane.
    """

    segmenter: Segmenter | None = None
    with_depth: bool = False

    @property
    def name(self) -> str:
        """Words for tables and pictures."""
        mask = 'network mask' if self.segmenter else 'true mask'
        return f'{mask}, {"depth" if self.with_depth else "one eye"}'


class MappedDrive:
    """One map of a drive, with the cells that it was told about."""

    def __init__(
        self, seeing: Seeing, projection: GroundProjection, config: GridConfig | None = None
    ) -> None:
        names = seeing.segmenter.class_names if seeing.segmenter else SIMULATOR_CLASSES.names
        self.seeing = seeing
        self.seen = SeenCells()
        self.grid = SemanticMap(config=config)
        self._observer = self.grid.observer(labels=dict(enumerate(names)))
        self._view = self._observer.prepare(*projection.lookup())

    def take(
        self, mask: SegmentationMask, points_xyz: np.ndarray, pose: PlanarPose, stamp_ns: int
    ) -> None:
        """Fuse one frame; ``points_xyz`` are the true places in base_link."""
        ids, confidence = mask.class_ids, mask.confidence
        if self.seeing.with_depth:
            looks = self._observer.observe_points(ids, confidence, points_xyz)
        else:
            looks = self._observer.observe(ids, confidence, self._view)
        result = self.grid.update(looks, pose.matrix, stamp_ns)
        if not result.cells:
            raise RuntimeError(f'the benchmark saw nothing: {result}')
        self.seen.add(looks, pose)

    def agreement(self, truth: TrueCells) -> MapAgreement:
        """Return how well the map agrees with the world."""
        map_ = self.grid.occupancy_map()
        return map_agreement(map_, truth.standing(map_), judged_cells(self.seen, truth, map_))


def projection_of(world: SimulatedWorld) -> GroundProjection:
    """Return the ground projection of the simulated camera, whose pitch is known."""
    return GroundProjection(
        world.camera.model,
        RigidTransform.from_matrix(world.base_from_camera),
        pitch_sigma_rad=float(np.radians(0.1)),
        roll_sigma_rad=0.0,
        height_sigma_m=0.0,
        pixel_sigma=0.5,
    )


def map_drive(world: SimulatedWorld, drives: Sequence[MappedDrive], *, way_m: float) -> TrueCells:
    """
    Drive along the course, give every map each frame, and return what really stands there.

    :param way_m: how far to drive.
    """
    driver, truth = PathDriver(world.path, speed_m_s=SPEED_M_S), TrueCells(SIMULATOR_CLASSES)
    base_from_camera = RigidTransform.from_matrix(world.base_from_camera)
    while driver.travelled_m < way_m and not driver.finished:
        world.command(*driver.command(world.pose), world.time_ns)
        world.advance(STEP_S)
        view = world.render()
        in_camera = points_of_depth(world.camera.model, view.depth_m)
        points_xyz = base_from_camera.apply(in_camera).astype(np.float32)
        pose = PlanarPose(**vars(world.pose))
        truth.add(view.class_ids, points_xyz, pose)
        masks: dict[Segmenter | None, SegmentationMask] = {}
        for drive in drives:
            segmenter = drive.seeing.segmenter
            if segmenter not in masks:
                masks[segmenter] = _mask(view, segmenter, world.time_ns)
            drive.take(masks[segmenter], points_xyz, pose, world.time_ns)
    return truth


def _mask(view: RenderedView, segmenter: Segmenter | None, stamp_ns: int) -> SegmentationMask:
    if segmenter is None:
        return SegmentationMask(view.class_ids)
    return segmenter(Frame(pixels=view.rgb, stamp_ns=stamp_ns))


def run(options: argparse.Namespace) -> tuple[dict[str, dict[str, float]], TrueCells, list]:
    """Drive the lap and return the figures by way of seeing, the truth, and the maps."""
    model = options.model or bundled_models().get(NETWORK)
    segmenters = [None, *([Segmenter.load(str(model), threads=1)] if model else [])]
    config = SimulationConfig(
        course=options.course, things=options.things, walkers=0, seed=options.seed,
        odometry_noise=0.0,
    )  # fmt: skip
    world = SimulatedWorld.create(config)
    try:
        projection, grid = projection_of(world), grid_of_course(world.path)
        drives = [
            MappedDrive(Seeing(segmenter=segmenter, with_depth=depth), projection, grid)
            for segmenter in segmenters
            for depth in (False, True)
        ]
        truth = map_drive(world, drives, way_m=options.laps * world.path.length_m)
    finally:
        world.close()
    return {drive.seeing.name: asdict(drive.agreement(truth)) for drive in drives}, truth, drives


def panels(drives: Sequence[MappedDrive], truth: TrueCells) -> list[MapPanel]:
    """Return the world as a map, then the maps with what is wrong in each."""
    first = drives[0].grid.occupancy_map()
    standing = truth.standing(first)
    seen = np.logical_or.reduce([drive.seen.under(first) for drive in drives])
    costs = np.where(standing, 100, np.where(seen, 0, -1)).astype(np.int8)
    found = [MapPanel(name='world', costs=costs, people=truth.moving(first) & ~standing)]
    for drive in drives:
        map_ = drive.grid.occupancy_map()
        judged = judged_cells(drive.seen, truth, map_)
        _, wrong, missed = cell_errors(map_.costs >= OCCUPIED_FROM, standing, judged)
        found.append(
            MapPanel(name=drive.seeing.name, costs=map_.costs, wrong=wrong, missed=missed)
        )
    return found


def main() -> None:
    """Run, print, write JSON and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--course', default='figure_eight')
    parser.add_argument('--things', type=int, default=60, help='standing things beside the course')
    parser.add_argument('--seed', type=int, default=3)
    parser.add_argument('--laps', type=float, default=1.0)
    parser.add_argument('--model', help=f'segmentation bundle; default: {NETWORK}, if bundled')
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/map_lap.json'))
    options = parser.parse_args()
    begin = time.process_time()
    report, truth, drives = run(options)
    for name, figures in report.items():
        missed = [key for key, bound in BOUNDS.items() if not figures[key] >= bound]
        print(
            f'{name:24} free {figures["free_iou"]:.3f}  occupied {figures["occupied_iou"]:.3f}  '
            f'cells {figures["cells"]:6d}  {"below: " + ", ".join(missed) if missed else "ok"}'
        )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    settings = {key: str(value) for key, value in vars(options).items()}
    result = {
        'machine': describe_machine(), 'settings': settings, 'bounds': BOUNDS, 'report': report,
        'cpu_s': time.process_time() - begin,
    }  # fmt: skip
    options.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + '\n')
    picture = draw_panels(panels(drives, truth))
    cv2.imwrite(str(options.out.with_suffix('.png')), picture[..., ::-1])
    print(f'written: {options.out} and {options.out.with_suffix(".png")}')


if __name__ == '__main__':
    main()
