"""Causes that lie in time: a missing clock, stamps off the clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from perception_nodes.ros.doctor.finding import Finding, error
from perception_nodes.ros.doctor.snapshot import (
    CAMERA_INFO,
    DETECTIONS,
    PICTURES,
    GraphSnapshot,
    Sample,
    Stream,
)

# Consumers drop frames that are older; TF waits no longer.
MAX_SKEW_S = 0.5
# Copied stamps are equal bit for bit; float64 seconds round at a quarter microsecond.
SAME_STAMP_S = 1e-5
CLOCK = '/clock'


def nodes_without_clock(snapshot: GraphSnapshot) -> list[str]:
    """Return the nodes whose time stands still: use_sim_time is true and no clock comes."""
    if snapshot.clock:
        return []
    return [node.name for node in snapshot.nodes if node.use_sim_time]


def check_sim_time(snapshot: GraphSnapshot) -> list[Finding]:
    """Name the nodes that wait for simulation time that nobody gives."""
    nodes = nodes_without_clock(snapshot)
    publishers = [endpoint.node for endpoint in snapshot.publishers_of(CLOCK)]
    if not nodes:
        return []
    if publishers:
        what = f'use_sim_time is true, but {publishers[0]} sends no /clock: paused or hung'
        cure = f'resume or restart {publishers[0]}'
    else:
        what = 'use_sim_time is true, but nobody publishes /clock: its time stands still at 0'
        cure = (
            'start the simulator (or `ros2 bag play --clock`), or start the node with '
            '-p use_sim_time:=false'
        )
    return [error('sim_time', node, what, cure) for node in nodes]


@dataclass(frozen=True)
class Offset:
    """
    How far a stream's stamps lie from the clock that counts for it, as a median.

    :param seconds: stamp minus clock on arrival; positive: stamps from the future.
    :param clock: name of that clock in words.
    """

    seconds: float
    clock: str
    tolerance_s: float = MAX_SKEW_S

    @property
    def is_skew(self) -> bool:
        """Tell whether consumers would refuse such stamps."""
        return abs(self.seconds) > self.tolerance_s

    @property
    def words(self) -> str:
        """Say it: ``3.2 s behind system time``."""
        side = 'ahead of' if self.seconds > 0 else 'behind'
        return f'{abs(self.seconds):.1f} s {side} {self.clock}'


def stamp_offset(snapshot: GraphSnapshot, stream: Stream) -> Offset | None:
    """Return a stream's offset; None where too little was seen."""
    on_clock = [s.stamp_s - s.clock_s for s in stream.samples if s.clock_s is not None]
    if on_clock:
        tolerance_s = max(MAX_SKEW_S, 2 * _clock_step_s(snapshot))
        return Offset(median(on_clock), '/clock', tolerance_s)
    if snapshot.clock or not stream.samples:
        return None
    return Offset(median(s.stamp_s - s.received_s for s in stream.samples), 'system time')


def _clock_step_s(snapshot: GraphSnapshot) -> float:
    """Return the usual step of ``/clock``: a coarse clock makes coarse offsets."""
    values = [sample.clock_s for sample in snapshot.clock]
    steps = [abs(later - earlier) for earlier, later in pairwise(values)]
    return median(steps) if steps else 0.0


def skewed_topics(snapshot: GraphSnapshot) -> dict[str, Offset]:
    """Return the picture topics whose own stamps are off, those without time excepted."""
    frozen = set(nodes_without_clock(snapshot))
    found = {}
    for stream in snapshot.streams_of(PICTURES):
        offset = stamp_offset(snapshot, stream)
        publishers = {endpoint.node for endpoint in snapshot.publishers_of(stream.topic)}
        if offset is not None and offset.is_skew and not publishers & frozen:
            found[stream.topic] = offset
    return found


def check_stamps(snapshot: GraphSnapshot) -> list[Finding]:
    """Name the topics whose stamps are off the clock, or off the images they belong to."""
    skewed = skewed_topics(snapshot)
    findings = [
        error('stamps', stream.topic, *_skew_words(snapshot, stream, skewed[stream.topic]))
        for stream in snapshot.streams_of(PICTURES)
        if stream.topic in skewed
    ]
    if not findings and not nodes_without_clock(snapshot):
        findings = _camera_info_findings(snapshot) + _detection_findings(snapshot)
    return findings


