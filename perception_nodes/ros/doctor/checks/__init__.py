"""
Pure checks: each looks at a :class:`GraphSnapshot` and returns what it found.

A new cause is one function and one line in :data:`CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable

from perception_nodes.ros.doctor.checks.clocks import check_sim_time, check_stamps
from perception_nodes.ros.doctor.checks.connection import (
    check_domain,
    check_lifecycle,
    check_publisher,
    check_qos,
    check_types,
)
from perception_nodes.ros.doctor.checks.pictures import check_encoding, check_shared_memory
from perception_nodes.ros.doctor.checks.results import (
    check_diagnostics,
    check_model,
    check_silent_detector,
    check_silent_publisher,
)
from perception_nodes.ros.doctor.checks.transforms import check_transforms
from perception_nodes.ros.doctor.finding import Finding, Severity
from perception_nodes.ros.doctor.snapshot import GraphSnapshot, Lifecycle

Check = Callable[[GraphSnapshot], list[Finding]]

CHECKS: dict[str, Check] = {
    'domain': check_domain,
    'publisher': check_publisher,
    'types': check_types,
    'qos': check_qos,
    'lifecycle': check_lifecycle,
    'sim_time': check_sim_time,
    'stamps': check_stamps,
    'encoding': check_encoding,
    'shared_memory': check_shared_memory,
    'transforms': check_transforms,
    'model': check_model,
}

# These name a symptom; they speak only when no cause above was found.
SYMPTOMS: dict[str, Check] = {
    'silent_publisher': check_silent_publisher,
    'silent_detector': check_silent_detector,
}

# What these name may only not have been discovered yet, by the doctor or by one another.
ABSENCE: tuple[Check, ...] = (
    check_domain,
    check_publisher,
    check_sim_time,
    check_transforms,
    *SYMPTOMS.values(),
)

HINTS: dict[str, Check] = {'diagnostics': check_diagnostics}


def examine(snapshot: GraphSnapshot) -> list[Finding]:
    """Run all checks; causes first, symptoms only where no cause was found."""
    findings = [finding for check in CHECKS.values() for finding in check(snapshot)]
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings += [finding for check in SYMPTOMS.values() for finding in check(snapshot)]
    return findings + [finding for check in HINTS.values() for finding in check(snapshot)]


def rests_on_absence(snapshot: GraphSnapshot) -> bool:
    """Tell whether a verdict would blame something for not being there."""
    is_quiet = any(node.lifecycle is Lifecycle.NO_ANSWER for node in snapshot.nodes)
    causes = (finding for check in ABSENCE for finding in check(snapshot))
    return not snapshot.nodes or is_quiet or any(causes)
