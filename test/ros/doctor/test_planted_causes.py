"""Ten causes of silence, each planted in a real graph over DDS, and graphs that are healthy."""

import pytest

# Fast DDS on a busy machine now and then takes longer to find a participant than the doctor
# watches; a wrong verdict would fail every time.
pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.flaky(reruns=2)]


def only_finding(plant, *arguments):
    """Ask the doctor; return its one finding about the graph."""
    code, report = plant.ask_doctor(*arguments)
    findings = [(item['check'], item['subject']) for item in report['graph']]
    assert len(findings) == 1, (findings, report['observed'])
    assert code == 1
    assert report['healthy'] is False
    assert report['graph'][0]['cure']
    return report['graph'][0]


def assert_healthy(plant, *topics):
    code, report = plant.ask_doctor()
    assert report['graph'] == [], report['observed']
    assert code == 0, report
    for topic in topics:
        assert report['observed']['messages'][topic] > 10
    return report


def test_healthy_graph_has_no_false_alarm(plant):
    plant.start_healthy()
    report = assert_healthy(plant, '/image', '/detector/detections')
    assert set(report['observed']['nodes']) == {'/camera', '/detector', '/planner', '/robot_state'}
    assert report['observed']['transforms'] > 20


def test_healthy_simulation_has_no_false_alarm(plant):
    plant.start('clock')
    for role in ('transforms', 'camera', 'detector', 'reader'):
        plant.start(role, sim_time=True)
    assert_healthy(plant, '/image', '/detector/detections')


def test_healthy_big_images_with_profile_have_no_false_alarm(plant, large_segment):
    size = {'size_wh': (640, 480), 'reliable': False, 'environment': large_segment}
    plant.start_healthy(camera=size, detector={'reliable': False})
    assert_healthy(plant, '/image')


def test_healthy_big_reliable_images_without_profile_have_no_false_alarm(plant):
    plant.start_healthy(camera={'size_wh': (640, 480)})
    assert_healthy(plant, '/image')


def test_healthy_graph_beside_another_domain_has_no_false_alarm(plant):
    plant.start_healthy()
    plant.start('camera', environment={'ROS_DOMAIN_ID': str(plant.other_domain_id)})
    assert_healthy(plant, '/image', '/detector/detections')


def test_qos_mismatch(plant):
    plant.start_healthy(camera={'reliable': False}, detector={'reliable': True})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('qos', '/image')
    assert 'reliability' in finding['what']
    assert 'best_effort' in finding['cure']


def test_no_publisher(plant):
    plant.start('transforms')
    plant.start('detector', topic='front/image')
    plant.start('reader')
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('publisher', '/front/image')
    assert '/detector' in finding['what']


def test_publisher_under_another_name(plant):
    plant.start_healthy(detector={'topic': 'front/image'})
    finding = only_finding(plant)
    assert finding['check'] == 'publisher'
    assert '-r /front/image:=/image' in finding['cure']


@pytest.mark.parametrize('state', ['unconfigured', 'inactive'])
def test_node_not_active(plant, state):
    plant.start('camera')
    plant.start('detector', state=state)
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('lifecycle', '/detector')
    assert state in finding['what']
    assert 'ros2 lifecycle set /detector' in finding['cure']


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'mount': ()}, 'frame unknown'),
        ({'mount': ('mast', 'camera_optical')}, 'no connection'),
        ({'stamp_offset_s': -3.0}, 'too new'),
        ({'stamp_offset_s': 20.0}, 'too old'),
    ],
)
def test_transform_missing_at_the_stamp(plant, options, words):
    plant.start_healthy(transforms=options)
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('transforms', '/image')
    assert words in finding['what']


def test_unsupported_encoding(plant):
    plant.start_healthy(camera={'encoding': 'bayer_rggb16'})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('encoding', '/image')
    assert 'bayer_rggb16' in finding['what']
    assert 'rgb8' in finding['cure']


def test_sim_time_without_clock(plant):
    plant.start_healthy(camera={'sim_time': True})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('sim_time', '/camera')
    assert '/clock' in finding['what']
    assert 'use_sim_time:=false' in finding['cure']


@pytest.mark.parametrize('offset_s', [-30.0, 2.0])
def test_stamp_skew(plant, offset_s):
    plant.start_healthy(camera={'stamp_offset_s': offset_s})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('stamps', '/image')
    assert f'{abs(offset_s):.0f}.' in finding['what']


def test_camera_on_wall_time_in_a_simulation(plant):
    plant.start('clock')
    plant.start('camera')
    plant.start('detector', sim_time=True)
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('stamps', '/image')
    assert 'use_sim_time:=true' in finding['cure']


def test_shared_memory_loss_of_big_images(plant):
    big = {'size_wh': (1920, 1080), 'reliable': False, 'rate_hz': 20.0}
    plant.start_healthy(camera=big, detector={'reliable': False})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('shared_memory', '/image')
    assert 'without a shared-memory profile' in finding['what']
    assert 'FASTRTPS_DEFAULT_PROFILES_FILE' in finding['cure']


def test_model_that_finds_nothing(plant):
    plant.start_healthy(detector={'boxes': 0})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('model', '/detector/detections')
    assert 'score_threshold' in finding['cure']


def test_other_domain_holds_the_camera(plant):
    plant.start('detector')
    plant.start('reader')
    plant.start('camera', environment={'ROS_DOMAIN_ID': str(plant.other_domain_id)})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('domain', '/image')
    assert f'ROS_DOMAIN_ID={plant.other_domain_id}' in finding['cure']


def test_other_domain_holds_the_detector(plant):
    plant.start('camera')
    plant.start('detector', environment={'ROS_DOMAIN_ID': str(plant.other_domain_id)})
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('domain', '/image')


def test_empty_domain_beside_a_graph(plant):
    plant.start('camera', environment={'ROS_DOMAIN_ID': str(plant.other_domain_id)})
    code, report = plant.ask_doctor()
    named = {item['check'] for item in report['graph']}
    assert named == {'domain'}, report['graph']
    assert code == 1


def test_hung_node(plant):
    plant.start('camera')
    plant.start('detector', answers=False)
    finding = only_finding(plant)
    assert (finding['check'], finding['subject']) == ('lifecycle', '/detector')
    assert 'does not answer' in finding['what']
