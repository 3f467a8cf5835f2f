"""Causes behind the connection: a model that finds nothing, nodes that keep quiet."""

from __future__ import annotations

from perception_nodes.ros.doctor.checks.clocks import images_read_for
from perception_nodes.ros.doctor.finding import Finding, error, warning
from perception_nodes.ros.doctor.snapshot import (
    DETECTIONS,
    PICTURES,
    Diagnosis,
    GraphSnapshot,
    Stream,
)

# Fewer results say nothing about a model.
MIN_RESULTS = 3
# A topic at 1 Hz must have had its chance.
MIN_OBSERVATION_S = 2.0
ERROR_LEVEL = 2
MAX_VALUE_LENGTH = 40


def check_model(snapshot: GraphSnapshot) -> list[Finding]:
    """Name the detectors that see images and never find anything."""
    findings = []
    for stream in snapshot.streams_of(DETECTIONS):
        count = len(stream.samples)
        is_empty = all(sample.count == 0 for sample in stream.samples)
        if count >= MIN_RESULTS and is_empty and _images_arrive(snapshot, stream):
            findings.append(error('model', stream.topic, *_model_words(snapshot, stream)))
    return findings


def _images_arrive(snapshot: GraphSnapshot, stream: Stream) -> bool:
    """
    Tell whether the node has something to look at.

    A node that publishes pictures and reads none is a simulator: its empty ground truth is the
    truth. One that does neither may get its pictures past ROS; then any picture counts.
    """
    nodes = {endpoint.node for endpoint in snapshot.publishers_of(stream.topic)}
    if any(e.node in nodes and e.type_name in PICTURES for e in snapshot.subscriptions):
        return bool(images_read_for(snapshot, stream.topic))
    if any(e.node in nodes and e.type_name in PICTURES for e in snapshot.publishers):
        return False
    return any(True for _ in snapshot.streams_of(PICTURES))


def _model_words(snapshot: GraphSnapshot, stream: Stream) -> tuple[str, str]:
    """State how many looks found nothing and what to try, in the order of likelihood."""
    node = next((item.node for item in snapshot.publishers_of(stream.topic)), 'the detector')
    seconds = snapshot.ended_s - snapshot.started_s
    what = f'{len(stream.samples)} results in {seconds:.0f} s, all empty, while images arrive'
    cure = (
        f'lower it: ros2 param set {node} score_threshold 0.1; then check its class filter and '
        f'region of interest, and the model: perception models verify <model of {node}>'
    )
    return what, cure


def _silent_streams(snapshot: GraphSnapshot) -> list[Stream]:
    """Return the streams that were listened to long enough and stayed empty."""
    return [
        stream
        for stream in snapshot.streams
        if not stream.samples and snapshot.ended_s - stream.since_s >= MIN_OBSERVATION_S
    ]


def check_silent_publisher(snapshot: GraphSnapshot) -> list[Finding]:
    """Name image topics that have a publisher and a reader and carry nothing."""
    findings = []
    for stream in _silent_streams(snapshot):
        publishers = snapshot.publishers_of(stream.topic)
        is_read = bool(snapshot.subscriptions_of(stream.topic))
        if stream.type_name not in PICTURES or not publishers or not is_read:
            continue
        node = publishers[0].node
        what = f'{node} has a publisher but sent nothing in the whole observation'
        cure = f'see the log and /diagnostics of {node}: camera unplugged, paused, or hung?'
        if not stream.reliable:
            cure += ' Big images also need the shared-memory profile in its environment'
        findings.append(error('silent_publisher', stream.topic, what, cure))
    return findings


def check_silent_detector(snapshot: GraphSnapshot) -> list[Finding]:
    """Name detectors whose images arrive and which publish no result at all."""
    findings = []
    for stream in _silent_streams(snapshot):
        if stream.type_name in DETECTIONS:
            inputs = images_read_for(snapshot, stream.topic)
            if any(len(item.samples) >= MIN_RESULTS for item in inputs):
                node = snapshot.publishers_of(stream.topic)[0].node
                what = (
                    f'{node} reads {inputs[0].topic}, where images arrive, and publishes nothing'
                )
                cure = f'see the log and /diagnostics of {node}; empty results must be sent too'
                findings.append(error('silent_detector', stream.topic, what, cure))
    return findings


def check_diagnostics(snapshot: GraphSnapshot) -> list[Finding]:
    """Repeat what nodes say of themselves at level ERROR or STALE."""
    return [
        warning(
            'diagnostics',
            item.name,
            item.message or f'level {item.level}',
            f'see its values: {_first_values(item)}',
        )
        for item in snapshot.diagnostics
        if item.level >= ERROR_LEVEL
    ]


def _first_values(item: Diagnosis) -> str:
    """Return up to four short key-value pairs in words, without what the message says."""
    pairs = [
        f'{key}={value}'
        for key, value in item.values.items()
        if value and len(value) <= MAX_VALUE_LENGTH and value not in item.message
    ]
    return ', '.join(pairs[:4]) or 'ros2 topic echo /diagnostics'
