"""Each cause on a hand-made snapshot: named alone, with its cure; healthy graphs stay quiet."""

from dataclasses import replace

import pytest

from perception_nodes.ros.doctor.checks import CHECKS, examine
from perception_nodes.ros.doctor.checks.connection import qos_conflicts
from perception_nodes.ros.doctor.finding import Finding, Severity
from perception_nodes.ros.doctor.snapshot import (
    COMPRESSED,
    DETECTIONS_2D,
    IMAGE,
    ClockSample,
    Diagnosis,
    DomainView,
    Endpoint,
    GraphSnapshot,
    Lifecycle,
    NodeState,
    ProcessState,
    Qos,
    Stream,
)


def only_error(findings):
    errors = [item for item in findings if item.severity is Severity.ERROR]
    assert len(errors) == 1, [f'{e.check}: {e.subject}: {e.what}' for e in errors]
    return errors[0]


def test_empty_snapshot_has_no_findings():
    assert examine(GraphSnapshot()) == []


def test_healthy_graph_has_no_findings(graph):
    assert examine(graph.healthy) == []


def test_healthy_graph_without_transforms_has_no_findings(graph):
    assert examine(replace(graph.healthy, transforms=())) == []


def test_finding_without_cure_is_refused():
    with pytest.raises(ValueError, match='no cure'):
        Finding(check='qos', severity=Severity.ERROR, subject='/image', what='nothing')


# --- QoS ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('offered', 'requested', 'words'),
    [
        (Qos(), Qos(), []),
        (Qos(), Qos(reliable=False), []),
        (Qos(transient_local=True), Qos(), []),
        (Qos(reliable=False), Qos(), ['reliability']),
        (Qos(), Qos(transient_local=True), ['durability']),
        (Qos(reliable=False), Qos(transient_local=True), ['reliability', 'durability']),
        (Qos(), Qos(deadline_s=0.1), ['deadline']),
        (Qos(deadline_s=0.1), Qos(deadline_s=0.1), []),
        (Qos(deadline_s=0.2), Qos(deadline_s=0.1), ['deadline']),
        (Qos(deadline_s=0.05), Qos(), []),
        (Qos(), Qos(manual_liveliness=True), ['liveliness']),
        (Qos(lease_s=2.0), Qos(lease_s=1.0), ['lease']),
    ],
)
def test_qos_conflicts(offered, requested, words):
    assert [text.split(':')[0] for text in qos_conflicts(offered, requested)] == words


def test_qos_mismatch_is_named_with_the_override(graph):
    broken = graph.with_endpoint('publishers', '/image', qos=Qos(reliable=False))
    finding = only_error(examine(broken))
    assert (finding.check, finding.subject) == ('qos', '/image')
    assert 'best effort' in finding.what
    assert 'qos_overrides./image.subscription.reliability:=best_effort' in finding.cure


def test_type_mismatch_is_no_qos_mismatch(graph):
    broken = graph.with_endpoint('subscriptions', '/image', type_name=COMPRESSED)
    assert only_error(examine(broken)).check == 'types'


# --- publisher and domain ----------------------------------------------------------------------


def without_camera(graph):
    broken = graph.without('publishers', '/image')
    streams = tuple(item for item in broken.streams if item.topic != '/image')
    return replace(broken, streams=streams)


def test_missing_publisher_is_named(graph):
    finding = only_error(examine(without_camera(graph)))
    assert (finding.check, finding.subject) == ('publisher', '/image')
    assert '/detector' in finding.what
    assert 'camera_node' in finding.cure


def test_missing_publisher_with_a_similar_topic_proposes_the_remapping(graph):
    broken = graph.with_endpoint('publishers', '/image', topic='/front/image_raw')
    broken = graph.with_stream('/image', broken, topic='/front/image_raw')
    finding = only_error(examine(broken))
    assert finding.check == 'publisher'
    assert '-r /image:=/front/image_raw' in finding.cure


def test_missing_publisher_with_an_idle_node_proposes_to_activate_it(graph):
    idle = NodeState(name='/webcam', lifecycle=Lifecycle.UNCONFIGURED)
    broken = without_camera(graph)
    findings = examine(replace(broken, nodes=(*broken.nodes, idle)))
    assert {item.check for item in findings} == {'publisher', 'lifecycle'}
    assert any('/webcam' in item.cure for item in findings if item.check == 'publisher')


