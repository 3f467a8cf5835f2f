"""
From the arrival of a picture to the publishing of its result, with all cores, as on a robot.

Pictures are sent one by one, so that nothing waits; the time runs from the callback of the
executor to the return of the last publish call (``FrameTiming``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.node_under_test import NodeUnderTest
from benchmarks.processes import ros_environment

_SETTLING_FRAMES = 15


@dataclass(frozen=True, kw_only=True)
class ArrivalCase:
    """
    One node with a model.

    :param task: detection or segmentation.
    :param model: bundle folder or URI.
    """

    task: str
    model: str
    size_wh: tuple[int, int] = (640, 480)
    frames: int = 200


def measure_arrival(case: ArrivalCase) -> dict[str, float]:
    """Return percentiles in ms, of the whole and of its parts."""
    with NodeUnderTest(case.model, task=case.task, environment=ros_environment()) as node:
        count = case.frames + _SETTLING_FRAMES
        timings = list(node.send_one_by_one(case.size_wh, count))[_SETTLING_FRAMES:]
    parts = {
        'arrival to publish': [timing.total_s for timing in timings],
        'network': [timing.inference_s for timing in timings],
        'pre- and post-processing': [
            timing.preprocess_s + timing.postprocess_s for timing in timings
        ],
        'publishing': [timing.publish_s for timing in timings],
    }
    return {
        f'{name} p{percentile} (ms)': float(np.percentile(seconds, percentile) * 1e3)
        for name, seconds in parts.items()
        for percentile in (50, 95)
    }
