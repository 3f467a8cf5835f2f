"""Causes that keep endpoints apart: QoS, type, names, lifecycle, domain."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from perception_nodes.ros.doctor.finding import Finding, error
from perception_nodes.ros.doctor.snapshot import (
    DETECTIONS,
    PICTURES,
    DomainView,
    Endpoint,
    GraphSnapshot,
    Lifecycle,
    Qos,
)


def qos_conflicts(offered: Qos, requested: Qos) -> list[str]:
    """Return the policies that keep a publisher from a subscription, in words."""
    conflicts = []
    if requested.reliable and not offered.reliable:
        conflicts.append('reliability: offers best effort, asks reliable')
    if requested.transient_local and not offered.transient_local:
        conflicts.append('durability: offers volatile, asks transient local')
    if _is_longer(offered.deadline_s, requested.deadline_s):
        conflicts.append(f'deadline: offers {offered.deadline_s} s, asks {requested.deadline_s} s')
    if requested.manual_liveliness and not offered.manual_liveliness:
        conflicts.append('liveliness: offers automatic, asks manual by topic')
    if _is_longer(offered.lease_s, requested.lease_s):
        conflicts.append(f'lease: offers {offered.lease_s} s, asks {requested.lease_s} s')
    return conflicts


def _is_longer(offered_s: float | None, requested_s: float | None) -> bool:
    """Compare durations where None is infinite."""
    return requested_s is not None and (offered_s is None or offered_s > requested_s)


def _pairs(snapshot: GraphSnapshot) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Yield every publisher with every subscription of its topic."""
    for publisher in snapshot.publishers:
        for subscription in snapshot.subscriptions_of(publisher.topic):
            yield publisher, subscription


def check_qos(snapshot: GraphSnapshot) -> list[Finding]:
    """Name each pair of endpoints whose QoS does not match."""
    findings = []
    for publisher, subscription in _pairs(snapshot):
        conflicts = qos_conflicts(publisher.qos, subscription.qos)
        if conflicts and publisher.type_name == subscription.type_name:
            what = (
                f'{subscription.node} gets nothing from {publisher.node}: {"; ".join(conflicts)}'
            )
            cure = _qos_cure(publisher, subscription, conflicts[0].split(':')[0])
            findings.append(error('qos', publisher.topic, what, cure))
    return findings


def _qos_cure(publisher: Endpoint, subscription: Endpoint, policy: str) -> str:
    """Say which side to change, for the first conflicting policy."""
    values = {'reliability': 'best_effort', 'durability': 'volatile', 'liveliness': 'automatic'}
    if policy not in values:
        return f'let {subscription.node} ask for a {policy} no shorter than the one offered'
    parameter = f'qos_overrides.{subscription.topic}.subscription.{policy}'
    opposite = {'reliability': 'reliable', 'durability': 'transient_local'}.get(policy, 'manual')
    if policy == 'reliability' and subscription.type_name in PICTURES:
        parameter = f'image_reliability:=auto (nodes of this suite) or -p {parameter}'
    return (
        f'start {subscription.node} with -p {parameter}:={values[policy]}, '
        f'or let {publisher.node} offer {opposite}'
    )


def check_types(snapshot: GraphSnapshot) -> list[Finding]:
    """Name each topic whose two sides speak of different message types."""
    found = {}
    for publisher, subscription in _pairs(snapshot):
        if publisher.type_name != subscription.type_name:
            what = (
                f'{publisher.node} publishes {publisher.type_name}, '
                f'{subscription.node} expects {subscription.type_name}'
            )
            cure = 'remap one of the two to another topic (or set image_transport: raw|compressed)'
            key = (publisher.topic, publisher.node, subscription.node)
            found[key] = error('types', publisher.topic, what, cure)
    return list(found.values())


def check_lifecycle(snapshot: GraphSnapshot) -> list[Finding]:
    """Name each lifecycle node that is not active."""
    return [
        error('lifecycle', node.name, *_lifecycle_words(node.name, node.lifecycle))
        for node in snapshot.nodes
        if node.lifecycle not in (Lifecycle.UNMANAGED, Lifecycle.ACTIVE)
    ]


def _lifecycle_words(name: str, state: Lifecycle) -> tuple[str, str]:
    """Return what a state means and its cure."""
    activate = f'ros2 lifecycle set {name} activate'
    configure = f'ros2 lifecycle set {name} configure && {activate}'
    start = ' (or start it with -p autostart:=true, or name it to the lifecycle manager)'
    return {
        Lifecycle.UNCONFIGURED: (
            'lifecycle state is unconfigured: no model loaded, nothing subscribed',
            configure + start,
        ),
        Lifecycle.INACTIVE: (
            'lifecycle state is inactive: configured, but it publishes nothing',
            activate + start,
        ),
        Lifecycle.FINALIZED: ('lifecycle state is finalized: it will never run', 'restart it'),
        Lifecycle.TRANSITION: (
            'still in a lifecycle transition at the end of the observation',
            f'wait, then see its log; a failed transition ends: {configure}',
        ),
    }.get(
        state,
        (
            'offers lifecycle services but does not answer get_state: hung, stopped or overloaded',
            f'look at its log and at its CPU load, then restart {name}',
        ),
    )


