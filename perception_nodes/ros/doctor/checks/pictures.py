"""Causes that lie in the images: encodings nobody decodes, sizes the transport loses."""

from __future__ import annotations

from statistics import median

from perception_nodes.ros.doctor.finding import Finding, Severity, error
from perception_nodes.ros.doctor.snapshot import (
    CAMERA_INFO,
    COMPRESSED,
    IMAGE,
    PICTURES,
    Endpoint,
    GraphSnapshot,
    Stream,
)

# Fast DDS 2 and 3: a message that does not fit the segment leaves shared memory.
DEFAULT_SEGMENT_BYTES = 512 * 1024
# Measured: 80 to 97 % lost with the default segment, none with a large one.
MAX_LOSS = 0.3
# Fewer say nothing about a rate.
MIN_CAMERA_INFOS = 5
# sensor_msgs/image_encodings.hpp as far as cv_bridge converts it to colour.
BRIDGED_PREFIXES = ('bayer_', 'yuv422', 'uyvy', 'yuyv', 'nv21', 'nv24', '8UC', '16UC', '32FC')
COMPRESSIONS = ('jpeg', 'jpg', 'png')


def is_supported(snapshot: GraphSnapshot, type_name: str, encoding: str) -> bool:
    """Tell whether the suite decodes an encoding, with cv_bridge where it is installed."""
    if type_name == COMPRESSED:
        return any(word in encoding.lower() for word in COMPRESSIONS)
    if encoding in snapshot.native_encodings:
        return True
    return snapshot.has_cv_bridge and encoding.startswith(BRIDGED_PREFIXES)


def check_encoding(snapshot: GraphSnapshot) -> list[Finding]:
    """Name the topics whose encoding nobody here decodes."""
    findings = []
    for stream in snapshot.streams_of(PICTURES):
        encodings = sorted({sample.encoding for sample in stream.samples})
        bad = [e for e in encodings if not is_supported(snapshot, stream.type_name, e)]
        if bad:
            findings.append(_encoding_finding(snapshot, stream, bad[0]))
    return findings


def _encoding_finding(snapshot: GraphSnapshot, stream: Stream, encoding: str) -> Finding:
    """Make it a warning where the camera offers a decodable sibling and nobody reads this."""
    node = next((item.node for item in snapshot.publishers_of(stream.topic)), 'the driver')
    allowed = ', '.join(sorted(snapshot.native_encodings))
    if stream.type_name == COMPRESSED:
        allowed = 'jpeg, png'
    cure = f'set {node} to one of {allowed}'
    if encoding.startswith('bayer_'):
        cure += ', or put image_proc (debayer) between'
    elif stream.type_name == IMAGE:
        cure += ', or install cv_bridge for the encodings it knows'
    is_read = bool(snapshot.subscriptions_of(stream.topic))
    severity = Severity.WARNING if _has_sibling(snapshot, stream) and not is_read else None
    return Finding(
        check='encoding',
        severity=severity or Severity.ERROR,
        subject=stream.topic,
        what=f'encoding {encoding!r} is not decodable here',
        cure=cure,
    )


def _has_sibling(snapshot: GraphSnapshot, stream: Stream) -> bool:
    """Tell whether a topic in the same namespace carries a supported encoding."""
    namespace = stream.topic.rsplit('/', 1)[0]
    return any(
        other.topic.startswith(namespace)
        and is_supported(snapshot, other.type_name, other.samples[0].encoding)
        for other in snapshot.streams_of(PICTURES)
        if other.topic != stream.topic
    )


def loss_fraction(snapshot: GraphSnapshot, stream: Stream) -> float | None:
    """
    Return the share of messages that were published and did not arrive, 0..1.

    The publisher's message numbers tell it between the first and the last arrival; the
    messages of the camera_info beside the image tell it also when nothing arrives any more.
    None where neither is there.
    """
    if len(snapshot.publishers_of(stream.topic)) != 1:
        return None
    shares = []
    numbers = {sample.sequence for sample in stream.samples if sample.sequence}
    if len(numbers) >= 2:
        shares.append(1.0 - len(numbers) / (max(numbers) - min(numbers) + 1))
    expected = max((len(i.samples) for i in _camera_infos(snapshot, stream.topic)), default=0)
    if expected >= MIN_CAMERA_INFOS:
        shares.append(max(0.0, 1.0 - len(stream.samples) / expected))
    return max(shares, default=None)


def _camera_infos(snapshot: GraphSnapshot, topic: str) -> list[Stream]:
    """Return the camera_info streams in the image's namespace."""
    namespace = topic.rsplit('/', 1)[0]
    infos = snapshot.streams_of(frozenset({CAMERA_INFO}))
    return [stream for stream in infos if stream.topic.rsplit('/', 1)[0] == namespace]


def check_shared_memory(snapshot: GraphSnapshot) -> list[Finding]:
    """Name the big images that the publisher's small shared-memory segment loses."""
    findings = []
    for stream in snapshot.streams:
        publishers = [item for item in snapshot.publishers_of(stream.topic) if item.is_local]
        if stream.type_name != IMAGE or stream.reliable or not publishers:
            continue
        size = _size_bytes(snapshot, stream)
        loss = loss_fraction(snapshot, stream)
        segment = segment_bytes(snapshot, publishers[0])
        is_big = size is not None and size > DEFAULT_SEGMENT_BYTES
        if size is not None and is_big and _lost(loss, stream) and (segment or 0) < size:
            words = _loss_words(snapshot, stream, publishers[0], size, loss)
            findings.append(error('shared_memory', stream.topic, words, _segment_cure(size)))
    return findings


def _lost(loss: float | None, stream: Stream) -> bool:
    """Tell whether frames are missing; a lone first frame in seconds counts as loss too."""
    return loss > MAX_LOSS if loss is not None else len(stream.samples) <= 1


def _size_bytes(snapshot: GraphSnapshot, stream: Stream) -> int | None:
    """Return the payload of a picture; before the first one, what its camera_info promises."""
    infos = _camera_infos(snapshot, stream.topic)
    samples = stream.samples or tuple(sample for info in infos for sample in info.samples)
    return int(median(sample.size_bytes for sample in samples)) if samples else None


def segment_bytes(snapshot: GraphSnapshot, publisher: Endpoint) -> int | None:
    """Return the segment that the publisher's process asked for, None when unknown or none."""
    process = snapshot.process_of(publisher)
    return None if process is None else process.segment_bytes


def _loss_words(
    snapshot: GraphSnapshot, stream: Stream, publisher: Endpoint, size: int, loss: float | None
) -> str:
    """State the evidence: share lost, size, and what is known of the publisher's process."""
    share = 'nearly all images are' if loss is None else f'{loss:.0%} of the images are'
    process = snapshot.process_of(publisher)
    if process is None or process.environment is None:
        who = f'the environment of {publisher.node} cannot be read'
    elif process.segment_bytes is None:
        who = f'{publisher.node} (pid {process.process_id}) runs without a shared-memory profile'
    else:
        megabytes = process.segment_bytes / 1e6
        who = f'the segment of {publisher.node} has only {megabytes:.1f} MB'
    return f'{share} lost on the way to best-effort readers: {size / 1e6:.1f} MB each; {who}'


def _segment_cure(size: int) -> str:
    """Name the variable that must stand in the publisher's environment."""
    return (
        'start the publisher with FASTRTPS_DEFAULT_PROFILES_FILE and '
        'FASTDDS_DEFAULT_PROFILES_FILE naming the shipped profile (the launch files do), '
        f'segment ≥ {max(64, 4 * size // 2**20)} MB, or let it offer reliable'
    )
