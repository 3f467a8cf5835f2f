"""
Whether pictures tell of one path, or of another one each time.

In bad light, rain or a dirty lens every picture may show some path and be sure of it, each another
one. What the filter makes of those lies between them and looks certain; only that they disagree
tells that chance rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class AgreementConfig:
    """Which share of the pictures must show the path where it is known."""

    agreement_s: float = setting(
        0.5, 'Time over which pictures are counted, s', minimum=0.01, maximum=60.0
    )
    min_agreement: float = setting(
        0.55, 'With this share of agreeing pictures or less, nothing is believed',
        minimum=0.0, maximum=0.99,
    )  # fmt: skip
    full_agreement: float = setting(
        0.75, 'From this share on, confidence is not lowered', minimum=0.01, maximum=1.0
    )

    def __post_init__(self) -> None:
        """Check every value, and the order of the shares."""
        check_settings(self)
        if self.min_agreement >= self.full_agreement:
            raise ValueError(
                f'min_agreement: {self.min_agreement} must be below full_agreement: '
                f'{self.full_agreement}'
            )


class Agreement:
    """
    The share of agreeing pictures, those long ago counting less and less.

    :param config: times and limits.
    """

    def __init__(self, config: AgreementConfig) -> None:
        self._config = config
        self._share = 1.0
        self._stamp_ns: int | None = None

    def note(self, agrees: bool, stamp_ns: int) -> None:
        """
        Count a picture; an older one than the last counts nothing.

        :param agrees: it showed a path, where one was expected if one was known.
        """
        before_ns = stamp_ns if self._stamp_ns is None else self._stamp_ns
        passed_s = max(stamp_ns - before_ns, 0) * 1e-9
        self._share += -np.expm1(-passed_s / self._config.agreement_s) * (agrees - self._share)
        self._stamp_ns = max(stamp_ns, before_ns)

    @property
    def trust(self) -> float:
        """Return the factor of confidence that the pictures have earned, 0..1."""
        least, full = self._config.min_agreement, self._config.full_agreement
        return float(np.clip((self._share - least) / (full - least), 0, 1))