def check_publisher(snapshot: GraphSnapshot) -> list[Finding]:
    """Name each subscription to perception data that nobody publishes."""
    elsewhere = {topic for topic, _, _ in _published_elsewhere(snapshot)}
    findings: dict[str, Finding] = {}
    for subscription in snapshot.starved:
        topic = subscription.topic
        if topic in elsewhere or topic in findings:
            continue
        listeners = sorted({item.node for item in snapshot.subscriptions_of(topic)})
        what = f'no publisher; waiting for it: {", ".join(listeners)}'
        findings[topic] = error('publisher', topic, what, _publisher_cure(snapshot, subscription))
    return list(findings.values())


def _publisher_cure(snapshot: GraphSnapshot, subscription: Endpoint) -> str:
    """Propose the most likely source: a published topic of the type, or an idle node."""
    topic = subscription.topic
    same_type = sorted(
        {item.topic for item in snapshot.publishers if item.type_name == subscription.type_name}
    )
    idle = [
        node.name
        for node in snapshot.nodes
        if node.lifecycle in (Lifecycle.UNCONFIGURED, Lifecycle.INACTIVE)
    ]
    if same_type:
        best = (get_close_matches(topic, same_type, n=1, cutoff=0.0) or same_type)[0]
        return f'remap it to what is published: {subscription.node} --ros-args -r {topic}:={best}'
    if idle:
        return f'activate {", ".join(idle)}, which may publish it'
    return f'start the camera driver, camera_node or simulation_node and remap it to {topic}'


def _published_elsewhere(
    snapshot: GraphSnapshot,
) -> Iterator[tuple[str, str, DomainView]]:
    """Yield (topic, waiting node, domain) of starved topics that another domain publishes."""
    for subscription in snapshot.starved:
        for view in snapshot.other_domains:
            if view.published.get(subscription.topic) == subscription.type_name:
                yield subscription.topic, subscription.node, view


def _wanted_elsewhere(snapshot: GraphSnapshot) -> Iterator[tuple[str, str, DomainView]]:
    """Yield (topic, publishing node, domain) of unread pictures that another domain waits for."""
    if any(item.type_name in PICTURES for item in snapshot.subscriptions):
        return  # somebody looks at pictures here; strangers on other domains are their own affair
    for publisher in snapshot.publishers:
        if publisher.type_name not in PICTURES or snapshot.subscriptions_of(publisher.topic):
            continue
        for view in snapshot.other_domains:
            is_wanted = view.subscribed.get(publisher.topic) == publisher.type_name
            if is_wanted and publisher.topic not in view.published:
                yield publisher.topic, publisher.node, view


def check_domain(snapshot: GraphSnapshot) -> list[Finding]:
    """Name the other ROS domain on which the missing half of this graph runs."""
    found: dict[tuple[str, int], Finding] = {}
    own = snapshot.domain_id
    for topic, node, view in _published_elsewhere(snapshot):
        what = f'{node} waits on domain {own}, but the publisher is on domain {view.domain_id}'
        found[topic, view.domain_id] = error('domain', topic, what, _domain_cure(view, own))
    for topic, node, view in _wanted_elsewhere(snapshot):
        what = f'{node} publishes on domain {own}, but the reader is on domain {view.domain_id}'
        found[topic, view.domain_id] = error('domain', topic, what, _domain_cure(view, own))
    return list(found.values()) or _graph_elsewhere(snapshot)


def _graph_elsewhere(snapshot: GraphSnapshot) -> list[Finding]:
    """Name domains with a perception graph when this one holds no picture at all."""
    endpoints = snapshot.publishers + snapshot.subscriptions
    if any(endpoint.type_name in PICTURES | DETECTIONS for endpoint in endpoints):
        return []
    return [
        error(
            'domain',
            f'domain {snapshot.domain_id}',
            f'no image topic here, but domain {view.domain_id} has {_names(view)}',
            _domain_cure(view, snapshot.domain_id),
        )
        for view in snapshot.other_domains
        if (set(view.published.values()) | set(view.subscribed.values())) & PICTURES
    ]


def _names(view: DomainView) -> str:
    """Return up to three node names of a domain."""
    return ', '.join(view.nodes[:3]) + (' …' if len(view.nodes) > 3 else '')


def _domain_cure(view: DomainView, own: int) -> str:
    """Say how to bring both halves together."""
    return (
        f'start both sides with the same domain: export ROS_DOMAIN_ID={view.domain_id} here, '
        f'or {own} for {_names(view)}'
    )
