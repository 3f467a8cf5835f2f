"""What the check of a Nav2 parameter file says: one finding is one trap with its cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How much a finding matters; only errors make the command fail."""

    NOT_CHECKED = 'not checked'
    INFO = 'info'
    WARNING = 'warning'
    ERROR = 'error'


@dataclass(frozen=True, kw_only=True)
class Nav2Finding:
    """
    One place in the parameters with what it does and what to write instead.

    :param severity: an error means that data, a limit or a node is silently out of use.
    :param where: ``node/name: parameter.path``, as in the file.
    :param what: what would happen on the robot, one sentence.
    :param cure: what to write, one line; empty only for INFO and NOT_CHECKED.
    :param check: name of the check in its registry, stable for scripts.
    """

    severity: Severity
    where: str
    what: str
    cure: str = ''
    check: str = ''

    def __post_init__(self) -> None:
        """Refuse a complaint without a cure."""
        if not self.cure and self.severity in (Severity.WARNING, Severity.ERROR):
            raise ValueError(f'the finding at {self.where} names no cure')

    def to_dict(self) -> dict[str, str]:
        """Return plain strings for JSON."""
        return {
            'check': self.check,
            'severity': self.severity.value,
            'where': self.where,
            'what': self.what,
            'cure': self.cure,
        }


def error(where: str, what: str, cure: str) -> Nav2Finding:
    """Return a finding that takes something out of use."""
    return Nav2Finding(severity=Severity.ERROR, where=where, what=what, cure=cure)


def warning(where: str, what: str, cure: str) -> Nav2Finding:
    """Return a finding that is wrong on most robots."""
    return Nav2Finding(severity=Severity.WARNING, where=where, what=what, cure=cure)


def info(where: str, what: str, cure: str = '') -> Nav2Finding:
    """Return a finding that is worth knowing."""
    return Nav2Finding(severity=Severity.INFO, where=where, what=what, cure=cure)


def not_checked(where: str, what: str) -> Nav2Finding:
    """Return a finding that says what could not be judged."""
    return Nav2Finding(severity=Severity.NOT_CHECKED, where=where, what=what)
