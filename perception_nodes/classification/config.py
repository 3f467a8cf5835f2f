"""What a user may set about classification."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.inference.frame_config import FrameModelConfig
from perception_nodes.structures import setting


@dataclass(frozen=True, kw_only=True)
class ClassificationConfig(FrameModelConfig):
    """From which probability on a class is named."""

    min_confidence: float = setting(
        0.0,
        'No class is named for pictures whose most probable one is less probable than this, 0..1',
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