def test_unread_topics_of_other_types_may_lack_a_publisher(graph):
    command = Endpoint(topic='/cmd_vel', type_name='geometry_msgs/msg/Twist', node='/base')
    subscriptions = (*graph.healthy.subscriptions, command)
    assert examine(replace(graph.healthy, subscriptions=subscriptions)) == []


def test_publisher_on_another_domain_is_named_instead_of_no_publisher(graph):
    view = DomainView(domain_id=42, nodes=('/camera',), published={'/image': IMAGE})
    finding = only_error(examine(replace(without_camera(graph), other_domains=(view,))))
    assert (finding.check, finding.subject) == ('domain', '/image')
    assert 'ROS_DOMAIN_ID=42' in finding.cure


def test_reader_on_another_domain_is_named(graph):
    view = DomainView(domain_id=42, nodes=('/detector',), subscribed={'/image': IMAGE})
    broken = graph.without('subscriptions', '/image')
    finding = only_error(examine(replace(broken, other_domains=(view,))))
    assert (finding.check, finding.subject) == ('domain', '/image')


def test_strangers_on_another_domain_do_not_matter_where_a_detector_runs(graph):
    unread = Endpoint(topic='/rear/image', type_name=IMAGE, node='/rear')
    view = DomainView(domain_id=42, nodes=('/x',), subscribed={'/rear/image': IMAGE})
    publishers = (*graph.healthy.publishers, unread)
    assert examine(replace(graph.healthy, publishers=publishers, other_domains=(view,))) == []


def test_whole_graph_on_another_domain_is_named():
    view = DomainView(domain_id=3, nodes=('/camera', '/a', '/b', '/c'), published={'/i': IMAGE})
    finding = only_error(examine(GraphSnapshot(domain_id=7, other_domains=(view,))))
    assert (finding.check, finding.subject) == ('domain', 'domain 7')
    assert 'ROS_DOMAIN_ID=3' in finding.cure


def test_other_domain_beside_a_healthy_graph_is_left_alone(graph):
    view = DomainView(
        domain_id=42, nodes=('/camera',), published={'/image': IMAGE}, subscribed={'/image': IMAGE}
    )
    assert examine(replace(graph.healthy, other_domains=(view,))) == []


# --- lifecycle ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('state', 'word'),
    [
        (Lifecycle.UNCONFIGURED, 'configure'),
        (Lifecycle.INACTIVE, 'activate'),
        (Lifecycle.FINALIZED, 'restart'),
        (Lifecycle.TRANSITION, 'log'),
        (Lifecycle.NO_ANSWER, 'restart'),
    ],
)
def test_node_that_is_not_active_is_named(graph, state, word):
    nodes = (graph.healthy.nodes[0], NodeState(name='/detector', lifecycle=state))
    finding = only_error(examine(replace(graph.healthy, nodes=nodes)))
    assert (finding.check, finding.subject) == ('lifecycle', '/detector')
    assert word in finding.cure


# --- clocks ------------------------------------------------------------------------------------


def simulated(graph, clock_s=lambda received_s: received_s - 1_794_999_000, **changes):
    """Return the healthy graph on simulation time."""
    offset = {'stamp_s': lambda r: clock_s(r) - 0.02, 'clock_s': clock_s, **changes}
    snapshot = replace(graph.with_images(**offset), transforms=())
    infos = graph.samples(**offset)
    snapshot = graph.with_stream('/camera_info', snapshot, samples=infos)
    results = graph.samples(**{**offset, 'count': 1})
    snapshot = graph.with_stream('/detector/detections', snapshot, samples=results)
    nodes = tuple(replace(node, use_sim_time=True) for node in snapshot.nodes)
    ticks = [graph.start_s + index / 100 for index in range(500)]
    clock = tuple(ClockSample(received_s=tick, clock_s=clock_s(tick)) for tick in ticks)
    return replace(snapshot, nodes=nodes, clock=clock)


def test_healthy_simulation_has_no_findings(graph):
    assert examine(simulated(graph)) == []


def test_fast_simulation_with_coarse_clock_has_no_findings(graph):
    def clock_s(received_s):
        return 10.0 * int((received_s - graph.start_s) * 10) / 10

    ticks = [graph.start_s + index / 10 for index in range(50)]
    clock = tuple(ClockSample(received_s=tick, clock_s=clock_s(tick + 1e-3)) for tick in ticks)
    changes = {'stamp_s': lambda r: clock_s(r) - 0.6}
    assert examine(replace(simulated(graph, clock_s, **changes), clock=clock)) == []


