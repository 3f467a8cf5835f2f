"""``perception path``: find the path in pictures, folders and videos, without ROS."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TextIO

import numpy as np
import typer

from perception_nodes.cli.looking import OVERLAYS, look_at_all
from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.progress import console
from perception_nodes.cli.road import ground_of_options
from perception_nodes.cli.sources import find_sources
from perception_nodes.geometry import GroundProjection, PlanarPose
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.registry import resolve_model
from perception_nodes.path import (
    MOTORWAY,
    STATE,
    FilterConfig,
    PathClasses,
    PathConfig,
    PathEstimate,
    PathRegressor,
    PathTracker,
    Prefer,
)
from perception_nodes.path.config import PathMode
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame, settings_of
from perception_nodes.visualization import draw_path

LINES = 'paths.jsonl'
_SETTINGS = settings_of(PathConfig)
Find = Callable[[Frame], PathEstimate]


class Preset(str, Enum):
    """Settings that belong together."""

    ROBOT = 'robot'
    MOTORWAY = 'motorway'


_PRESETS = {Preset.ROBOT: PathConfig(), Preset.MOTORWAY: MOTORWAY}


def _words(name: str) -> str:
    return f'{_SETTINGS[name][1].description}.'


def path(
    sources: Annotated[list[str], typer.Argument(help='Pictures, folders, videos, patterns.')],
    model: ModelOption,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path('out/path'),
    preset: Annotated[Preset, typer.Option(help='Settings to begin with.')] = Preset.ROBOT,
    mode: Annotated[PathMode | None, typer.Option(help=_words('mode'))] = None,
    prefer: Annotated[Prefer, typer.Option(help=_words('prefer'))] = Prefer.STRAIGHT,
    lane_width_m: Annotated[
        float | None, typer.Option(help=_words('lane_width_m'), min=0.05)
    ] = None,
    road_class: Annotated[
        list[str] | None, typer.Option(help='Class one may drive on; several times.')
    ] = None,
    marking_class: Annotated[
        list[str] | None, typer.Option(help='Class of lines; several times.')
    ] = None,
    camera: Annotated[
        str,
        typer.Option(help='height,forward,pitch,fovy: metres, metres, degrees down, degrees.'),
    ] = '0.3,0.1,20,60',
    road: Annotated[
        str,
        typer.Option(help='Instead, for an uncalibrated car camera: vanishing column,row, then '
                     'column of the left line, of the right one, and their row; pixels.'),
    ] = '',
    speed_m_s: Annotated[
        float, typer.Option(help='Videos: speed straight on, to smooth with; 0: do not.', min=0.0)
    ] = 0.0,
    overlays: Annotated[bool, typer.Option(help='Draw the path on copies.')] = True,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:  # fmt: skip
    """Find the path in images, folders and videos; write JSON lines and overlays."""
    found = find_sources(sources)
    config = _PRESETS[preset]
    config = replace(
        config, prefer=prefer.value, mode=config.mode if mode is None else mode.value,
        lane_width_m=config.lane_width_m if lane_width_m is None else lane_width_m,
    )  # fmt: skip
    ground_for = functools.cache(functools.partial(ground_of_options, camera, road))
    load = functools.partial(_loaded, device=device, precision=precision, threads=threads)
    opened = load(resolve_model(model))
    console.print(opened.description, highlight=False)
    if isinstance(opened, Segmenter):
        classes = _classes(road_class, marking_class)
        find: Find = _MaskFinder(opened, config, classes, ground_for, speed_m_s)
    else:
        find = opened
    out.mkdir(parents=True, exist_ok=True)
    with (out / LINES).open('w', encoding='utf-8') as lines:
        look = functools.partial(_look, find, ground_for, lines)
        failed = look_at_all(found, 'Looking', look, out / OVERLAYS if overlays else None)
    console.print(f'paths → {out / LINES}', highlight=False)
    if failed:
        raise typer.Exit(code=1)


def _loaded(
    bundle: ModelBundle, *, device: str, precision: str, threads: int
) -> Segmenter | PathRegressor:
    """Return the model that names points, or the one that makes masks."""
    kind = PathRegressor if bundle.spec.task == PathRegressor.task else Segmenter
    return kind.load(bundle, device=device, precision=precision, threads=threads)


def _classes(road: list[str] | None, markings: list[str] | None) -> PathClasses:
    """Return what classes mean; what the user names is no longer what it usually is."""
    usual, named = PathClasses(), {*(road or ()), *(markings or ())}
    return PathClasses(
        road=tuple(road or (name for name in usual.road if name not in named)),
        markings=tuple(markings or (name for name in usual.markings if name not in named)),
        blocking=tuple(name for name in usual.blocking if name not in named),
    )


def _look(
    find: Find, ground_for: Callable[[tuple[int, int]], GroundProjection], lines: TextIO,
    frame: Frame, name: str,
) -> tuple[Callable[[], np.ndarray], str]:  # fmt: skip
    estimate = find(frame)
    lines.write(json.dumps({'picture': name, **as_document(estimate)}) + '\n')
    draw = functools.partial(
        draw_path, frame.pixels, estimate, ground_for(frame.size_wh), color_order=frame.color_order
    )
    return draw, 'a path' if estimate.is_valid else estimate.reason


def as_document(estimate: PathEstimate) -> dict[str, Any]:
    """Return plain values; numbers that are none are null."""
    told = {name: getattr(estimate, name) for name in (*STATE, 'width_m')}
    sigmas = {
        'lateral_sigma_m': estimate.lateral_sigma_m,
        'heading_sigma_rad': estimate.heading_sigma_rad,
        'curvature_sigma_1_m': estimate.curvature_sigma_1_m,
    }
    numbers = {
        name: round(value, 6) if np.isfinite(value) else None
        for name, value in {**told, **sigmas}.items()
    }
    return {
        'valid': estimate.is_valid, 'reason': estimate.reason,
        'confidence': round(estimate.confidence, 4), 'look_ahead_m': estimate.look_ahead_m,
        **numbers, 'points_xy': np.round(estimate.points_xy, 4).tolist(),
        'sigma_m': np.round(estimate.sigma_m, 5).tolist(),
    }  # fmt: skip


class _MaskFinder:
    """Masks, then the path in them; over time where a speed is known."""

    def __init__(
        self,
        segmenter: Segmenter,
        config: PathConfig,
        classes: PathClasses,
        ground_for: Callable[[tuple[int, int]], GroundProjection],
        speed_m_s: float,
    ) -> None:
        self._segmenter, self._ground_for, self._speed_m_s = segmenter, ground_for, speed_m_s
        labels = dict(enumerate(segmenter.class_names))
        smooth = FilterConfig(max_speed_m_s=max(5.0, 2 * speed_m_s))
        self._tracker = PathTracker(labels, config, classes, smooth)
        self._stamp_ns = -1

    def __call__(self, frame: Frame) -> PathEstimate:
        """Return the path in a frame; each source begins anew."""
        if not self._speed_m_s or frame.stamp_ns <= self._stamp_ns:
            self._tracker.reset()
        self._stamp_ns = frame.stamp_ns
        mask = self._segmenter(frame)
        pose = PlanarPose(x_m=self._speed_m_s * frame.stamp_ns * 1e-9)
        return self._tracker.update(
            mask.class_ids, mask.confidence, self._ground_for(frame.size_wh), frame.stamp_ns, pose
        )
