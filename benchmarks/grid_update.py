"""
Time of one map update from a mask: ``python -m benchmarks.grid_update``.

Measured on one core: reading the mask and fusing it (camera fixed to the robot), the same with
the ground look-up prepared anew in every frame (pitch from an IMU), over the age of the map, and
over the number of mask pixels.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.mapping import PlanarPose, SemanticMap

FRAME_NS = 33_333_333
HEIGHT_M, PITCH_DEG, FOVY_DEG = 0.3, 8.0, 60.0
WARM_UP = 10
SIZES_WH = ((160, 120), (320, 240), (640, 480), (1280, 960))


def ground_lookup(size_wh: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return points (H, W, 2) and σ (H, W) of a camera 0.3 m above the floor, looking down 8°."""
    width, height = size_wh
    focal = height / 2 / np.tan(np.radians(FOVY_DEG) / 2)
    v, u = np.mgrid[:height, :width] + 0.5
    right, down = (u - width / 2) / focal, (v - height / 2) / focal
    pitch = np.radians(PITCH_DEG)
    sink = down * np.cos(pitch) + np.sin(pitch)
    with np.errstate(divide='ignore'):
        scale = np.where(sink > 1e-6, HEIGHT_M / sink, np.nan)
    x_m = scale * (np.cos(pitch) - down * np.sin(pitch))
    y_m = -scale * right
    sigma_m = (HEIGHT_M**2 + x_m**2 + y_m**2) / HEIGHT_M * np.radians(0.1)
    return np.stack([x_m, y_m], axis=2).astype(np.float32), sigma_m.astype(np.float32)


def street_mask(size_wh: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return mask and confidence: a lane between tapes, three things, walls behind."""
    mask = np.zeros((480, 640), np.uint8)
    mask[:200] = 8
    cv2.fillPoly(mask, [np.array([[120, 479], [520, 479], [340, 200], [300, 200]])], 1)
    cv2.line(mask, (120, 479), (300, 200), 2, 12)
    cv2.line(mask, (520, 479), (340, 200), 2, 12)
    mask[120:300, 420:470] = 3
    mask[180:260, 180:220] = 4
    mask[190:340, 560:630] = 5
    scaled = np.asarray(cv2.resize(mask, size_wh, interpolation=cv2.INTER_NEAREST), np.uint8)
    rng = np.random.default_rng(0)
    return scaled, rng.integers(150, 256, scaled.shape, dtype=np.uint8)


def drive() -> Iterator[tuple[np.ndarray, int]]:
    """Yield poses and stamps of a robot on a circle at 0.5 m/s, 30 frames a second."""
    step = PlanarPose(x_m=0.5 / 30, yaw_rad=0.25 / 30)
    pose, stamp_ns = PlanarPose(), 0
    while True:
        yield pose.matrix, stamp_ns
        pose, stamp_ns = pose @ step, stamp_ns + FRAME_NS


def times_ms(step: Callable[[], object], count: int) -> np.ndarray:
    """
    Return (count,) milliseconds of a repeated call on one thread.

    It is the thread's CPU time, what a core takes that has nothing else to do: other programs
    on the machine do not count.
    """
    found = np.empty(count)
    for index in range(count):
        begin = time.thread_time()
        step()
        found[index] = (time.thread_time() - begin) * 1e3
    return found


def update_times_ms(
    size_wh: tuple[int, int], frames: int, *, prepare_every_frame: bool = False
) -> np.ndarray:
    """Return (frames,) milliseconds of reading one mask and fusing it into a 200×200 grid."""
    lookup = ground_lookup(size_wh)
    mask, confidence = street_mask(size_wh)
    grid, poses = SemanticMap(), drive()
    observer = grid.observer()
    view = observer.prepare(*lookup)

    def step() -> None:
        current = observer.prepare(*lookup) if prepare_every_frame else view
        result = grid.update(observer.observe(mask, confidence, current), *next(poses))
        if not result.cells:
            raise RuntimeError(f'the benchmark saw nothing: {result}')

    times_ms(step, WARM_UP)
    return times_ms(step, frames)


def summary(times: np.ndarray) -> dict[str, float]:
    """Return median, 95th percentile and worst."""
    return {
        'median_ms': float(np.median(times)),
        'p95_ms': float(np.percentile(times, 95)),
        'max_ms': float(times.max()),
    }


def outputs_ms(frames: int) -> dict[str, float]:
    """Return median milliseconds of what is published from the map."""
    grid, poses = SemanticMap(), drive()
    points_xy, sigma_m = ground_lookup((640, 480))
    floor_xyz = np.concatenate([points_xy, np.zeros_like(sigma_m)[..., None]], axis=2)
    mask, confidence = street_mask((640, 480))
    observer = grid.observer()
    view = observer.prepare(points_xy, sigma_m)
    for _ in range(WARM_UP):
        grid.update(observer.observe(mask, confidence, view), *next(poses))
    calls: dict[str, Callable[[], object]] = {
        'occupancy': grid.occupancy,
        'classes': grid.classes,
        'obstacle_points': grid.obstacle_points,
        'points_for': lambda: observer.points_for(mask, view, floor_xyz),
    }
    return {name: float(np.median(times_ms(call, frames))) for name, call in calls.items()}


def run(frames: int) -> dict[str, dict[str, float]]:
    """Return all figures by name."""
    aged = update_times_ms((640, 480), 4 * frames)
    by_size = {f'{w}×{h}': float(np.median(update_times_ms((w, h), frames))) for w, h in SIZES_WH}
    return {
        'update 640×480, camera fixed': summary(aged),
        'update 640×480, look-up prepared every frame': summary(
            update_times_ms((640, 480), frames, prepare_every_frame=True)
        ),
        'median ms over the age of the map': {
            f'frames {index * frames}..{(index + 1) * frames}': float(np.median(part))
            for index, part in enumerate(np.split(aged, 4))
        },
        'median ms by mask size': by_size,
        'outputs, median ms': outputs_ms(frames),
    }


def main() -> None:
    """Run, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=200, help='frames per figure')
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/grid_update.json'))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    report = run(options.frames)
    for name, figures in report.items():
        print(name)
        for key, value in figures.items():
            print(f'  {key:30} {value:8.3f}')
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {'machine': describe_machine(), 'threads': 1, 'report': report}
    options.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + '\n')
    print(f'written: {options.out}')


if __name__ == '__main__':
    main()
