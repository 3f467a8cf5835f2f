"""The releases of Gazebo Sim, and what each calls its plugins and messages."""

from __future__ import annotations

from enum import Enum

SDF_VERSION = '1.9'
"""Both releases read it: Fortress with sdformat 12, Harmonic with sdformat 14."""


class GazeboRelease(str, Enum):
    """Fortress (Gazebo Sim 6) goes with ROS 2 Humble, Harmonic (8) with Jazzy."""

    FORTRESS = 'fortress'
    HARMONIC = 'harmonic'

    @classmethod
    def of_ros(cls, distribution: str) -> GazeboRelease:
        """Return the release that goes with a ROS 2 distribution; unknown ones are newer."""
        return cls.FORTRESS if distribution == 'humble' else cls.HARMONIC

    @property
    def is_ignition(self) -> bool:
        """Whether it still has the name before 2022, Ignition."""
        return self is GazeboRelease.FORTRESS

    def plugin(self, stem: str, name: str) -> dict[str, str]:
        """
        Return the attributes of a system plugin.

        :param stem: such as ``diff-drive``.
        :param name: class name, such as ``DiffDrive``.
        """
        if self.is_ignition:
            return {
                'filename': f'ignition-gazebo-{stem}-system',
                'name': f'ignition::gazebo::systems::{name}',
            }
        return {'filename': f'gz-sim-{stem}-system', 'name': f'gz::sim::systems::{name}'}

    def message(self, name: str) -> str:
        """Return the full name of a message type, such as ``Twist``."""
        return f'{"ignition" if self.is_ignition else "gz"}.msgs.{name}'

    @property
    def frame_id_tag(self) -> str:
        """Element of a sensor that sets the ``frame_id`` of its messages."""
        return 'ignition_frame_id' if self.is_ignition else 'gz_frame_id'
