"""Pictures and the video of a recorded run, with what was found and what was there."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.cli.demo.course_view import CourseView
from perception_nodes.evaluation.demo_run import DemoRun, RunFrame
from perception_nodes.evaluation.drive_run import DriveRun
from perception_nodes.evaluation.matching import match_boxes
from perception_nodes.structures import ColorOrder, Detections, Frame
from perception_nodes.visualization import (
    BoxStyle,
    VideoWriter,
    draw_caption,
    draw_detections,
    draw_mask,
    draw_path,
)

_WORST_PICTURES = 3
_MASK_OPACITY = 0.3
_FALLBACK_FPS = 15.0
# Encoding costs more than everything else in the evaluation.
_MOST_FPS = 16.0


class Scene:
    """
    Draws a recorded run: what was seen, and where it led.

    :param run: pictures and detections.
    :param drive: masks and paths; an empty one draws detections alone.
    :param course: the map beside the picture, None for none.
    """

    def __init__(
        self, run: DemoRun, drive: DriveRun | None = None, course: CourseView | None = None
    ) -> None:
        self.run = run
        self._drive = DriveRun() if drive is None else drive
        self._course = course
        self._decision_stamps = [item.stamp_ns for item in self._drive.decisions]

    def picture(self, frame: RunFrame, *, width: int = 0) -> Frame:
        """
        Return the picture under its mask, with the path, and with boxes: true ones dashed.

        :param width: of the returned picture in pixels, 0 for the size that was recorded. Scaling
            comes before boxes are drawn, so that lines and letters stay readable.
        :raises ValueError: when no picture was recorded.
        """
        recorded = frame.picture()
        factor = width / recorded.size_wh[0] if width else 1.0
        pixels = self._with_ground(np.array(recorded.in_order(ColorOrder.RGB), order='C'), frame)
        pixels = _scaled(pixels, factor)
        for boxes, style in ((frame.truth, BoxStyle.TRUTH), (frame.found, BoxStyle.DETECTION)):
            if boxes is not None:
                names = self.run.class_names
                draw_detections(
                    pixels, _scaled_boxes(boxes, factor), names, copy=False, style=style
                )
        draw_caption(pixels, _caption(frame), copy=False, bottom=True)
        return Frame(pixels=pixels, stamp_ns=frame.stamp_ns)

    def video_picture(self, frame: RunFrame) -> Frame:
        """Return the picture with what the robot is doing, and the map beside it."""
        shown = self.picture(frame)
        doing = self._doing(frame.stamp_ns)
        pixels = draw_caption(shown.pixels, doing) if doing else shown.pixels
        if self._course is not None:
            pixels = np.concatenate([pixels, self._course.draw(frame.stamp_ns)], axis=1)
        return Frame(pixels=pixels, stamp_ns=frame.stamp_ns)

    def _with_ground(self, pixels: np.ndarray, frame: RunFrame) -> np.ndarray:
        """Return the picture with the mask and the path of its stamp laid over it."""
        seen = self._drive.frames.get(frame.stamp_ns)
        mask = None if seen is None else seen.mask()
        if mask is not None and mask.class_ids.shape == pixels.shape[:2]:
            pixels = draw_mask(
                pixels, mask, self._drive.class_names, opacity=_MASK_OPACITY, legend=False
            )
        ground = self._drive.ground
        if seen is not None and seen.estimate is not None and ground is not None:
            pixels = draw_path(pixels, seen.estimate, ground, caption=False)
        return pixels

    def _doing(self, stamp_ns: int) -> str:
        """Return what the follower had decided last, in words."""
        number = bisect_right(self._decision_stamps, stamp_ns)
        if not number:
            return ''
        decision = self._drive.decisions[number - 1]
        state = decision.state.name.lower()
        return f'{state}: {decision.text}' if decision.text else state


def video_frames(run: DemoRun) -> list[RunFrame]:
    """Return the frames of the video: all that have a picture, thinned out above 16 Hz."""
    frames = [frame for frame in run.frames if frame.jpeg]
    return frames[:: max(1, math.ceil(_frame_rate(frames) / _MOST_FPS))]


def write_video(scene: Scene, path: Path, on_frame: Callable[[], object]) -> int:
    """
    Write the overlay video in simulated time; pictures without an answer appear without boxes.

    :param on_frame: called after each frame, for a progress bar.
    :returns: number of frames.
    """
    frames = video_frames(scene.run)
    with VideoWriter(path, _frame_rate(frames)) as video:
        for frame in frames:
            video.write(scene.video_picture(frame))
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


def _scaled(pixels: np.ndarray, factor: float) -> np.ndarray:
    if factor == 1.0:
        return pixels
    size_wh = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA)


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
