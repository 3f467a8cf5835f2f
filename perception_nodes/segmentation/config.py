"""What a user may set about segmentation."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.inference.frame_config import FrameModelConfig
from perception_nodes.structures import setting

_SEPARATOR = '='


@dataclass(frozen=True, kw_only=True)
class SegmentationConfig(FrameModelConfig):
    """Filters between the network and the mask; class names are checked when bound."""

    min_confidence: float = setting(
        0.0,
        'Pixels whose class is less probable than this become unlabelled (255), 0..1',
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    class_map: tuple[str, ...] = setting(
        (),
        'Other names for the classes of the model, each written as class=name; classes with one '
        'name become one class, and class=unlabelled becomes 255',
    )

    def __post_init__(self) -> None:
        """Check ranges and the spelling of the class map."""
        object.__setattr__(self, 'class_map', tuple(self.class_map))
        super().__post_init__()
        self.renamed_classes()

    def renamed_classes(self) -> dict[str, str]:
        """Return ``class_map`` as a dictionary, or raise naming the wrong entry."""
        renamed: dict[str, str] = {}
        for entry in self.class_map:
            old, separator, new = (part.strip() for part in entry.partition(_SEPARATOR))
            if not (old and separator and new):
                raise ValueError(
                    f'class_map: {entry!r} must read class=name, for example road=lane'
                )
            if old in renamed:
                raise ValueError(f'class_map: {old!r} is renamed twice; keep one entry')
            renamed[old] = new
        return renamed
