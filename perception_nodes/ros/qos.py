"""Quality of service: what the nodes offer, and how a subscription matches its publishers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import QoSOverridingOptions

# A reliable queue of 5 received every 1080p frame on the default transport; of 1, five in six.
IMAGE_DEPTH = 5
_RESULT_DEPTH = 10
_OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)

RESULT_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=_RESULT_DEPTH, reliability=ReliabilityPolicy.RELIABLE
)
# For what comes again and again: publishers of either reliability are heard.
SENSOR_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=_RESULT_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT
)
LATCHED_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class ImageReliability(str, Enum):
    """Values of the parameter ``image_reliability``."""

    AUTO = 'auto'
    RELIABLE = 'reliable'
    BEST_EFFORT = 'best_effort'


@dataclass(frozen=True, kw_only=True)
class ImageQosChoice:
    """
    How to subscribe, and why.

    :param reliability: policy of the subscription.
    :param reason: words for the log.
    """

    reliability: ReliabilityPolicy
    reason: str


def overridable() -> QoSOverridingOptions:
    """Return the options that let ``qos_overrides`` of a parameter file change an end point."""
    return QoSOverridingOptions(_OVERRIDABLE)


def own_copy(profile: QoSProfile) -> QoSProfile:
    """
    Return a profile that an end point may keep.

    rclpy writes ``qos_overrides`` into the very profile it is given: a shared constant would carry
    the override of one topic to all others.
    """
    return copy(profile)


def tell_unheard(tell: Callable[[str], object]) -> SubscriptionEventCallbacks:
    """
    Return what notices a publisher that a subscription cannot hear.

    :param tell: called with the reason and the cure in words.
    """

    def on_incompatible(event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
        tell(
            f'a publisher offers another {policy} than is asked for, and is not heard: change it '
            'there, or by qos_overrides here'
        )

    return SubscriptionEventCallbacks(incompatible_qos=on_incompatible)


def image_overridable() -> QoSOverridingOptions:
    """Return the same without reliability, which :func:`choose_reliability` decides."""
    return QoSOverridingOptions((QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH))


def image_qos(reliability: ReliabilityPolicy, depth: int = IMAGE_DEPTH) -> QoSProfile:
    """Return the profile of an image subscription or publisher."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability)


def choose_reliability(
    wanted: ImageReliability, offered: Sequence[ReliabilityPolicy]
) -> ImageQosChoice:
    """
    Match what the publishers offer.

    Best effort loses most frames above 0.5 MB on the default transport, so reliable is taken
    wherever every publisher offers it.

    :param wanted: anything but ``auto`` wins.
    :param offered: reliability of each present publisher, in any order.
    """
    if wanted is not ImageReliability.AUTO:
        policy = ReliabilityPolicy[wanted.name]
        return ImageQosChoice(reliability=policy, reason='set by image_reliability')
    if not offered:
        return ImageQosChoice(
            reliability=_best_available(), reason='no publisher yet, matched when one comes'
        )
    weak = sum(policy == ReliabilityPolicy.BEST_EFFORT for policy in offered)
    if weak:
        return ImageQosChoice(
            reliability=ReliabilityPolicy.BEST_EFFORT,
            reason=f'{weak} of {len(offered)} publishers offer best effort only',
        )
    return ImageQosChoice(
        reliability=ReliabilityPolicy.RELIABLE,
        reason=f'all publishers ({len(offered)}) offer reliable',
    )


def resolved(policy: ReliabilityPolicy) -> ReliabilityPolicy:
    """Return what a subscription without any publisher gets for ``policy``."""
    reliable = policy in (_best_available(), ReliabilityPolicy.SYSTEM_DEFAULT)
    return ReliabilityPolicy.RELIABLE if reliable else policy


def _best_available() -> ReliabilityPolicy:
    """Return BEST_AVAILABLE, which Humble's rclpy does not know yet."""
    return getattr(ReliabilityPolicy, 'BEST_AVAILABLE', ReliabilityPolicy.RELIABLE)
