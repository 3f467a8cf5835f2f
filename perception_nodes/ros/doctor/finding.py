"""What the doctor says: one finding is one cause with its cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How much a finding matters; an error is a cause of silence."""

    OK = 'ok'
    INFO = 'info'
    WARNING = 'warning'
    ERROR = 'error'


@dataclass(frozen=True, kw_only=True)
class Finding:
    """
    One observed fact with its cure.

    :param check: name of the check in its registry, stable for scripts.
    :param severity: an error silences the graph, a warning may.
    :param subject: topic, node, variable or file the finding is about.
    :param what: the observation with its evidence, one sentence.
    :param cure: what to do, one line; empty only for OK and INFO.
    """

    check: str
    severity: Severity
    subject: str
    what: str
    cure: str = ''

    def __post_init__(self) -> None:
        """Refuse a complaint without a cure."""
        if not self.cure and self.severity in (Severity.WARNING, Severity.ERROR):
            raise ValueError(f'Finding {self.check} about {self.subject} names no cure')

    def to_dict(self) -> dict[str, str]:
        """Return plain strings for JSON."""
        return {
            'check': self.check,
            'severity': self.severity.value,
            'subject': self.subject,
            'what': self.what,
            'cure': self.cure,
        }


def error(check: str, subject: str, what: str, cure: str) -> Finding:
    """Return a finding that names a cause of silence."""
    return Finding(check=check, severity=Severity.ERROR, subject=subject, what=what, cure=cure)


def warning(check: str, subject: str, what: str, cure: str) -> Finding:
    """Return a finding that may matter, alone no cause of silence."""
    return Finding(check=check, severity=Severity.WARNING, subject=subject, what=what, cure=cure)


def info(check: str, subject: str, what: str, cure: str = '') -> Finding:
    """Return a finding that only informs."""
    return Finding(check=check, severity=Severity.INFO, subject=subject, what=what, cure=cure)


def passed(check: str, subject: str, what: str) -> Finding:
    """Return a finding that says a check was made and all is well."""
    return Finding(check=check, severity=Severity.OK, subject=subject, what=what)
