"""
What semantic_map_node does with one 640×480 mask: ``python -m benchmarks.map_node``.

CPU time of one thread in the three parts of a frame: messages to arrays, the map, arrays to
messages. Without the executor's deserialisation and the sending, which ``benchmarks.transport``
measures.
"""

from __future__ import annotations

import argparse
import array
import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from benchmarks.grid_update import (
    FRAME_NS,
    HEIGHT_M,
    PITCH_DEG,
    WARM_UP,
    drive,
    street_mask,
    times_ms,
)
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.geometry import CameraModel, RigidTransform
from perception_nodes.mapping import SIMULATOR_CLASSES, SemanticMap
from perception_nodes.mapping.map_stage import MapFrame, MapOutcome, MapStage
from perception_nodes.ros.grid_conversion import (
    cloud_msg,
    occupancy_grid_msg,
    semantic_class_msgs,
    semantic_grid_msg,
)
from perception_nodes.ros.image_conversion import stamp_ns_to_msg
from perception_nodes.ros.mask_conversion import map_frame_from
from perception_nodes.ros.mask_source import PlacedMask
from perception_nodes.ros.semantic_map_config import SemanticMapNodeConfig
from perception_nodes.ros.transforms_conversion import LINK_FROM_OPTICAL

WIDTH, HEIGHT, FOCAL_PX = 640, 480, 415.0
DEPTH_M = 3.0


def image_of(pixels: np.ndarray, encoding: str, stamp_ns: int) -> Image:
    """Return an image message."""
    data = array.array('B')
    data.frombytes(pixels.tobytes())
    header = Header(stamp=stamp_ns_to_msg(stamp_ns), frame_id='camera_optical_frame')
    return Image(
        header=header, width=WIDTH, height=HEIGHT, step=len(data) // HEIGHT, encoding=encoding,
        data=data,
    )  # fmt: skip


def placed_masks(frames: int, *, depth: bool, attitude: bool) -> list[PlacedMask]:
    """Return frames of a robot that drives in a circle."""
    mask, confidence = street_mask((WIDTH, HEIGHT))
    camera = CameraModel.pinhole(
        (WIDTH, HEIGHT), FOCAL_PX, FOCAL_PX, (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    )
    mount = RigidTransform.from_rpy(
        pitch_rad=float(np.radians(PITCH_DEG)), translation_xyz=(0.1, 0.0, HEIGHT_M)
    )
    far = np.full((HEIGHT, WIDTH), DEPTH_M, np.float32)
    first = PlacedMask(
        mask=image_of(mask, 'mono8', 0),
        confidence=image_of(confidence, 'mono8', 0),
        depth=image_of(far, '32FC1', 0) if depth else None,
        labels=dict(enumerate(SIMULATOR_CLASSES.names)),
        camera=camera,
        base_from_camera=mount @ RigidTransform.from_matrix(LINK_FROM_OPTICAL),
        odom_from_base=RigidTransform(),
        roll_pitch_rad=None,
    )
    found = []
    for number, (matrix, stamp_ns) in zip(range(frames), drive(), strict=False):
        found.append(
            replace(
                first, mask=image_of(mask, 'mono8', stamp_ns + FRAME_NS),
                odom_from_base=RigidTransform.from_matrix(matrix),
                roll_pitch_rad=(0.001 * (number % 7), 0.001 * (number % 5)) if attitude else None,
            )
        )  # fmt: skip
    return found


def parts_ms(
    frames: int, *, depth: bool = False, attitude: bool = False, points: bool = False
) -> dict[str, float]:
    """
    Return median milliseconds of each part of a frame, and of all together.

    :param frames: how many are measured, after a few that warm up.
    :param points: somebody listens to the organised cloud.
    """
    config = SemanticMapNodeConfig(depth_source='depth' if depth else 'none')
    stage = MapStage(SemanticMap(SIMULATOR_CLASSES, config, config), config)
    classes = semantic_class_msgs(SIMULATOR_CLASSES)
    masks = placed_masks(WARM_UP + frames, depth=depth, attitude=attitude)
    numbers = {name: count() for name in ('in', 'map', 'out')}
    arrays: dict[int, MapFrame] = {}
    outcomes: dict[int, MapOutcome] = {}

    def to_arrays() -> None:
        number = next(numbers['in'])
        arrays[number] = map_frame_from(masks[number], config)

    def to_map() -> None:
        number = next(numbers['map'])
        outcomes[number] = stage.process(arrays.pop(number), with_points=points)

    def to_messages() -> None:
        number = next(numbers['out'])
        outcome, header = outcomes.pop(number), masks[number].mask.header
        for cloud in (outcome.obstacles_xyz, outcome.floor_xyz, outcome.points_xyz):
            if cloud is not None:
                cloud_msg(cloud, header)
        semantic_grid_msg(outcome.map_, classes, header)
        occupancy_grid_msg(outcome.map_, header)

    parts: dict[str, list[float]] = {'to arrays': [], 'map': [], 'to messages': []}
    for _ in masks:
        for name, step in zip(parts, (to_arrays, to_map, to_messages), strict=True):
            parts[name].append(times_ms(step, 1)[0])
    table = np.array(list(parts.values()))[:, WARM_UP:]
    medians = {name: float(np.median(row)) for name, row in zip(parts, table, strict=True)}
    return {**medians, 'together': float(np.median(table.sum(axis=0)))}


CASES: dict[str, dict[str, bool]] = {
    'one eye': {},
    'one eye, points wanted': {'points': True},
    'one eye, attitude measured': {'attitude': True},
    'depth': {'depth': True},
    'depth, points wanted': {'points': True, 'depth': True},
}


def main() -> None:
    """Run, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=200, help='frames per figure')
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/map_node.json'))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    report = {name: parts_ms(options.frames, **case) for name, case in CASES.items()}
    for name, figures in report.items():
        print(f'{name:28}' + '  '.join(f'{key} {value:6.2f}' for key, value in figures.items()))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {'machine': describe_machine(), 'threads': 1, 'report': report}
    options.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + '\n')
    print(f'written: {options.out}')


if __name__ == '__main__':
    main()