def test_sim_time_without_clock_is_named_and_its_zero_stamps_are_not(graph):
    nodes = tuple(replace(node, use_sim_time=True) for node in graph.healthy.nodes[:1])
    broken = replace(graph.with_images(stamp_s=0.0), nodes=nodes)
    finding = only_error(examine(broken))
    assert (finding.check, finding.subject) == ('sim_time', '/camera')
    assert '/clock' in finding.what
    assert 'use_sim_time:=false' in finding.cure


def test_silent_clock_is_named_with_its_publisher(graph):
    clock = Endpoint(topic='/clock', type_name='rosgraph_msgs/msg/Clock', node='/sim')
    nodes = (replace(graph.healthy.nodes[0], use_sim_time=True), graph.healthy.nodes[1])
    publishers = (*graph.healthy.publishers, clock)
    finding = only_error(examine(replace(graph.healthy, nodes=nodes, publishers=publishers)))
    assert 'resume or restart /sim' in finding.cure


@pytest.mark.parametrize('offset_s', [-3600.0, -2.0, 2.0])
def test_stamp_skew_is_named_with_its_size(graph, offset_s):
    finding = only_error(examine(graph.with_images(stamp_s=lambda r: r + offset_s)))
    assert (finding.check, finding.subject) == ('stamps', '/image')
    assert f'{abs(offset_s):.1f} s' in finding.what


@pytest.mark.parametrize('offset_s', [-0.3, 0.0, 0.05])
def test_small_offsets_are_no_skew(graph, offset_s):
    assert examine(graph.with_images(stamp_s=lambda r: r + offset_s)) == []


def test_stamps_of_zero_are_named(graph):
    assert 'zero' in only_error(examine(graph.with_images(stamp_s=0.0))).what


def test_wall_stamps_in_a_simulation_are_skewed(graph):
    broken = simulated(graph, stamp_s=lambda r: r)
    finding = only_error(examine(broken))
    assert finding.check == 'stamps'
    assert 'use_sim_time:=true' in finding.cure


def test_clock_of_another_machine_is_named(graph):
    broken = graph.with_images(stamp_s=lambda r: r - 3, source_s=lambda r: r - 2.99)
    broken = graph.with_endpoint('publishers', '/image', broken, is_local=False, process_id=None)
    assert 'chrony' in only_error(examine(broken)).cure


def test_camera_info_with_other_stamps_is_named(graph):
    broken = graph.with_stream('/camera_info', samples=graph.samples(stamp_s=lambda r: r - 4))
    finding = only_error(examine(broken))
    assert (finding.check, finding.subject) == ('stamps', '/image')
    assert 'camera_info' in finding.what


def test_slow_detector_that_copies_stamps_is_no_skew(graph):
    late = tuple(
        replace(sample, received_s=sample.received_s + 1.5, count=1)
        for sample in graph.samples()[::15]
    )
    assert examine(graph.with_stream('/detector/detections', samples=late)) == []


def test_detections_with_stamps_of_their_own_are_named(graph):
    own = graph.samples(stamp_s=lambda r: r - 7.003, count=1)
    finding = only_error(examine(graph.with_stream('/detector/detections', samples=own)))
    assert (finding.check, finding.subject) == ('stamps', '/detector/detections')
    assert 'header' in finding.cure


# --- pictures ----------------------------------------------------------------------------------


def test_unsupported_encoding_is_named_with_the_supported_ones(graph):
    finding = only_error(examine(graph.with_images(encoding='bayer_rggb8')))
    assert (finding.check, finding.subject) == ('encoding', '/image')
    assert 'bayer_rggb8' in finding.what
    assert 'rgb8' in finding.cure
    assert 'debayer' in finding.cure


def test_encoding_that_cv_bridge_knows_passes_where_it_is_installed(graph):
    snapshot = graph.with_images(encoding='bayer_rggb8')
    assert examine(replace(snapshot, has_cv_bridge=True)) == []


@pytest.mark.parametrize(
    ('encoding', 'is_fine'), [('jpeg', True), ('rgb8; png compressed bgr8', True), ('h264', False)]
)
def test_compressed_formats(graph, encoding, is_fine):
    snapshot = graph.with_endpoint('publishers', '/image', type_name=COMPRESSED)
    snapshot = graph.with_endpoint('subscriptions', '/image', snapshot, type_name=COMPRESSED)
    changed = graph.samples(encoding=encoding)
    snapshot = graph.with_stream('/image', snapshot, type_name=COMPRESSED, samples=changed)
    assert (examine(snapshot) == []) is is_fine


