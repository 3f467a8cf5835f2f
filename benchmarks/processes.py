"""Processes of a benchmark: own ROS domain, fixed cores and threads, ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

#: Of the two cores a figure is taken on, one is for what is measured, one for who measures.
MEASURED_CORE = 0
MEASURING_CORE = max(os.sched_getaffinity(0))


def ros_environment(*, shipped_transport: bool = True) -> dict[str, str]:
    """
    Return the environment of a benchmark's processes.

    :param shipped_transport: with the shared-memory profile and the malloc settings that the
        launch files set; False is the baseline, a plain shell.
    """
    from perception_nodes.ros.domains import free_domain
    from perception_nodes.ros.transport import transport_environment

    environment = {
        **os.environ,
        'ROS_DOMAIN_ID': str(free_domain()),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'PYTHONUNBUFFERED': '1',
    }
    if shipped_transport:
        environment.update(transport_environment(environment))
    return environment


@contextlib.contextmanager
def running(
    *words: str, environment: dict[str, str], core: int | None = None, threads: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m …`` while the block lasts, then interrupt it and wait."""
    if threads is not None:
        environment = {**environment, 'OMP_NUM_THREADS': str(threads)}
    cores = os.sched_getaffinity(0) if core is None else {core}
    process = subprocess.Popen(
        [sys.executable, '-m', *words],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
