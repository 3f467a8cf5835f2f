"""
What the node adds to the model: detection_node against the same model in a plain loop.

For the time, both use one core and one thread, in turn, several rounds: the worst case, in which
receiving and working share a core. The node's time runs from the callback of the executor to the
return of the last publish call; deserialising the message happens before that, inside the
executor, and is reported apart. For the throughput, the network has one thread in both, and the
processes, the sender among them, share all cores as on a robot.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image

from benchmarks.image_sender import image_message
from benchmarks.node_under_test import NodeUnderTest
from benchmarks.processes import MEASURED_CORE, ros_environment, running

_SATURATION = 1.2  # frames are sent this much faster than the plain loop can work
_THROUGHPUT_S = 10.0
_SETTLING_FRAMES = 10


@dataclass(frozen=True, kw_only=True)
class OverheadCase:
    """
    One model at one picture size.

    :param model: bundle folder or URI.
    :param throughput: also saturate the node; needs a model slower than the transport.
    """

    name: str
    model: str
    size_wh: tuple[int, int]
    frames: int = 150
    rounds: int = 2
    throughput: bool = False


@dataclass
class _Samples:
    plain_s: list[float] = field(default_factory=list)
    node_s: list[float] = field(default_factory=list)
    plain_fps: list[float] = field(default_factory=list)
    node_fps: list[float] = field(default_factory=list)


def measure_overhead(case: OverheadCase) -> dict[str, float]:
    """Return medians and their difference in ms, and the ratio of throughputs."""
    samples = _Samples()
    for _ in range(case.rounds):
        samples.plain_s += _plain_loop(case, MEASURED_CORE)
        samples.node_s += _node(case)
        if case.throughput:
            samples.plain_fps.append(1.0 / float(np.mean(_plain_loop(case, None))))
            samples.node_fps.append(_node_fps(case, samples.plain_fps[-1]))
    plain_ms, node_ms = np.array(samples.plain_s) * 1e3, np.array(samples.node_s) * 1e3
    report = {
        'plain loop p50 (ms)': float(np.median(plain_ms)),
        'plain loop p95 (ms)': float(np.percentile(plain_ms, 95)),
        'node p50 (ms)': float(np.median(node_ms)),
        'node p95 (ms)': float(np.percentile(node_ms, 95)),
        'overhead p50 (ms)': float(np.median(node_ms) - np.median(plain_ms)),
        'deserialisation p50 (ms)': deserialisation_ms(case.size_wh),
    }
    if case.throughput:
        report['plain loop throughput (fps)'] = float(np.mean(samples.plain_fps))
        report['node throughput (fps)'] = float(np.mean(samples.node_fps))
        report['throughput ratio'] = float(np.mean(np.divide(samples.node_fps, samples.plain_fps)))
    return report


def deserialisation_ms(size_wh: tuple[int, int], repeats: int = 30) -> float:
    """Return the median time from wire bytes to a message, in milliseconds."""
    wire = serialize_message(image_message(size_wh))
    seconds = []
    for _ in range(repeats):
        begin_s = time.perf_counter()
        deserialize_message(wire, Image)
        seconds.append(time.perf_counter() - begin_s)
    return float(np.median(seconds) * 1e3)


def _plain_loop(case: OverheadCase, core: int | None) -> list[float]:
    """Return the seconds of every call."""
    words = [
        'benchmarks.plain_loop', f'--model={case.model}', f'--frames={case.frames}',
        f'--width={case.size_wh[0]}', f'--height={case.size_wh[1]}',
    ]  # fmt: skip
    with running(*words, environment=ros_environment(), core=core, threads=1) as process:
        output, _ = process.communicate()
    return json.loads(output.splitlines()[-1])


def _node(case: OverheadCase) -> list[float]:
    """Return the seconds from arrival to the return of publish, frame after frame."""
    with NodeUnderTest(
        case.model, environment=ros_environment(), core=MEASURED_CORE, threads=1
    ) as node:
        sent = node.send_one_by_one(case.size_wh, case.frames + _SETTLING_FRAMES)
        return [timing.total_s for timing in sent][_SETTLING_FRAMES:]


def _node_fps(case: OverheadCase, plain_fps: float) -> float:
    """Return how many frames in a second the node answers when more than enough come."""
    with NodeUnderTest(case.model, environment=ros_environment(), threads=1) as node:
        node.send_at_rate(case.size_wh, plain_fps * _SATURATION, _THROUGHPUT_S)
        begun_s = [
            timing.header.stamp.sec + timing.header.stamp.nanosec * 1e-9
            + timing.age_s + timing.wait_s for timing in node.timings
        ]  # fmt: skip
    return (len(begun_s) - 1) / (begun_s[-1] - begun_s[0])
