"""Options that commands with a detector share; their words come from ``DetectionConfig``."""

from __future__ import annotations

from typing import Annotated

import typer

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.structures import settings_of

_SETTINGS = settings_of(DetectionConfig)


def _words(name: str) -> str:
    return f'{_SETTINGS[name][1].description}.'


ScoreOption = Annotated[
    float, typer.Option('--score-threshold', help=_words('score_threshold'), min=0.0, max=1.0)
]
ClassesOption = Annotated[
    list[str] | None,
    typer.Option('--class', help='Class to report; give it several times. Default: all.'),
]
ClassThresholdsOption = Annotated[
    list[str] | None,
    typer.Option('--class-threshold', help=_words('class_thresholds')),
]
OverlapOption = Annotated[
    float, typer.Option('--nms-iou', help=_words('nms_iou_threshold'), min=0.0, max=1.0)
]
AgnosticOption = Annotated[bool, typer.Option('--agnostic', help=_words('nms_class_agnostic'))]
MaxDetectionsOption = Annotated[
    int, typer.Option('--max-detections', help=_words('max_detections'), min=1)
]
DEFAULT_OVERLAP = _SETTINGS['nms_iou_threshold'][0]
DEFAULT_MAX_DETECTIONS = _SETTINGS['max_detections'][0]
