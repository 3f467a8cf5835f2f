"""The figures of a recorded run: how right, how late, how many lost."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.evaluation.demo_run import TIMING_FIELDS, DemoRun, RunFrame
from perception_nodes.evaluation.matching import DEFAULT_IOU, Counts, match_boxes, total
from perception_nodes.structures import Detections

#: Smallest side in pixels of a true box that counts; smaller ones, and what is found on them,
#: are neither right nor wrong. The bundled detector is trained for objects from this size.
SMALLEST_SIDE_PX = 12.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassResult:
    """
    One class over the whole run.

    :param counts: hits, extra and missed at the detector's threshold.
    :param scores: (N,) of its detections that count, falling.
    :param is_hit: (N,) bool, which of them stand for a true box.
    :param truths: number of true boxes that count.
    """

    counts: Counts
    scores: np.ndarray
    is_hit: np.ndarray
    truths: int

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return recall and precision (N,) each for falling thresholds down to the one in use."""
        hits = np.cumsum(self.is_hit)
        ranks = np.arange(1, len(hits) + 1)
        return hits / max(1, self.truths), hits / ranks


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """A distribution of durations in milliseconds; NaN when nothing was measured."""

    p50: float
    p95: float
    p99: float
    largest: float

    @classmethod
    def of(cls, values_ms: np.ndarray) -> Percentiles:
        """Return the percentiles of (N,) values."""
        if not len(values_ms):
            return cls(p50=math.nan, p95=math.nan, p99=math.nan, largest=math.nan)
        p50, p95, p99, largest = np.percentile(values_ms, (50, 95, 99, 100)).tolist()
        return cls(p50=p50, p95=p95, p99=p99, largest=largest)


@dataclass(frozen=True, kw_only=True, eq=False)
class DemoResult:
    """
    What the run shows.

    :param classes: by name; classes that the detector knows and that were there, or that it
        reported although they were not.
    :param unknown_classes: labelled classes that the detector does not know; not counted.
    :param pictures: pictures that were taken: distinct stamps in any message.
    :param recorded: pictures whose image reached the recorder.
    :param answered: pictures with a result.
    :param latency_ms: (answered,) publication of the picture to publication of its detections.
    :param latency_at_s: (answered,) simulated seconds since the first picture.
    :param latency: percentiles of ``latency_ms``.
    :param phases: percentiles of the detector's own times, see ``FrameTiming``.
    :param simulated_s: simulated seconds between the first and the last clock message.
    :param wall_s: wall seconds between them.
    :param counters: of the detector at the end.
    """

    classes: dict[str, ClassResult]
    unknown_classes: tuple[str, ...]
    pictures: int
    recorded: int
    answered: int
    latency_ms: np.ndarray
    latency_at_s: np.ndarray
    latency: Percentiles
    phases: dict[str, Percentiles]
    simulated_s: float
    wall_s: float
    counters: dict[str, int]

    @property
    def overall(self) -> Counts:
        """All classes together."""
        return total({name: item.counts for name, item in self.classes.items()})

    @property
    def real_time_factor(self) -> float:
        """Simulated seconds per wall second."""
        return self.simulated_s / self.wall_s if self.wall_s > 0 else math.nan

    @property
    def results_per_s(self) -> float:
        """Results per wall second."""
        return self.answered / self.wall_s if self.wall_s > 0 else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, without the samples; NaN becomes None."""
        overall = self.overall
        data = {
            'detection': {
                'iou_threshold': DEFAULT_IOU,
                'smallest_side_px': SMALLEST_SIDE_PX,
                'overall': _counts(overall),
                'classes': {name: _counts(item.counts) for name, item in self.classes.items()},
                'classes_unknown_to_the_model': list(self.unknown_classes),
            },
            'latency_ms': asdict(self.latency),
            'phases_ms': {name: asdict(item) for name, item in self.phases.items()},
            'frames': {
                'taken': self.pictures,
                'recorded': self.recorded,
                'answered': self.answered,
                'detector': self.counters,
            },
            'time': {
                'simulated_s': self.simulated_s,
                'wall_s': self.wall_s,
                'real_time_factor': self.real_time_factor,
                'results_per_s': self.results_per_s,
            },
        }
        return _plain(data)

    def write(self, path: Path, **more: Any) -> None:
        """Write a JSON file with the figures and whatever else belongs to them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_plain({**more, **self.to_dict()}), indent=1, allow_nan=False)
        path.write_text(text + '\n', encoding='utf-8')


