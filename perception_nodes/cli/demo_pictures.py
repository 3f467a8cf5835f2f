"""Pictures and the video of a recorded run, with what was found and what was there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.evaluation.demo_run import DemoRun, RunFrame
from perception_nodes.evaluation.matching import match_boxes
from perception_nodes.structures import ColorOrder, Detections, Frame
from perception_nodes.visualization import (
    BoxStyle,
    VideoWriter,
    draw_caption,
    draw_detections,
)

_WORST_PICTURES = 3
_FALLBACK_FPS = 15.0
# Encoding costs more than everything else in the evaluation.
_MOST_FPS = 16.0


def draw_frame(frame: RunFrame, class_names: Sequence[str], *, width: int = 0) -> Frame:
    """
    Return the picture with true boxes dashed and detections in colour.

    :param width: of the returned picture in pixels, 0 for the size that was recorded. Scaling
        comes before drawing, so that lines and letters stay readable.
    :raises ValueError: when no picture was recorded.
    """
    recorded = frame.picture()
    factor = width / recorded.size_wh[0] if width else 1.0
    pixels = np.array(_scaled(recorded, factor).in_order(ColorOrder.RGB), order='C')
    if frame.truth is not None:
        truth = _scaled_boxes(frame.truth, factor)
        draw_detections(pixels, truth, class_names, copy=False, style=BoxStyle.TRUTH)
    if frame.found is not None:
        draw_detections(pixels, _scaled_boxes(frame.found, factor), class_names, copy=False)
    draw_caption(pixels, _caption(frame), copy=False, bottom=True)
    return Frame(pixels=pixels, stamp_ns=frame.stamp_ns)


def video_frames(run: DemoRun) -> list[RunFrame]:
    """Return the frames of the video: all that have a picture, thinned out above 16 Hz."""
    frames = [frame for frame in run.frames if frame.jpeg]
    return frames[:: max(1, math.ceil(_frame_rate(frames) / _MOST_FPS))]


def write_video(run: DemoRun, path: Path, on_frame: Callable[[], object]) -> int:
    """
    Write the overlay video in simulated time; pictures without an answer appear without boxes.

    :param on_frame: called after each frame, for a progress bar.
    :returns: number of frames.
    """
    frames = video_frames(run)
    with VideoWriter(path, _frame_rate(frames)) as video:
        for frame in frames:
            video.write(draw_frame(frame, run.class_names))
            on_frame()
        return video.frame_count


def worst_moments(frames: Sequence[RunFrame]) -> list[RunFrame]:
    """
    Return the pictures with most errors, apart in time: neighbours look alike.

    :param frames: at least one.
    """
    apart_ns = (frames[-1].stamp_ns - frames[0].stamp_ns) / (4 * _WORST_PICTURES)
    chosen: list[RunFrame] = []
    for frame in sorted(frames, key=count_errors, reverse=True):
        if all(abs(frame.stamp_ns - other.stamp_ns) >= apart_ns for other in chosen):
            chosen.append(frame)
        if len(chosen) == _WORST_PICTURES:
            break
    return chosen


def count_errors(frame: RunFrame) -> int:
    """Return how many boxes of a picture are missed or extra; 0 without an answer."""
    if frame.found is None or frame.truth is None:
        return 0
    matches = match_boxes(frame.found, frame.truth.xyxy, frame.truth.class_ids)
    return len(matches.extra) + len(matches.missed)


def _scaled(frame: Frame, factor: float) -> Frame:
    if factor == 1.0:
        return frame
    size_wh = (round(frame.size_wh[0] * factor), round(frame.size_wh[1] * factor))
    pixels = cv2.resize(frame.pixels, size_wh, interpolation=cv2.INTER_AREA)
    return Frame(pixels=pixels, color_order=frame.color_order)


def _scaled_boxes(boxes: Detections, factor: float) -> Detections:
    return Detections(boxes.xyxy * factor, boxes.scores, boxes.class_ids)


def _caption(frame: RunFrame) -> str:
    if frame.found is None:
        return f't {frame.stamp_ns / 1e9:.1f} s   no result for this picture'
    late = f'{(frame.found_ns - frame.image_ns) / 1e6:.0f} ms' if frame.image_ns else '?'
    truths = 0 if frame.truth is None else len(frame.truth)
    return f't {frame.stamp_ns / 1e9:.1f} s   {late}   {len(frame.found)} found   {truths} there'


def _frame_rate(frames: Sequence[RunFrame]) -> float:
    """Return the rate that makes the video play in simulated time."""
    stamps = np.array([frame.stamp_ns for frame in frames])
    steps = np.diff(stamps)
    if not len(steps) or stamps[-1] == stamps[0]:
        return _FALLBACK_FPS
    return float(1e9 * len(steps) / (stamps[-1] - stamps[0]))
