"""Nav2 parameter files: what in them would fail without an error message."""

from perception_nodes.nav2.checks import CHECKS, check_nav2
from perception_nodes.nav2.document import ParameterFileError, Parameters, read_parameters
from perception_nodes.nav2.finding import Nav2Finding, Severity
from perception_nodes.nav2.release import Release

__all__ = [
    'CHECKS',
    'Nav2Finding',
    'ParameterFileError',
    'Parameters',
    'Release',
    'Severity',
    'check_nav2',
    'read_parameters',
]
