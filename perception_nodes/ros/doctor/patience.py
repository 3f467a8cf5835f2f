"""How long to watch a graph before a verdict; knows no clock and no ROS."""

from __future__ import annotations

# Participants announce themselves every three seconds. A newcomer often depends on it: Fast DDS
# (2.14) introduces it before it starts to listen, and drops the answers of who is there already.
ANNOUNCED_S = 3.5
# A topic found late is still heard for so long.
HEARING_S = 2.0
# Endpoints and names follow their participant within this time.
SETTLING_S = 1.0
# Nothing is called missing before; Fast DDS repeats lost announcements of participants and of
# endpoints after three seconds each.
CONFIRMED_S = 6.5
# Who is known to be there and was not found is waited for, on a busy machine, so much longer.
PATIENCE_S = 12.0


class Patience:
    """
    Says when enough was seen; all times are seconds since the beginning.

    :param duration_s: watch at least so long.
    """

    def __init__(self, duration_s: float) -> None:
        self._shortest_s = max(duration_s, ANNOUNCED_S)
        self._longest_s = self._shortest_s + PATIENCE_S
        self._quiet_s = self._complete_s = 0.0

    def note(self, at_s: float, *, has_changed: bool, is_complete: bool) -> None:
        """
        Take in one look.

        :param has_changed: endpoints have come or gone since the look before.
        :param is_complete: nobody is known to be there who was not found, or owes an answer.
        """
        if has_changed:
            self._quiet_s = at_s + HEARING_S
        if not is_complete:
            self._complete_s = at_s + SETTLING_S

    def may_end(self, at_s: float) -> bool:
        """Tell whether what is there has been found and heard, or will not be."""
        wanted_s = max(self._shortest_s, self._quiet_s, self._complete_s)
        return at_s >= min(wanted_s, self._longest_s)

    def may_miss(self, at_s: float) -> bool:
        """Tell whether what was not found may be called missing."""
        return at_s >= CONFIRMED_S
