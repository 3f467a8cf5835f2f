"""How explanations are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perception_nodes.structures import check_settings, setting


class Method(str, Enum):
    """How a picture is changed to see what a decision rests on."""

    RANDOM_MASKS = 'random_masks'
    """Many random veils: D-RISE for boxes (Petsiuk et al., CVPR 2021), RISE (BMVC 2018)."""
    OCCLUSION = 'occlusion'
    """A grey square that wanders over the picture (Zeiler and Fergus, ECCV 2014)."""
    GRAD_CAM = 'grad_cam'
    """Gradients instead of many runs (Selvaraju et al., ICCV 2017)."""


@dataclass(frozen=True, kw_only=True)
class ExplanationConfig:
    """
    How explanations are made; the same settings and picture give the same map.

    Every veil and every place of the square costs one run of the model.
    """

    method: str = setting(
        Method.RANDOM_MASKS.value,
        'How the picture is changed',
        choices=tuple(item.value for item in Method),
    )
    masks: int = setting(400, 'Random veils', minimum=10, maximum=100_000)
    cells: int = setting(
        12, 'Cells of a veil along the longer side of the picture', minimum=2, maximum=64
    )
    keep: float = setting(
        0.5, 'Part of the cells that a veil leaves open', minimum=0.05, maximum=0.95
    )
    square: float = setting(
        0.15,
        'Side of the wandering square, as part of the shorter side of the picture',
        minimum=0.02,
        maximum=0.9,
    )
    seed: int = setting(0, 'Of the random veils', minimum=0)
    layer: str = setting(
        '',
        'Grad-CAM: name of the layer in torch whose features count, such as trunk.parts.3; empty: '
        'the coarsest that the decision is read from',
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)