def _skew_words(snapshot: GraphSnapshot, stream: Stream, offset: Offset) -> tuple[str, str]:
    """Say what is wrong with the stamps and who cures it."""
    node = next((item.node for item in snapshot.publishers_of(stream.topic)), 'the publisher')
    what = f'image stamps are {offset.words}'
    if all(sample.stamp_s == 0 for sample in stream.samples):
        return 'image stamps are zero', f'let {node} fill header.stamp with the time of exposure'
    if offset.clock == CLOCK:
        cure = f'start {node} with -p use_sim_time:=true, so that it stamps with /clock'
        return f'{what} (simulation time)', cure
    delay_s = _transport_delay_s(stream)
    endpoint = next(iter(snapshot.publishers_of(stream.topic)), None)
    if delay_s is not None and abs(delay_s) > MAX_SKEW_S:
        if endpoint is not None and not endpoint.is_local:
            cure = 'synchronise the clocks of both machines (chrony or ptp4l), then check again'
            return f'{what}; so is the clock of the machine of {node}', cure
        cure = 'lower rate or resolution: messages wait in a queue on their way'
        return f'{what}; {delay_s:.1f} s of it are transport', cure
    cure = (
        f'let {node} stamp at exposure with its ROS clock; for a recording: '
        '`ros2 bag play --clock` and use_sim_time:=true on all nodes'
    )
    return what, cure


def _transport_delay_s(stream: Stream) -> float | None:
    """Return the median time between publishing and arrival, None when not told."""
    delays = [s.received_s - s.source_s for s in stream.samples if s.source_s]
    return median(delays) if delays else None


def _age_s(stream: Stream) -> float:
    """Return the median of arrival minus stamp."""
    return median(sample.received_s - sample.stamp_s for sample in stream.samples)


def _camera_info_findings(snapshot: GraphSnapshot) -> list[Finding]:
    """Compare each image topic with the camera_info beside it."""
    infos = {_namespace(s.topic): s for s in snapshot.streams_of(frozenset({CAMERA_INFO}))}
    findings = []
    for stream in snapshot.streams_of(PICTURES):
        other = infos.get(_namespace(stream.topic))
        if other is None:
            continue
        difference_s = _age_s(stream) - _age_s(other)
        if abs(difference_s) > MAX_SKEW_S:
            what = f'stamps of {other.topic} differ by {difference_s:+.1f} s from the images'
            cure = 'publish camera_info with the very header of its image'
            findings.append(error('stamps', stream.topic, what, cure))
    return findings


def _namespace(topic: str) -> str:
    """Return the part before the last name; ``image_raw/compressed`` counts as one name."""
    return topic.removesuffix('/compressed').rsplit('/', 1)[0]


def _detection_findings(snapshot: GraphSnapshot) -> list[Finding]:
    """Compare detections with the images their node reads: stamps must be copies."""
    findings = []
    for stream in snapshot.streams_of(DETECTIONS):
        inputs = images_read_for(snapshot, stream.topic)
        samples = [sample for image in inputs for sample in image.samples]
        if not samples or _are_copies(stream, samples):
            continue
        difference_s = _age_s(stream) - min(_age_s(image) for image in inputs)
        if abs(difference_s) > MAX_SKEW_S:
            what = f'detections are stamped {difference_s:+.1f} s off the images they come from'
            cure = "copy the input image's header into the result, bit for bit"
            findings.append(error('stamps', stream.topic, what, cure))
    return findings


def _are_copies(stream: Stream, images: list[Sample]) -> bool:
    """Tell whether at least one result carries the stamp of a seen image."""
    stamps = sorted(sample.stamp_s for sample in images)
    return any(
        any(abs(result.stamp_s - stamp) <= SAME_STAMP_S for stamp in stamps)
        for result in stream.samples
    )


def images_read_for(snapshot: GraphSnapshot, topic: str) -> list[Stream]:
    """Return the picture streams that the publishers of a topic subscribe to."""
    nodes = {endpoint.node for endpoint in snapshot.publishers_of(topic)}
    read = {item.topic for item in snapshot.subscriptions if item.node in nodes}
    return [stream for stream in snapshot.streams_of(PICTURES) if stream.topic in read]
