"""The two nodes of the demo, and how they are started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perception_nodes.cli.demo_processes import Child
from perception_nodes.cli.graph_processes import start_node


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """
    What to run.

    :param out: folder for everything that is left.
    :param duration_s: simulated seconds.
    :param model: bundle of the detector.
    :param device: of the detector.
    :param course: of the simulator.
    :param seed: of the simulator.
    :param rate_hz: pictures in a simulated second.
    :param viewer: live view, empty for none.
    """

    out: Path
    duration_s: float
    model: str
    device: str
    course: str
    seed: int
    rate_hz: float
    viewer: str


def start_detector(options: DemoOptions) -> Child:
    """Start the detector, unconfigured."""
    return start_node(
        'detection_node',
        log_folder=options.out / 'logs',
        parameters={
            'model': options.model,
            'device': options.device,
            'use_sim_time': True,
            'autostart': False,
        },
        remaps={'image': 'camera/image_raw'},
    )


def start_simulator(options: DemoOptions) -> Child:
    """Start the simulator, unconfigured; it drives along the path by itself."""
    return start_node(
        'simulation_node',
        log_folder=options.out / 'logs',
        parameters={
            'drive': 'path',
            'course': options.course,
            'seed': options.seed,
            'rate_hz': options.rate_hz,
            'autostart': False,
        },
    )
