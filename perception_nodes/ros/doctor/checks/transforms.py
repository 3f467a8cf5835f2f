"""Transforms that are missing at the image's stamp."""

from __future__ import annotations

from perception_nodes.ros.doctor.checks.clocks import nodes_without_clock, skewed_topics
from perception_nodes.ros.doctor.finding import Finding, error
from perception_nodes.ros.doctor.snapshot import PICTURES, GraphSnapshot, Sample, Stream
from perception_nodes.ros.doctor.transform_tree import PATIENCE_S, Edge, Missing, TransformTree

TF_TOPICS = frozenset({'/tf', '/tf_static'})
# A few frames without a transform while a graph starts up are normal.
MAX_MISSING_FRACTION = 0.2


def has_consumers(snapshot: GraphSnapshot) -> bool:
    """Tell whether somebody listens to transforms."""
    return any(endpoint.topic in TF_TOPICS for endpoint in snapshot.subscriptions)


def check_transforms(snapshot: GraphSnapshot) -> list[Finding]:
    """Name the images whose frame cannot be placed on the robot at their stamp."""
    if nodes_without_clock(snapshot):
        return []  # everything is stamped 0 then, and that cause is named
    skewed = skewed_topics(snapshot)
    findings = []
    for stream in snapshot.streams_of(PICTURES):
        if stream.topic not in skewed:
            findings += _stream_findings(snapshot, stream)
    return findings


def _stream_findings(snapshot: GraphSnapshot, stream: Stream) -> list[Finding]:
    """Check one camera against every target frame that exists."""
    tree = TransformTree(snapshot.transforms)
    frame = stream.samples[-1].frame_id
    if not tree.edges:
        is_published = any(endpoint.topic in TF_TOPICS for endpoint in snapshot.publishers)
        return _no_tree(snapshot, stream) if has_consumers(snapshot) and not is_published else []
    targets = [target for target in snapshot.target_frames if target in tree.frames]
    if not targets:
        return _no_target(snapshot, stream) if has_consumers(snapshot) else []
    for target in targets:
        words = _frame_words(tree, target, frame) or _stamp_words(
            snapshot, tree, target, stream.samples
        )
        if words is not None:
            return [error('transforms', stream.topic, *words)]
    return []


def _no_tree(snapshot: GraphSnapshot, stream: Stream) -> list[Finding]:
    """Say that consumers wait and nobody publishes a transform."""
    consumers = sorted({e.node for e in snapshot.subscriptions if e.topic in TF_TOPICS})
    what = f'{", ".join(consumers)} needs transforms, but nobody publishes /tf or /tf_static'
    cure = 'start robot_state_publisher (or a static_transform_publisher) and the odometry'
    return [error('transforms', stream.topic, what, cure)]


def _no_target(snapshot: GraphSnapshot, stream: Stream) -> list[Finding]:
    """Say that none of the target frames exists."""
    wanted = ' or '.join(snapshot.target_frames)
    what = f'no frame {wanted} in the transform tree (frame unknown)'
    cure = f'publish a transform from {snapshot.target_frames[0]}, or name yours: --target-frame'
    return [error('transforms', stream.topic, what, cure)]


def _frame_words(tree: TransformTree, target: str, frame: str) -> tuple[str, str] | None:
    """Say why two frames can never be connected; None when they can."""
    if not frame:
        return 'header.frame_id is empty', "set the driver's frame_id to the optical frame"
    missing = tree.missing_frames(target, frame)
    if missing is Missing.FRAME_UNKNOWN:
        if frame.startswith('/'):
            return f'frame unknown: {frame!r} begins with a slash', f'use {frame[1:]!r}'
        known = ', '.join(sorted(tree.frames)[:6])
        what = f'frame unknown: {frame!r} is in no transform (known: {known})'
        return what, _static_transform(target, frame)
    if missing is Missing.NOT_CONNECTED:
        root = tree.root(frame)
        what = f'no connection: {frame!r} hangs under {root!r}, not under {target!r}'
        return what, _static_transform(target, root)
    return None


def _static_transform(parent: str, child: str) -> str:
    """Return the command that connects two frames."""
    return (
        f'ros2 run tf2_ros static_transform_publisher --frame-id {parent} '
        f'--child-frame-id {child} --x … (or add the joint to the URDF)'
    )


def _stamp_words(
    snapshot: GraphSnapshot, tree: TransformTree, target: str, samples: tuple[Sample, ...]
) -> tuple[str, str] | None:
    """Say why the transform is not there at the stamps; None when it is."""
    path = tree.path(target, samples[-1].frame_id) or []
    judged = [s for s in samples if s.received_s <= snapshot.ended_s - PATIENCE_S]
    for edge in path:
        missing = [(s, tree.missing_at(edge, s.stamp_s, s.received_s)) for s in judged]
        failed = [(sample, reason) for sample, reason in missing if reason is not None]
        if failed and len(failed) > MAX_MISSING_FRACTION * len(judged):
            return _extrapolation_words(edge, failed[-1][0], failed[-1][1], len(judged))
    return None


def _extrapolation_words(
    edge: Edge, sample: Sample, reason: Missing | None, judged: int
) -> tuple[str, str]:
    """Say by how much an edge misses the stamp."""
    lag_s = edge.lag_s(sample.stamp_s, sample.received_s)
    name = f'{edge.parent} → {edge.child}'
    if reason is Missing.TOO_OLD:
        what = f'too old: image stamp is {-lag_s:.1f} s before the newest transform {name}'
        return what, 'raise the rate of the images or the cache length of the TF buffer'
    what = f'too new: the newest transform {name} is {lag_s:.1f} s older than the image stamp'
    cure = (
        f'let the publisher of {name} stamp with the clock of the camera and keep publishing '
        '(use_sim_time equal everywhere, clocks synchronised)'
    )
    return f'{what} ({judged} images judged)', cure