def test_unread_raw_bayer_beside_a_colour_topic_is_only_a_warning(graph):
    raw = Endpoint(topic='/image_bayer', type_name=IMAGE, node='/camera')
    stream = Stream(
        topic=raw.topic, type_name=IMAGE, samples=graph.samples(encoding='bayer_rggb8')
    )
    healthy = graph.healthy
    snapshot = replace(
        healthy, publishers=(*healthy.publishers, raw), streams=(*healthy.streams, stream)
    )
    assert [item.severity for item in examine(snapshot)] == [Severity.WARNING]


def lossy(graph, segment_bytes=None, environment=None, keep_every=5):
    """Return big best-effort images of which few arrive."""
    qos = Qos(reliable=False)
    snapshot = graph.with_endpoint('publishers', '/image', qos=qos)
    snapshot = graph.with_endpoint('subscriptions', '/image', snapshot, qos=qos)
    few = graph.samples()[::keep_every]
    snapshot = graph.with_stream('/image', snapshot, samples=few, reliable=False)
    process = ProcessState(
        process_id=graph.camera_pid, environment=environment, segment_bytes=segment_bytes
    )
    return replace(snapshot, processes=(process,))


def test_loss_of_big_images_is_named_with_the_profile(graph):
    finding = only_error(examine(lossy(graph, environment={})))
    assert (finding.check, finding.subject) == ('shared_memory', '/image')
    assert 'without a shared-memory profile' in finding.what
    assert '0.9 MB' in finding.what
    assert 'FASTRTPS_DEFAULT_PROFILES_FILE' in finding.cure


def test_loss_from_a_process_of_somebody_else_is_named_too(graph):
    assert 'cannot be read' in only_error(examine(lossy(graph))).what


def test_segment_smaller_than_the_image_is_named(graph):
    finding = only_error(examine(lossy(graph, segment_bytes=600_000, environment={})))
    assert '0.6 MB' in finding.what


def test_loss_with_a_large_segment_is_not_blamed_on_shared_memory(graph):
    assert examine(lossy(graph, segment_bytes=64 << 20, environment={})) == []


def test_big_images_that_all_arrive_need_no_profile(graph):
    assert examine(lossy(graph, environment={}, keep_every=1)) == []


def test_small_images_are_never_lost_in_shared_memory(graph):
    snapshot = lossy(graph, environment={})
    small = tuple(replace(s, size_bytes=230_400) for s in snapshot.streams[0].samples)
    assert examine(graph.with_stream('/image', snapshot, samples=small)) == []


def test_burst_that_dries_up_is_loss(graph):
    snapshot = lossy(graph, environment={})
    burst = graph.samples()[:20]
    assert only_error(examine(graph.with_stream('/image', snapshot, samples=burst))).check == (
        'shared_memory'
    )


def test_no_image_at_all_beside_a_camera_info_is_loss(graph):
    snapshot = lossy(graph, environment={})
    finding = only_error(examine(graph.with_stream('/image', snapshot, samples=())))
    assert finding.check == 'shared_memory'


# --- transforms --------------------------------------------------------------------------------


def with_transform_consumer(graph, **changes):
    consumer = Endpoint(topic='/tf', type_name='tf2_msgs/msg/TFMessage', node='/mapper')
    healthy = graph.healthy
    return replace(healthy, subscriptions=(*healthy.subscriptions, consumer), **changes)


def only_transform_error(snapshot):
    finding = only_error(examine(snapshot))
    assert (finding.check, finding.subject) == ('transforms', '/image')
    return finding


def test_unknown_frame_is_named(graph):
    broken = replace(graph.healthy, transforms=graph.transforms()[:-1])
    finding = only_transform_error(broken)
    assert 'frame unknown' in finding.what
    assert '--child-frame-id camera_optical' in finding.cure


def test_two_trees_are_named(graph):
    finding = only_transform_error(
        replace(graph.healthy, transforms=graph.transforms(camera_parent='mast'))
    )
    assert 'no connection' in finding.what
    assert '--child-frame-id mast' in finding.cure


def test_transform_behind_the_images_is_named_with_its_lag(graph):
    finding = only_transform_error(
        replace(graph.healthy, transforms=graph.transforms(stamp_offset_s=-3.0))
    )
    assert 'too new' in finding.what
    assert 'odom → base_link is 3.' in finding.what


def test_transform_far_ahead_of_the_images_is_named(graph):
    finding = only_transform_error(
        replace(graph.healthy, transforms=graph.transforms(stamp_offset_s=20.0))
    )
    assert 'too old' in finding.what


