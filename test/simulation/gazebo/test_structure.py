"""The generated SDF and URDF are sound by rules of their own, without any library of Gazebo."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from perception_nodes.simulation import load_course
from perception_nodes.simulation.course_file import course_files
from perception_nodes.simulation.gazebo import GazeboRelease, export_course, standing_scene
from perception_nodes.simulation.gazebo.robot_urdf import robot_urdf

RELEASES = tuple(GazeboRelease)
NAMED = ('world', 'model', 'link', 'joint', 'visual', 'collision', 'sensor', 'light')
# Systems of gz-sim 8 and ign-gazebo 6 that are used here; both build a library of each.
SYSTEMS = {
    'physics': 'Physics',
    'user-commands': 'UserCommands',
    'scene-broadcaster': 'SceneBroadcaster',
    'sensors': 'Sensors',
    'contact': 'Contact',
    'diff-drive': 'DiffDrive',
    'ackermann-steering': 'AckermannSteering',
    'joint-state-publisher': 'JointStatePublisher',
}
FILES = {'fortress': 'ignition-gazebo-{}-system', 'harmonic': 'gz-sim-{}-system'}
CLASSES = {'fortress': 'ignition::gazebo::systems::', 'harmonic': 'gz::sim::systems::'}
POSITIVE = ('size', 'radius', 'length', 'radii', 'mass', 'height', 'max_step_size')


def numbers(text: str | None) -> list[float]:
    """Return the numbers of an element; what is no number becomes NaN."""
    found = []
    for word in (text or '').split():
        try:
            found.append(float(word))
        except ValueError:
            found.append(math.nan)
    return found


def naming_problems(root: Element) -> Iterator[str]:
    """Yield siblings that share a name, as SDF forbids for all kinds of things alike."""
    for parent in root.iter():
        names = [child.get('name') for child in parent if child.tag in NAMED]
        if None in names or '' in names:
            yield f'{parent.tag}: a child without a name'
        for name in {name for name in names if names.count(name) > 1}:
            yield f'{parent.tag} {parent.get("name")}: two are called {name}'


def number_problems(root: Element) -> Iterator[str]:
    """Yield poses that are not six finite numbers, and sizes that are not positive."""
    for element in root.iter():
        values = numbers(element.text)
        if element.tag == 'pose' and not (len(values) == 6 and all(map(math.isfinite, values))):
            yield f'pose {element.text}'
        if element.tag in POSITIVE and not (values and all(0 < v < math.inf for v in values)):
            yield f'{element.tag} {element.text}'


def moments_problems(moments: dict[str, float], name: str) -> Iterator[str]:
    """Yield moments of inertia that no body can have."""
    least, middle, most = sorted(moments[key] for key in ('ixx', 'iyy', 'izz'))
    if not 0 < least <= middle <= most < math.inf:
        yield f'{name}: inertia is not positive'
    if most > (least + middle) * 1.001:
        yield f'{name}: inertia breaks the triangle inequality'
    if any(moments[key] for key in ('ixy', 'ixz', 'iyz')):
        yield f'{name}: products of inertia about principal axes'


def robot_problems(model: Element) -> Iterator[str]:
    """Yield joints that lead nowhere, links that float, and impossible bodies."""
    links = {link.get('name') for link in model.findall('link')}
    parents = {}
    for joint in model.findall('joint'):
        parent, child = joint.findtext('parent'), joint.findtext('child')
        parents[child] = parent
        if not {parent, child} <= links:
            yield f'joint {joint.get("name")} joins {parent} and {child}'
        axis = joint.find('axis')
        if axis is not None:
            length = math.hypot(*numbers(axis.findtext('xyz')))
            if abs(length - 1) > 1e-6:
                yield f'axis of {joint.get("name")} is {length} long'
            if not float(axis.findtext('limit/lower')) < float(axis.findtext('limit/upper')):
                yield f'limits of {joint.get("name")}'
    if links - parents.keys() != {'base_link'}:
        yield f'links without a parent: {sorted(links - parents.keys())}'
    for link in model.findall('link'):
        pose = link.find('pose')
        if pose is not None and pose.get('relative_to') not in {*links, None}:
            yield f'{link.get("name")} is placed in {pose.get("relative_to")}'
        moments = {m.tag: float(m.text) for m in link.find('inertial/inertia')}
        yield from moments_problems(moments, link.get('name'))


def plugin_problems(root: Element, release: GazeboRelease) -> Iterator[str]:
    """Yield plugins that the release does not have."""
    known = {
        (FILES[release.value].format(stem), CLASSES[release.value] + name)
        for stem, name in SYSTEMS.items()
    }
    for plugin in root.iter('plugin'):
        pair = (plugin.get('filename'), plugin.get('name'))
        if pair not in known:
            yield f'plugin {pair}'


def problems_of(root: Element, release: GazeboRelease) -> list[str]:
    """Return everything that is wrong with a world or a robot."""
    found = [*naming_problems(root), *number_problems(root), *plugin_problems(root, release)]
    robots = root.findall(".//model[@name='perception_robot']")
    if len(robots) != 1:
        return [*found, f'{len(robots)} robots']
    return [*found, *robot_problems(robots[0])]


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function from course and release to the world, written once."""
    made = {}

    def export(course: str, release: GazeboRelease) -> Path:
        if (course, release) not in made:
            folder = tmp_path_factory.mktemp(f'{course}_{release.value}')
            made[course, release] = export_course(standing_scene(course), release, folder)
        return made[course, release]

    return export


