"""The ROS 2 releases whose Nav2 differs in what it does with a parameter."""

from __future__ import annotations

from enum import Enum


class Release(str, Enum):
    """Nav2 1.1 (Humble), 1.3 (Jazzy), 1.4 (Kilted), 1.5 (Lyrical and later)."""

    HUMBLE = 'humble'
    JAZZY = 'jazzy'
    KILTED = 'kilted'
    LYRICAL = 'lyrical'

    @property
    def joins_parent_namespace(self) -> bool:
        """Whether a layer's relative topic drops the costmap's own name (since Nav2 1.4)."""
        return self in (Release.KILTED, Release.LYRICAL)

    @property
    def stamped_by_default(self) -> bool | None:
        """Default of ``enable_stamped_cmd_vel``; None before the parameter existed."""
        if self is Release.HUMBLE:
            return None
        return self is not Release.JAZZY

    @property
    def monitor_sources(self) -> tuple[str, ...]:
        """Source types that the collision monitor knows."""
        known: tuple[str, ...] = ('scan', 'pointcloud', 'range')
        if self is not Release.HUMBLE:
            known += ('polygon',)
        if self is Release.LYRICAL:
            known += ('costmap',)
        return known
