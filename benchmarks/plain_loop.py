"""The baseline: the same pre-processing, network and post-processing in a loop without ROS."""

from __future__ import annotations

import argparse
import json
import time

from benchmarks.pictures import picture
from perception_nodes.detection.detector import Detector
from perception_nodes.structures import Frame


def main() -> None:
    """Print the seconds of every call as JSON, after a warm-up."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--model', required=True)
    parser.add_argument('--width', type=int, required=True)
    parser.add_argument('--height', type=int, required=True)
    parser.add_argument('--frames', type=int, required=True)
    parser.add_argument('--threads', type=int, default=1)
    options = parser.parse_args()
    detector = Detector.load(options.model, device='cpu', threads=options.threads)
    frame = Frame(pixels=picture((options.width, options.height)))
    seconds = []
    for _ in range(options.frames + 10):
        begin_s = time.perf_counter()
        detector(frame)
        seconds.append(time.perf_counter() - begin_s)
    print(json.dumps(seconds[10:]))


if __name__ == '__main__':
    main()