def analyse_run(run: DemoRun) -> DemoResult:
    """
    Compare detections with the truth, picture by picture, and measure times.

    Only pictures with an answer count for precision and recall: a dropped picture is a matter
    of speed, and is counted as such.
    """
    judged = [
        _judge(frame)
        for frame in run.frames
        if frame.found is not None and frame.truth is not None
    ]
    known = run.class_names[: run.known_classes]
    seen = {int(i) for f in judged for ids in (f.truth_ids, f.found.class_ids) for i in ids}
    timed = [frame for frame in run.frames if frame.found_ns and frame.image_ns]
    start_ns = run.frames[0].stamp_ns if run.frames else 0
    latency_ms = np.array([(f.found_ns - f.image_ns) / 1e6 for f in timed])
    wall_s, simulated_s = _spans_s(run.clock_ns)
    return DemoResult(
        classes={known[i]: _of_class(judged, i) for i in sorted(seen) if i < len(known)},
        unknown_classes=tuple(run.class_names[run.known_classes :]),
        pictures=len(run.frames),
        recorded=sum(bool(frame.jpeg) for frame in run.frames),
        answered=sum(frame.found is not None for frame in run.frames),
        latency_ms=latency_ms,
        latency_at_s=np.array([(f.stamp_ns - start_ns) / 1e9 for f in timed]),
        latency=Percentiles.of(latency_ms),
        phases=_phases(run.frames),
        simulated_s=simulated_s,
        wall_s=wall_s,
        counters=run.counters,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Judged:
    """Detections of one picture that count, which are hits, and the true boxes that count."""

    found: Detections
    is_hit: np.ndarray
    truth_ids: np.ndarray


def _judge(frame: RunFrame) -> _Judged:
    """Match one picture; boxes below the smallest size are taken out on both sides."""
    found, truth = frame.found, frame.truth
    if found is None or truth is None:
        raise ValueError('only frames with truth and an answer can be judged')
    matches = match_boxes(found, truth.xyxy, truth.class_ids)
    big_truth = _smaller_side(truth) >= SMALLEST_SIDE_PX
    is_hit = np.zeros(len(found), bool)
    counts = _smaller_side(found) >= SMALLEST_SIDE_PX
    is_hit[matches.pairs[:, 0]] = big_truth[matches.pairs[:, 1]]
    counts[matches.pairs[:, 0]] = big_truth[matches.pairs[:, 1]]
    return _Judged(
        found=found[counts], is_hit=is_hit[counts], truth_ids=truth.class_ids[big_truth]
    )


def _smaller_side(boxes: Detections) -> np.ndarray:
    return np.min(boxes.xyxy[:, 2:] - boxes.xyxy[:, :2], axis=1, initial=np.inf)


def _of_class(judged: list[_Judged], class_id: int) -> ClassResult:
    chosen = [item.found.class_ids == class_id for item in judged]
    scores = np.concatenate(
        [j.found.scores[c] for j, c in zip(judged, chosen, strict=True)] or [[]]
    )
    is_hit = np.concatenate([j.is_hit[c] for j, c in zip(judged, chosen, strict=True)] or [[]])
    order = np.argsort(-scores, kind='stable')
    truths = sum(int((item.truth_ids == class_id).sum()) for item in judged)
    hits = int(is_hit.sum())
    return ClassResult(
        counts=Counts(hits=hits, extra=len(is_hit) - hits, missed=truths - hits),
        scores=scores[order],
        is_hit=is_hit[order].astype(bool),
        truths=truths,
    )


def _phases(frames: tuple[RunFrame, ...]) -> dict[str, Percentiles]:
    timed = [frame.timing for frame in frames if frame.timing]
    return {
        name: Percentiles.of(np.array([item[name] * 1e3 for item in timed]))
        for name in TIMING_FIELDS
    }


def _spans_s(clock_ns: np.ndarray) -> tuple[float, float]:
    """Return wall and simulated seconds between the first and the last clock message."""
    if len(clock_ns) < 2:
        return 0.0, 0.0
    wall_s, simulated_s = ((clock_ns[-1] - clock_ns[0]) / 1e9).tolist()
    return wall_s, simulated_s


def _counts(counts: Counts) -> dict[str, Any]:
    return {**asdict(counts), 'precision': counts.precision, 'recall': counts.recall}


def _plain(value: Any) -> Any:
    """Return data that JSON can hold."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
