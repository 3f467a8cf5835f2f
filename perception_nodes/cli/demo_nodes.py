"""The two nodes of the demo: how they are started, and taken through their lifecycle."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perception_nodes.cli.demo_processes import Child, Children

if TYPE_CHECKING:
    from perception_nodes.ros.recorder_demo import DemoRecorder

_POLL_S = 0.2
# Loading and warming a model, or compiling a world, on a slow machine.
_START_TIMEOUT_S = 120.0


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
    return _node(
        options,
        'detection_node',
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
    return _node(
        options,
        'simulation_node',
        parameters={
            'drive': 'path',
            'course': options.course,
            'seed': options.seed,
            'rate_hz': options.rate_hz,
            'autostart': False,
        },
    )


def _node(
    options: DemoOptions,
    name: str,
    *,
    parameters: dict[str, Any],
    remaps: dict[str, str] | None = None,
) -> Child:
    """Start a node with its parameters and remappings."""
    arguments = ['--ros-args']
    for key, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        arguments += ['-p', f'{key}:={text}']
    for source, target in (remaps or {}).items():
        arguments += ['-r', f'{source}:={target}']
    return Child(
        name,
        f'perception_nodes.ros.{name}',
        arguments,
        environment=os.environ,
        log_folder=options.out / 'logs',
    )


def change_state(
    recorder: DemoRecorder, children: Children, child: Child, transition: str
) -> None:
    """
    Take a node through a lifecycle transition.

    :raises ValueError: when the node refuses; the text holds the end of its log.
    """
    outcome = recorder.change_state(child.name, transition)
    wait_until(children, f'{child.name} to {transition}', lambda: outcome() is not None)
    if not outcome():
        raise ValueError(f'{child.name} refused to {transition}:\n{child.log_tail()}')


def wait_until(children: Children, what: str, is_reached: Callable[[], bool]) -> None:
    """
    Wait until something is reached.

    :raises ValueError: when it takes too long, or a process ends.
    """
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while not is_reached():
        children.check()
        if time.monotonic() > deadline_s:
            raise ValueError(
                f'waited {_START_TIMEOUT_S:.0f} s for {what}; see the logs, and ask '
                '`perception doctor` about the graph'
            )
        time.sleep(_POLL_S)
