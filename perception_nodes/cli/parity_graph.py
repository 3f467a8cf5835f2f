"""The graph of a parity run: camera and detector as processes, a bag, and what is in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perception_nodes.cli.child_processes import Child, Children
from perception_nodes.cli.graph_processes import change_state, start_node, wait_until
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.detection import DetectionConfig
from perception_nodes.evaluation.demo_run import read_run
from perception_nodes.imaging.sources import SourceOptions
from perception_nodes.imaging.sources.folder import SUFFIXES, FolderSource
from perception_nodes.structures import Detections

if TYPE_CHECKING:
    from perception_nodes.ros.parity_recorder import ParityRecorder

_POLL_S = 0.05
# A result that is not there this long after the last picture is lost.
_DRAIN_S = 3.0
# Nothing may take longer on a picture, however slow the machine.
_ANSWER_TIMEOUT_S = 60.0
# Of the stamps alone: the next picture comes when the last one is answered.
_RATE_HZ = 10.0
_MADE = ('bag', 'logs', 'pictures')


@dataclass(frozen=True, kw_only=True)
class ParityOptions:
    """
    What runs on both sides.

    :param model: bundle of the detector.
    :param out: folder for everything that is left.
    :param device: of the detector; also ``precision`` and ``threads``.
    :param score_threshold: one of the filters of detection, which both sides share.
    """

    model: str
    out: Path
    device: str
    precision: str
    threads: int
    score_threshold: float
    nms_iou_threshold: float
    max_detections: int

    def detection_config(self) -> DetectionConfig:
        """Return the filters of the plain loop."""
        return DetectionConfig(**self._filters())

    def detector_parameters(self) -> dict[str, Any]:
        """Return the parameters of ``detection_node``."""
        place = {'device': self.device, 'precision': self.precision, 'threads': self.threads}
        return {'model': self.model, **place, **self._filters()}

    def _filters(self) -> dict[str, Any]:
        return {
            'score_threshold': self.score_threshold,
            'nms_iou_threshold': self.nms_iou_threshold,
            'max_detections': self.max_detections,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """
    What the bag says.

    :param found: detections by the index of the picture; without an answer, none.
    :param class_names: the detector's, by number.
    :param strange_stamps: stamps of results, in nanoseconds, that no picture has.
    """

    found: dict[int, Detections]
    class_names: tuple[str, ...]
    strange_stamps: tuple[int, ...]


def record(options: ParityOptions, pictures: int) -> None:
    """
    Play ``pictures/`` through camera and detector into ``bag/``.

    :param pictures: how many there are.
    """
    from perception_nodes.ros.parity_recorder import ParityRecorder

    domain = os.environ.get('ROS_DOMAIN_ID', '0')
    console.print(f'ROS domain {domain}, logs in {options.out / "logs"}', style='dim')
    with ParityRecorder(options.out / 'bag') as recorder, Children() as children:
        with console.status('Starting camera_node and detection_node'):
            _start(options, recorder, children)
        with progress_bar('Through the graph', pictures) as advance:
            shown = 0
            for results in _results_so_far(recorder, children):
                advance(results - shown)
                shown = results
        children.check()
        children.stop()
        counts = recorder.close()
    if counts.dropped:
        raise ValueError(f'the bag is not complete: {counts.dropped} dropped; free the disk')


def _start(options: ParityOptions, recorder: ParityRecorder, children: Children) -> None:
    """Bring up the detector before the camera, so that the first picture is not lost."""
    detector, camera = children.add(_detector(options)), children.add(_camera(options))
    for transition in ('configure', 'activate'):
        change_state(recorder, children, detector, transition)
    wait_until(children, 'the detector to reach the recorder', lambda: recorder.is_linked)
    for transition in ('configure', 'activate'):
        change_state(recorder, children, camera, transition)


def _results_so_far(recorder: ParityRecorder, children: Children) -> Iterator[int]:
    """Yield the number of results until all are there, or the last ones stay away."""
    finished_s: float | None = None
    while True:
        yield recorder.results
        children.check()
        if recorder.is_finished:
            finished_s = finished_s or time.monotonic()
            if recorder.is_answered or time.monotonic() - finished_s > _DRAIN_S:
                yield recorder.results
                return
        time.sleep(_POLL_S)


def _detector(options: ParityOptions) -> Child:
    from perception_nodes.ros.parity_recorder import IMAGES

    parameters = {**options.detector_parameters(), 'autostart': False}
    return start_node(
        'detection_node',
        parameters=parameters,
        remaps={'image': IMAGES},
        log_folder=options.out / 'logs',
    )


def _camera(options: ParityOptions) -> Child:
    from perception_nodes.ros.parity_recorder import FOUND, IMAGES

    parameters = {
        'source': (options.out / 'pictures').resolve(),
        'rate_hz': _RATE_HZ,
        'pacing': 'on_demand',
        'stamp': 'source',
        'answer_timeout_s': _ANSWER_TIMEOUT_S,
        'wait_for_subscribers': 2,  # detector and recorder
        'autostart': False,
    }
    return start_node(
        'camera_node',
        parameters=parameters,
        remaps={'image_raw': IMAGES, 'detections': FOUND},
        log_folder=options.out / 'logs',
    )


def lay_out(out: Path, paths: Sequence[Path]) -> dict[int, int]:
    """
    Empty the folder of an earlier run and link the pictures into it, named in their order.

    :returns: the index of the picture by the stamp in nanoseconds that the camera will give it.
    :raises ValueError: when a picture is missing or of a kind that the camera does not play.
    """
    for name in _MADE:
        shutil.rmtree(out / name, ignore_errors=True)
    folder = out / 'pictures'
    folder.mkdir(parents=True)
    for index, path in enumerate(paths):
        if not path.is_file():
            raise ValueError(f'{path}: no such picture; name its folder with --images')
        (folder / f'{index:06d}{path.suffix}').symlink_to(path.resolve())
    with contextlib.closing(FolderSource(folder, SourceOptions(rate_hz=_RATE_HZ))) as source:
        stamps_ns = source.stamps_ns
    if len(stamps_ns) != len(paths):
        raise ValueError(
            f'{len(paths)} pictures are labelled, but the camera plays {len(stamps_ns)} of them; '
            f'allowed suffixes: {", ".join(sorted(SUFFIXES))}'
        )
    return {stamp_ns: index for index, stamp_ns in enumerate(stamps_ns)}


def read_answers(bag: Path, index_of: Mapping[int, int]) -> Answers:
    """
    Read what the graph said.

    :param index_of: index of the picture by its stamp; see :func:`lay_out`.
    """
    run = read_run(bag)
    found = {frame.stamp_ns: frame.found for frame in run.frames if frame.found is not None}
    pictured = {frame.stamp_ns for frame in run.frames if frame.jpeg}
    return Answers(
        found={index_of[stamp]: item for stamp, item in found.items() if stamp in index_of},
        class_names=run.class_names,
        strange_stamps=tuple(
            stamp for stamp in found if stamp not in index_of or stamp not in pictured
        ),
    )
