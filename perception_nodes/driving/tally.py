"""What motion adds up to, and whether the two accounts that odometry gives of it agree."""

from __future__ import annotations

from dataclasses import dataclass

STANDING_NS = 1_000_000_000
"""What moves by less than a small way in this time stands."""
LONG_NS = 10_000_000_000
"""Drift that takes longer than this to become a long way is no contradiction."""
AGREEING_SHARE = 0.5
"""Poses and speeds agree as long as they differ by no more than this share of the larger."""


@dataclass
class _Span:
    """Signed sums since a beginning: noise cancels out."""

    moved: float = 0.0
    said: float = 0.0
    lasted_ns: int = 0

    def add(self, moved: float, said: float, passed_ns: int) -> None:
        self.moved += moved
        self.said += said
        self.lasted_ns += passed_ns

    @property
    def most(self) -> float:
        return max(abs(self.moved), abs(self.said))


class MotionTally:
    """
    Adds up way or turn, by whichever says more: the poses of odometry or its speeds.

    What the noise and the drift of a standing robot add up to is no motion.

    :param small: less than this in a second is standing still, metres or rad.
    :param long: over this much poses and speeds have to agree, metres or rad.
    :ivar total: so far, never falling.
    :ivar moved: over the last long way, by the poses; NaN before the first.
    :ivar said: over the same way, by the speeds; NaN before the first.
    """

    def __init__(self, small: float, long: float) -> None:
        self._small, self._long = small, long
        self.total = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin anew, as after a jump; the total stays."""
        self._recent, self._lately = _Span(), _Span()
        self.moved = self.said = float('nan')

    @property
    def is_contradictory(self) -> bool:
        """Whether poses and speeds told different things over the last long way."""
        most = max(abs(self.moved), abs(self.said))
        return abs(self.moved - self.said) > AGREEING_SHARE * most

    def add(self, moved: float, said: float, passed_ns: int) -> None:
        """
        Take one step.

        :param moved: by the poses, signed.
        :param said: by the speeds, signed.
        :param passed_ns: time of the step.
        """
        self._recent.add(moved, said, passed_ns)
        self._lately.add(moved, said, passed_ns)
        if self._recent.most >= self._small:
            self.total += self._recent.most
            self._recent = _Span()
        elif self._recent.lasted_ns >= STANDING_NS:
            self._recent = _Span()
        if self._lately.most >= self._long:
            self.moved, self.said = self._lately.moved, self._lately.said
            self._lately = _Span()
        elif self._lately.lasted_ns >= LONG_NS:
            self._lately = _Span()
