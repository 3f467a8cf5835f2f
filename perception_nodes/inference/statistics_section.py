"""The section ``source_statistics`` of ``model.yaml``: what a network's features were like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from perception_nodes.inference import bundle_checks as check


@dataclass(frozen=True, kw_only=True)
class StatisticsSpec:
    """
    What the network's features are like on pictures of its training, for ``perception adapt``.

    :param file: safetensors inside the bundle: (2, C) mean and variance before each norm.
    :param sha256: 64 lower-case hexadecimal digits; a file that differs refuses to load.
    """

    SECTION: ClassVar[str] = 'source_statistics'
    sha256: str
    file: str = 'source_statistics.safetensors'

    def __post_init__(self) -> None:
        """Refuse paths that leave the folder and anything but a SHA-256."""
        file = check.inner_file('source_statistics.file', self.file)
        object.__setattr__(self, 'file', file)
        check.sha256('source_statistics.sha256', self.sha256)
