"""A graph of nodes for one command: its surroundings, its processes, its transitions."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perception_nodes.cli.child_processes import Child, Children
from perception_nodes.cli.progress import console

if TYPE_CHECKING:
    from perception_nodes.ros.recorder_graph import GraphRecorder

_POLL_S = 0.2
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
# Loading and warming a model, or compiling a world, on a slow machine.
_START_TIMEOUT_S = 120.0


def choose_graph() -> None:
    """Give this process and its children the transport's variables and a ROS domain."""
    from perception_nodes.ros.domains import free_domain
    from perception_nodes.ros.transport import transport_environment, transport_notes

    for note in transport_notes(os.environ):
        console.print(f'[yellow]Note:[/] {note}')
    os.environ.update(transport_environment(os.environ))
    if 'ROS_DOMAIN_ID' not in os.environ:
        os.environ['ROS_DOMAIN_ID'] = str(free_domain())
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


def start_node(
    name: str,
    *,
    parameters: Mapping[str, Any],
    remaps: Mapping[str, str] | None = None,
    log_folder: Path,
) -> Child:
    """
    Start a node of the suite with its parameters and remappings.

    :param name: of the node and of its module.
    """
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
        log_folder=log_folder,
    )


def change_state(
    recorder: GraphRecorder, children: Children, child: Child, transition: str
) -> None:
    """
    Take a node through a lifecycle transition.

    :raises ValueError: when the node refuses; the text holds the end of its log.
    """
    _succeed(recorder.change_state(child.name, transition), children, child, transition)


def enable(recorder: GraphRecorder, children: Children, child: Child) -> None:
    """
    Let a node begin that waits for its service ``~/enable``.

    :raises ValueError: when the node refuses; the text holds the end of its log.
    """
    _succeed(recorder.enable(child.name), children, child, 'be enabled')


def _succeed(
    outcome: Callable[[], bool | None], children: Children, child: Child, what: str
) -> None:
    """Wait for the answer, which must be yes."""
    wait_until(children, f'{child.name} to {what}', lambda: outcome() is not None)
    if not outcome():
        raise ValueError(f'{child.name} refused to {what}:\n{child.log_tail()}')


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


@contextmanager
def interruptible() -> Iterator[None]:
    """
    Let SIGTERM end a command as Ctrl-C does: through the clean-up of everything started.

    SIGINT is taken over, too: a shell that starts a command in the background has it ignored.
    """

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
