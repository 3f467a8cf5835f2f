"""The electric energy that a training takes."""

from __future__ import annotations

import logging
from typing import Any, Protocol

_INTERVAL_S = 15.0
_COUNTRY = 'USA'  # codecarbon asks for one to tell CO2; the energy does not depend on it


class Meter(Protocol):
    """Measures one interval after the other."""

    def start(self) -> None:
        """Begin an interval."""

    def stop(self) -> float:
        """End the interval and return its energy in kWh."""


class NoMeter:
    """A meter that always reads 0."""

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> float:
        """Return 0."""
        return 0.0


class CodecarbonMeter:
    """
    The whole machine, by codecarbon: measured where the processor tells, else from its load.

    :raises ImportError: codecarbon is not installed.
    """

    def __init__(self) -> None:
        logging.getLogger('codecarbon').disabled = True  # its lines break progress bars
        from codecarbon import OfflineEmissionsTracker

        self._tracker: Any = OfflineEmissionsTracker(
            country_iso_code=_COUNTRY,
            measure_power_secs=_INTERVAL_S,
            output_methods=[],
            log_level='error',
            allow_multiple_runs=True,
        )

    def start(self) -> None:
        """Begin an interval."""
        self._tracker.start_task()

    def stop(self) -> float:
        """End the interval and return its energy in kWh."""
        return float(self._tracker.stop_task().energy_consumed)


def available_meter() -> Meter:
    """Return codecarbon's meter where it is installed, else one that reads 0."""
    try:
        return CodecarbonMeter()
    except ImportError:
        return NoMeter()
