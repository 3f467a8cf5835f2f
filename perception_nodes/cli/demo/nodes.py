"""The nodes of the demo, and how they are started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perception_nodes.cli.child_processes import Child
from perception_nodes.cli.graph_processes import start_node

DETECTOR, SEGMENTER, MAP = 'detection_node', 'segmentation_node', 'semantic_map_node'
FOLLOWER, SIMULATOR = 'path_following_node', 'simulation_node'
STARTED_FIRST = (DETECTOR, SEGMENTER, MAP, FOLLOWER)
"""Who must be ready before simulated time runs, in the order in which they are started."""

_PATIENCE_S = 60.0
"""Real seconds that nodes wait for each other: simulated time stands still meanwhile."""
_MASKS = {
    'mask': f'{SEGMENTER}/mask',
    'confidence': f'{SEGMENTER}/confidence',
    'label_info': f'{SEGMENTER}/label_info',
    'camera_info': 'camera/camera_info',
    'depth': 'camera/depth/image_raw',
}


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """
    What to run.

    :param out: folder for everything that is left.
    :param duration_s: most simulated seconds; a lap ends the run before.
    :param model: bundle of the detector.
    :param segmenter: bundle of the segmenter.
    :param device: of both.
    :param course: of the simulator.
    :param seed: of the simulator.
    :param rate_hz: pictures in a simulated second.
    :param speed_m_s: cruising speed.
    :param viewer: live view, empty for none.
    """

    out: Path
    duration_s: float
    model: str
    segmenter: str
    device: str
    course: str
    seed: int
    rate_hz: float
    speed_m_s: float
    viewer: str


def start(name: str, options: DemoOptions) -> Child:
    """Start a node of the demo, unconfigured."""
    parameters = {'autostart': False, **_PARAMETERS[name](options)}
    if name != SIMULATOR:
        parameters['use_sim_time'] = True
    return start_node(
        name, log_folder=options.out / 'logs', parameters=parameters, remaps=_REMAPS[name]
    )


def simulation_settings(options: DemoOptions) -> dict[str, Any]:
    """Return what the simulated world is made of; equal settings make equal worlds."""
    return {'course': options.course, 'seed': options.seed, 'camera_from_course': True}


def _detector(options: DemoOptions) -> dict[str, Any]:
    return {'model': options.model, 'device': options.device}


def _segmenter(options: DemoOptions) -> dict[str, Any]:
    return {'model': options.segmenter, 'device': options.device}


def _map(options: DemoOptions) -> dict[str, Any]:
    """Return a map that stays where it is, large enough for the course."""
    from perception_nodes.simulation import CoursePath, load_course
    from perception_nodes.simulation.course_grid import grid_of_course

    grid = grid_of_course(CoursePath(load_course(options.course)))
    return {
        'rolling': grid.rolling,
        'size_cells': grid.size_cells,
        'depth_source': 'depth',
        'patience_s': _PATIENCE_S,
    }


def _follower(options: DemoOptions) -> dict[str, Any]:
    """Drive without a dead man's switch; a picture is as old as a step is long."""
    age_s = 2.5 / options.rate_hz
    ages = {f'max_{name}_age_s': age_s for name in ('picture', 'path', 'odometry')}
    return {
        'require_dead_man': False,
        'cmd_vel_stamped': True,
        'cmd_vel_stamp': 'picture',
        'cruise_speed_m_s': options.speed_m_s,
        'depth_source': 'depth',
        'obstacle_sources': ['depth'],
        'max_obstacles_age_s': 10.0,
        'patience_s': _PATIENCE_S,
        'max_silence_s': _PATIENCE_S,
        **ages,
    }


def _simulator(options: DemoOptions) -> dict[str, Any]:
    """Let time wait for the answers to each picture, however slow the machine is."""
    return {
        **simulation_settings(options),
        'rate_hz': options.rate_hz,
        'cmd_vel_stamped': True,
        'lock_step': True,
        'lock_step_command': True,
    }


_PARAMETERS = {
    DETECTOR: _detector, SEGMENTER: _segmenter, MAP: _map, FOLLOWER: _follower,
    SIMULATOR: _simulator,
}  # fmt: skip
_REMAPS: Mapping[str, Mapping[str, str]] = {
    DETECTOR: {'image': 'camera/image_raw'},
    SEGMENTER: {'image': 'camera/image_raw'},
    MAP: _MASKS,
    FOLLOWER: {**_MASKS, 'odometry': 'odom'},
    SIMULATOR: {'detections': f'{DETECTOR}/detections'},
}
