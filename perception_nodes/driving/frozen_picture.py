"""A camera that delivers the same picture again and again, while the robot moves."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class FreezeConfig:
    """How far a robot can move without anything changing in its picture."""

    freeze_distance_m: float = setting(
        0.08,
        'Equal pictures over this way mean that the camera is frozen, metres; 0 switches it off',
        minimum=0.0,
        maximum=10.0,
    )
    freeze_turn_rad: float = setting(
        0.1, 'Equal pictures over this turn mean the same, rad', minimum=0.001, maximum=6.0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class FrozenPicture:
    """
    Compares every picture with the one before, bit for bit, against the way of the robot.

    A living camera has noise: two of its pictures are never equal. What is compared may also be
    what was made of the picture (mask and confidence), since equal pictures give equal results.

    :param config: ways.
    """

    def __init__(self, config: FreezeConfig) -> None:
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Forget the last picture."""
        self._checksum: int | None = None
        self._since = (0.0, 0.0)
        self.problem = ''

    def note(self, pictures: tuple[np.ndarray, ...], travelled_m: float, turned_rad: float) -> str:
        """
        Return in words that the camera is frozen, empty when it lives.

        :param pictures: arrays that all belong to one picture.
        :param travelled_m: way of the robot so far by odometry, never falling.
        :param turned_rad: sum of its turns so far, never falling.
        """
        checksum = 0
        for picture in pictures:
            checksum = zlib.crc32(np.ascontiguousarray(picture).data, checksum)
        if checksum != self._checksum:
            self._checksum, self._since, self.problem = checksum, (travelled_m, turned_rad), ''
            return ''
        way, turn = travelled_m - self._since[0], turned_rad - self._since[1]
        config = self._config
        frozen = config.freeze_distance_m > 0 and (
            way > config.freeze_distance_m or turn > config.freeze_turn_rad
        )
        if frozen:
            self.problem = (
                f'pictures have been equal for {way:.2f} m and {turn:.2f} rad of odometry: the '
                'camera is frozen'
            )
        return self.problem
