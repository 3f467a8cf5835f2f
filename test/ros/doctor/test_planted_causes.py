"""Ten causes of silence, each planted in a real graph over DDS, and graphs that are healthy."""

from dataclasses import dataclass

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.slow]

ROLES = ('transforms', 'camera', 'detector', 'reader')
RESULTS = '/detector/detections'
BIG = {'size_wh': (640, 480)}


def graph(**options):
    """Return what makes a healthy graph, with options by role."""
    return tuple((role, options.get(role, {})) for role in ROLES)


def on_simulation_time(*roles):
    return tuple((role, {'sim_time': True}) for role in roles)


HEALTHY = {
    'plain': graph(),
    'simulation': (('clock', {}), *on_simulation_time(*ROLES)),
    'big images with profile': graph(
        camera={**BIG, 'reliable': False, 'large_segment': True}, detector={'reliable': False}
    ),
    'big reliable images without profile': graph(camera=BIG),
}


@dataclass(frozen=True, kw_only=True)
class Cause:
    """
    A graph with one fault, and the one finding that names it.

    :param what: words of the finding.
    :param cure: words of its cure.
    """

    roles: tuple
    finding: tuple
    what: str = ''
    cure: str = ''


def transform_cause(words, **options):
    return Cause(roles=graph(transforms=options), finding=('transforms', '/image'), what=words)


def stamp_cause(offset_s):
    return Cause(
        roles=graph(camera={'stamp_offset_s': offset_s}),
        finding=('stamps', '/image'),
        what=f'{abs(offset_s):.0f}.',
    )


def state_cause(state):
    return Cause(
        roles=(('camera', {}), ('detector', {'state': state})),
        finding=('lifecycle', '/detector'),
        what=state,
        cure='ros2 lifecycle set /detector',
    )


CAUSES = {
    'qos mismatch': Cause(
        roles=graph(camera={'reliable': False}, detector={'reliable': True}),
        finding=('qos', '/image'),
        what='reliability',
        cure='best_effort',
    ),
    'no publisher': Cause(
        roles=(('transforms', {}), ('detector', {'topic': 'front/image'}), ('reader', {})),
        finding=('publisher', '/front/image'),
        what='/detector',
    ),
    'publisher under another name': Cause(
        roles=graph(detector={'topic': 'front/image'}),
        finding=('publisher', '/front/image'),
        cure='-r /front/image:=/image',
    ),
    'node unconfigured': state_cause('unconfigured'),
    'node inactive': state_cause('inactive'),
    'node hung': Cause(
        roles=(('camera', {}), ('detector', {'answers': False})),
        finding=('lifecycle', '/detector'),
        what='does not answer',
    ),
    'transform of no frame': transform_cause('frame unknown', mount=()),
    'transform of another tree': transform_cause(
        'no connection', mount=('mast', 'camera_optical')
    ),
    'transform too late': transform_cause('too new', stamp_offset_s=-3.0),
    'transform too early': transform_cause('too old', stamp_offset_s=20.0),
    'unsupported encoding': Cause(
        roles=graph(camera={'encoding': 'bayer_rggb16'}),
        finding=('encoding', '/image'),
        what='bayer_rggb16',
        cure='rgb8',
    ),
    'sim time without clock': Cause(
        roles=graph(camera={'sim_time': True}),
        finding=('sim_time', '/camera'),
        what='/clock',
        cure='use_sim_time:=false',
    ),
    'old stamps': stamp_cause(-30.0),
    'stamps of the future': stamp_cause(2.0),
    'camera on wall time in a simulation': Cause(
        roles=(('clock', {}), ('camera', {}), *on_simulation_time('detector')),
        finding=('stamps', '/image'),
        cure='use_sim_time:=true',
    ),
    'model that finds nothing': Cause(
        roles=graph(detector={'boxes': 0}),
        finding=('model', RESULTS),
        cure='score_threshold',
    ),
}


@pytest.fixture(scope='module')
def report_of(request, plant_side_by_side):
    """Return the function that gives the report about a graph of the tables by its name."""
    items = (item for item in request.session.items if item.module is request.module)
    names = [item.callspec.params['name'] for item in items if hasattr(item, 'callspec')]
    graphs = {**HEALTHY, **{name: cause.roles for name, cause in CAUSES.items()}}
    return plant_side_by_side({name: graphs[name] for name in names})


def only_finding(code, report):
    """Return the one finding about the graph."""
    findings = [(item['check'], item['subject']) for item in report['graph']]
    assert len(findings) == 1, (findings, report['observed'])
    assert code == 1
    assert report['healthy'] is False
    assert report['graph'][0]['cure']
    return report['graph'][0]


def assert_healthy(code, report, topics):
    assert report['graph'] == [], report['observed']
    assert code == 0, report
    for topic in topics:
        assert report['observed']['messages'][topic] > 10


@pytest.mark.parametrize('name', HEALTHY)
def test_healthy_graph_has_no_false_alarm(report_of, name):
    assert_healthy(*report_of(name), ['/image', RESULTS])


@pytest.mark.parametrize('name', CAUSES)
def test_planted_cause_is_the_one_finding(report_of, name):
    cause = CAUSES[name]
    finding = only_finding(*report_of(name))
    assert (finding['check'], finding['subject']) == cause.finding
    assert cause.what in finding['what']
    assert cause.cure in finding['cure']


def test_shared_memory_loss_of_big_images(plant):
    big = {'size_wh': (1920, 1080), 'reliable': False, 'rate_hz': 20.0}
    plant.start_all(graph(camera=big, detector={'reliable': False}))
    finding = only_finding(*plant.ask_doctor())
    assert (finding['check'], finding['subject']) == ('shared_memory', '/image')
    assert 'without a shared-memory profile' in finding['what']
    assert 'FASTRTPS_DEFAULT_PROFILES_FILE' in finding['cure']


# What follows looks at all domains of this host, where others may have graphs, too: topics that
# nobody else has keep them out of the verdict.


@pytest.fixture
def topic(plant):
    return f'image_of_{plant.domain_id}'


def test_healthy_graph_beside_another_domain_has_no_false_alarm(plant, topic):
    plant.start_all(graph(camera={'topic': topic}, detector={'topic': topic}))
    plant.start('camera', topic=topic, environment=plant.elsewhere)
    code, report = plant.ask_doctor()
    assert_healthy(code, report, [f'/{topic}', RESULTS])
    assert set(report['observed']['nodes']) == {'/camera', '/detector', '/planner', '/robot_state'}
    assert report['observed']['transforms'] > 20


def test_other_domain_holds_the_camera(plant, topic):
    plant.start_all([('detector', {'topic': topic}), ('reader', {})])
    plant.start('camera', topic=topic, environment=plant.elsewhere)
    finding = only_finding(*plant.ask_doctor())
    assert (finding['check'], finding['subject']) == ('domain', f'/{topic}')
    assert f'ROS_DOMAIN_ID={plant.other_domain_id}' in finding['cure']


def test_other_domain_holds_the_detector(plant, topic):
    plant.start('camera', topic=topic)
    plant.start('detector', topic=topic, environment=plant.elsewhere)
    finding = only_finding(*plant.ask_doctor())
    assert (finding['check'], finding['subject']) == ('domain', f'/{topic}')


def test_empty_domain_beside_a_graph(plant):
    plant.start('camera', environment=plant.elsewhere)
    code, report = plant.ask_doctor()
    named = {item['check'] for item in report['graph']}
    assert named == {'domain'}, report['graph']
    assert code == 1