def test_transform_that_arrives_a_little_late_is_fine(graph):
    transforms = graph.transforms(stamp_offset_s=-0.2)
    assert examine(replace(graph.healthy, transforms=transforms)) == []


def test_transform_that_stops_is_named(graph):
    transforms = graph.transforms()
    kept = tuple(t for t in transforms if t.is_static or t.received_s < graph.start_s + 2)
    assert 'too new' in only_transform_error(replace(graph.healthy, transforms=kept)).what


def test_leading_slash_is_named(graph):
    finding = only_transform_error(graph.with_images(frame_id='/camera_optical'))
    assert 'slash' in finding.what


def test_empty_frame_id_is_named(graph):
    assert 'empty' in only_transform_error(graph.with_images(frame_id='')).what


def test_consumer_without_any_transform_is_named(graph):
    finding = only_transform_error(with_transform_consumer(graph, transforms=()))
    assert '/mapper' in finding.what


def test_consumer_without_target_frame_is_named(graph):
    camera_only = (replace(graph.transforms()[-1], parent='camera_link'),)
    finding = only_transform_error(with_transform_consumer(graph, transforms=camera_only))
    assert 'base_link' in finding.what


def test_camera_tree_alone_is_fine_while_nobody_listens(graph):
    camera_only = (replace(graph.transforms()[-1], parent='camera_link'),)
    assert examine(replace(graph.healthy, transforms=camera_only)) == []


def test_skewed_stamps_are_not_blamed_on_transforms_too(graph):
    assert only_error(examine(graph.with_images(stamp_s=lambda r: r + 30))).check == 'stamps'


# --- results -----------------------------------------------------------------------------------


def test_model_that_finds_nothing_is_named(graph):
    empty = graph.samples(count=0)
    finding = only_error(examine(graph.with_stream('/detector/detections', samples=empty)))
    assert (finding.check, finding.subject) == ('model', '/detector/detections')
    assert 'score_threshold' in finding.cure


def test_empty_ground_truth_of_a_simulator_is_fine(graph):
    truth = Endpoint(topic='/truth', type_name=DETECTIONS_2D, node='/camera')
    stream = Stream(topic='/truth', type_name=DETECTIONS_2D, samples=graph.samples(count=0))
    healthy = graph.healthy
    snapshot = replace(
        healthy, publishers=(*healthy.publishers, truth), streams=(*healthy.streams, stream)
    )
    assert examine(snapshot) == []


def test_empty_results_of_a_node_without_image_topic_count_too(graph):
    empty = graph.samples(count=0)
    broken = graph.with_stream('/detector/detections', samples=empty)
    assert only_error(examine(graph.without('subscriptions', '/image', broken))).check == 'model'


def test_one_box_in_the_window_is_enough(graph):
    results = list(graph.samples(count=0))
    results[40] = replace(results[40], count=1)
    snapshot = graph.with_stream('/detector/detections', samples=tuple(results))
    assert examine(snapshot) == []


def test_two_empty_results_are_too_few_to_blame_the_model(graph):
    empty = graph.samples(count=0)[:2]
    assert examine(graph.with_stream('/detector/detections', samples=empty)) == []


def test_silent_camera_is_a_symptom(graph):
    snapshot = graph.with_stream('/image', samples=())
    assert only_error(examine(snapshot)).check == 'silent_publisher'


def test_silent_detector_is_a_symptom(graph):
    snapshot = graph.with_stream('/detector/detections', samples=())
    assert only_error(examine(snapshot)).check == 'silent_detector'


def test_symptoms_keep_quiet_beside_a_cause(graph):
    snapshot = graph.with_stream('/detector/detections', samples=())
    snapshot = graph.with_endpoint('publishers', '/image', snapshot, qos=Qos(reliable=False))
    assert only_error(examine(snapshot)).check == 'qos'


def test_diagnostics_at_error_level_are_repeated_as_warning(graph):
    status = Diagnosis(name='/detector', level=2, message='GPU lost', values={'device': 'cuda'})
    findings = examine(replace(graph.healthy, diagnostics=(status,)))
    assert [(item.severity, item.what) for item in findings] == [(Severity.WARNING, 'GPU lost')]
    assert 'device=cuda' in findings[0].cure


def test_every_check_bears_its_own_name(graph):
    assert {name for name in CHECKS} >= {'qos', 'publisher', 'lifecycle', 'transforms'}