def test_all_courses_are_tried():
    assert len(course_files()) >= 7
    assert {load_course(name).robot.kind for name in course_files()} == {
        'differential', 'ackermann',
    }  # fmt: skip


@pytest.mark.parametrize('release', RELEASES, ids=lambda item: item.value)
@pytest.mark.parametrize('course', sorted(course_files()))
def test_world_and_robot_are_sound(exported, course, release):
    files = exported(course, release)
    for path in (files.world, files.robot):
        root = ElementTree.parse(path).getroot()
        assert problems_of(root, release) == [], path.name
    things = ElementTree.parse(files.world).getroot().findall('world/model/link')
    assert len(things) > 3


BREAKING = [
    (".//joint[@name='left_wheel_joint']/child", 'text', 'nowhere', 'joins base_link and nowhere'),
    (".//link[@name='castor_link']/inertial/inertia/ixx", 'text', '-1', 'not positive'),
    (".//link[@name='castor_link']/inertial/inertia/ixx", 'text', '1', 'triangle inequality'),
    (".//link[@name='castor_link']/inertial/mass", 'text', '0', 'mass 0'),
    (".//link[@name='castor_link']/pose", 'text', '0 0 nan 0 0 0', 'pose 0 0 nan'),
    (".//link[@name='castor_link']", 'name', 'base_link', 'two are called base_link'),
    (".//joint[@name='left_wheel_joint']/axis/xyz", 'text', '0 0 2', 'is 2.0 long'),
    ('.//world/plugin', 'filename', 'gz-sim-physics', "plugin ('gz-sim-physics'"),
]


@pytest.mark.parametrize(
    ('path', 'what', 'value', 'problem'), BREAKING, ids=[item[3] for item in BREAKING]
)
def test_what_is_broken_is_found(exported, path, what, value, problem):
    root = ElementTree.parse(exported('s_curve', GazeboRelease.HARMONIC).world).getroot()
    element = root.find(path)
    if what == 'text':
        element.text = value
    else:
        element.set(what, value)
    found = problems_of(root, GazeboRelease.HARMONIC)
    assert any(problem in text for text in found), found


def urdf_problems(root: Element) -> Iterator[str]:
    """Yield joints that lead nowhere, more than one root, and impossible bodies."""
    links = [link.get('name') for link in root.findall('link')]
    if len(links) != len(set(links)):
        yield 'two links of one name'
    children = [joint.find('child').get('link') for joint in root.findall('joint')]
    parents = {joint.find('parent').get('link') for joint in root.findall('joint')}
    if sorted(children) != sorted(set(links) - {'base_link'}) or not parents <= set(links):
        yield 'not a tree from base_link'
    for link in root.findall('link'):
        inertia = link.find('inertial/inertia')
        if inertia is not None:
            moments = {name: float(value) for name, value in inertia.attrib.items()}
            yield from moments_problems(moments, link.get('name'))
    for element in root.iter():
        for key in ('xyz', 'rpy', 'size', 'radius', 'length', 'value'):
            values = numbers(element.get(key, '0'))
            if not all(map(math.isfinite, values)):
                yield f'{element.tag} {key} {element.get(key)}'


@pytest.mark.parametrize('course', ['s_curve', 'narrow_gate'])
def test_urdf_is_sound(course):
    shape = load_course(course)
    assert list(urdf_problems(robot_urdf(shape.robot, shape.camera))) == []


@pytest.mark.parametrize('course', ['s_curve', 'narrow_gate'])
def test_sdf_and_urdf_have_the_same_links_joints_and_masses(exported, course):
    files = exported(course, GazeboRelease.HARMONIC)
    sdf = ElementTree.parse(files.robot).getroot()
    urdf = ElementTree.parse(files.urdf).getroot()
    assert {e.get('name') for e in sdf.iter('joint')} == {
        e.get('name') for e in urdf.findall('joint')
    }
    masses = {
        link.get('name'): float(link.find('inertial/mass').get('value'))
        for link in urdf.findall('link')
        if link.find('inertial') is not None
    }
    for link in sdf.iter('link'):
        if link.get('name') in masses:
            assert float(link.findtext('inertial/mass')) == masses[link.get('name')]
    assert len(masses) >= 4
