"""What is written for Gazebo agrees with the embedded simulator, and real parsers read it."""

import math
import shutil
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from perception_nodes.simulation import CoursePath, SimulationConfig, load_course
from perception_nodes.simulation.camera import camera_pose
from perception_nodes.simulation.course import Course, CourseCamera, Segment
from perception_nodes.simulation.course_file import course_files
from perception_nodes.simulation.gazebo import GazeboRelease, export_course
from perception_nodes.simulation.gazebo.body import bodies_of
from perception_nodes.simulation.gazebo.course_world import pieces
from perception_nodes.simulation.gazebo.elements import Element, add, rpy_of, written
from perception_nodes.simulation.marking import LANE, course_strips
from perception_nodes.simulation.parts import quaternion_about
from perception_nodes.simulation.robot_model import RobotModel
from perception_nodes.simulation.world import populated

RELEASES = tuple(GazeboRelease)
HOW_TO_GET = (
    'no SDF library: install the command with Gazebo (gz sdf), or on Debian and Ubuntu '
    '"sudo apt install ignition-tools libsdformat-dev" (ign sdf)'
)


def config_of(course, **changes):
    plain = {'things': 5, 'clutter': 0, 'walkers': 0}
    return SimulationConfig(course=course, **{**plain, **changes})


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """Return a function from course and release to the files, each written once."""
    made = {}

    def export(course, release=GazeboRelease.HARMONIC):
        if (course, release) not in made:
            folder = tmp_path_factory.mktemp(f'{course}_{release.value}')
            made[course, release] = export_course(config_of(course), release, folder)
        return made[course, release]

    return export


def model_named(world, name):
    return ElementTree.parse(world).getroot().find(f"world/model[@name='{name}']")


@pytest.mark.parametrize('name', sorted(course_files()))
def test_polygons_are_those_of_the_embedded_simulator(exported, name):
    visuals = model_named(exported(name).world, 'course').findall('link/visual')
    drawn = [
        np.array([point.text.split() for point in visual.iter('point')], float)
        for visual in visuals
    ]
    strips = course_strips(load_course(name))
    expected = [outline for strip in strips for outline in pieces(strip)]
    assert len(drawn) == len(expected)
    for got, wanted in zip(drawn, expected, strict=True):
        assert got == pytest.approx(wanted, abs=1e-6)
    lane_points = np.vstack([p for p, v in zip(drawn, visuals, strict=True)
                             if v.get('name').startswith(LANE)])  # fmt: skip
    for line in (strip.left for strip in strips if strip.kind == LANE):
        gaps = np.linalg.norm(line[:, None] - lane_points[None], axis=2).min(axis=1)
        assert gaps.max() < 2e-6


def test_pieces_cover_a_strip_without_gap():
    course = Course(name='straight', segments=(Segment(length_m=5.0),))
    lane = course_strips(course)[0]
    area = 0.0
    for x, y in (outline.T for outline in pieces(lane)):
        area += 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    assert area == pytest.approx(5.0 * 0.5)


def test_things_stand_where_they_stand_in_the_embedded_simulator(exported):
    config = config_of('narrow_gate')
    population, _, _ = populated(config, CoursePath(load_course('narrow_gate')))
    world = ElementTree.parse(exported('narrow_gate').world).getroot()
    poses = [
        [float(v) for v in model.findtext('pose').split()]
        for model in world.findall('world/model')
        if model.get('name').startswith('thing')
    ]
    expected = [(pose.x_m, pose.y_m, 0, 0, 0, pose.yaw_rad) for _, pose in population.standing]
    assert np.array(poses) == pytest.approx(np.array(expected), abs=1e-6)


def test_meshes_lie_where_the_world_looks_for_them(exported):
    world = exported('step_in').world
    addresses = [uri.text for uri in ElementTree.parse(world).getroot().iter('uri')]
    for address in addresses:
        stl = (world.parent / address).read_bytes()
        assert len(stl) == 84 + 50 * int.from_bytes(stl[80:84], 'little')


def test_robot_waits_at_the_start(exported):
    robot = model_named(exported('figure_eight').world, 'perception_robot')
    pose = [float(v) for v in robot.findtext('pose').split()]
    assert pose == pytest.approx([0, 0, 0, 0, 0, math.radians(45)], abs=1e-6)


@pytest.mark.parametrize('release', RELEASES, ids=lambda item: item.value)
def test_names_are_those_of_the_release(exported, release):
    files = exported('s_curve', release)
    root = ElementTree.parse(files.world).getroot()
    assert root.get('version') == '1.9'
    other = 'gz' if release.is_ignition else 'ignition'
    plugins = [(p.get('filename'), p.get('name')) for p in root.iter('plugin')]
    rows = yaml.safe_load(files.bridge.read_text())
    mine = {
        GazeboRelease.FORTRESS: ('ignition-gazebo-diff-drive-system',
                                 'ignition::gazebo::systems::DiffDrive'),
        GazeboRelease.HARMONIC: ('gz-sim-diff-drive-system', 'gz::sim::systems::DiffDrive'),
    }  # fmt: skip
    assert mine[release] in plugins
    assert not any(text.startswith(other) for pair in plugins for text in pair)
    prefix = 'ignition.msgs.' if release.is_ignition else 'gz.msgs.'
    assert all(row['gz_type_name'].startswith(prefix) for row in rows)


@pytest.mark.parametrize('course', ['s_curve', 'narrow_gate'])
def test_bridge_carries_what_the_robot_has(exported, course):
    files = exported(course)
    robot = model_named(files.world, 'perception_robot')
    camera = robot.find('.//sensor/topic').text
    made = {f'{camera}/{name}' for name in ('image', 'depth_image', 'camera_info')}
    made |= {e.text for plugin in robot.findall('plugin') for e in plugin if 'topic' in e.tag}
    rows = yaml.safe_load(files.bridge.read_text())
    assert {row['gz_topic_name'] for row in rows} == made | {'clock'}
    names = [row['ros_topic_name'] for row in rows]
    assert len(names) == len(set(names))
    assert {'cmd_vel', 'odom', 'camera/image_raw', 'camera/camera_info', '/clock'} <= set(names)


# As the tables of ros_gz_bridge name them, ros2 branches humble and jazzy.
CONVERSIONS = {
    'rosgraph_msgs/msg/Clock': 'Clock',
    'geometry_msgs/msg/Twist': 'Twist',
    'nav_msgs/msg/Odometry': 'Odometry',
    'tf2_msgs/msg/TFMessage': 'Pose_V',
    'sensor_msgs/msg/JointState': 'Model',
    'sensor_msgs/msg/Image': 'Image',
    'sensor_msgs/msg/CameraInfo': 'CameraInfo',
}
KEYS = {
    'ros_topic_name', 'gz_topic_name', 'ros_type_name', 'gz_type_name', 'direction', 'lazy',
}  # fmt: skip


@pytest.mark.parametrize('release', RELEASES, ids=lambda item: item.value)
def test_bridge_converts_what_ros_gz_bridge_can_convert(exported, release):
    library = {'fortress': 'ignition.msgs', 'harmonic': 'gz.msgs'}[release.value]
    for row in yaml.safe_load(exported('s_curve', release).bridge.read_text()):
        assert set(row) == KEYS
        assert row['gz_type_name'] == f'{library}.{CONVERSIONS[row["ros_type_name"]]}'
        to_gazebo = row['ros_topic_name'] == 'cmd_vel'
        assert row['direction'] == ('ROS_TO_GZ' if to_gazebo else 'GZ_TO_ROS')
        assert row['lazy'] == row['ros_type_name'].endswith('/Image')


@pytest.mark.parametrize('release', RELEASES, ids=lambda item: item.value)
def test_headers_name_frames_that_the_robot_has(exported, release):
    robot = model_named(exported('s_curve', release).world, 'perception_robot')
    links = {link.get('name') for link in robot.findall('link')}
    tag = {'fortress': 'ignition_frame_id', 'harmonic': 'gz_frame_id'}[release.value]
    (sensor,) = robot.iter('sensor')
    assert sensor.findtext(tag) == 'camera_optical_frame'
    assert robot.findtext('plugin/frame_id') == 'odom'
    assert robot.findtext('plugin/child_frame_id') == 'base_link'
    assert {'camera_optical_frame', 'base_link'} <= links


def test_namespace_goes_before_the_topics_of_gazebo(tmp_path):
    files = export_course(
        config_of('straight', things=0), GazeboRelease.HARMONIC, tmp_path, namespace='/robot1'
    )
    rows = yaml.safe_load(files.bridge.read_text())
    assert all(r['gz_topic_name'].startswith('robot1/') for r in rows if 'Clock' not in
               r['ros_type_name'])  # fmt: skip
    assert '<topic>robot1/cmd_vel</topic>' in files.robot.read_text()


@pytest.mark.parametrize('kind', ['differential', 'ackermann'])
def test_drive_turns_joints_that_the_robot_has(exported, kind):
    course = {'differential': 's_curve', 'ackermann': 'narrow_gate'}[kind]
    robot = model_named(exported(course).world, 'perception_robot')
    joints = {joint.get('name') for joint in robot.findall('joint')}
    drive = robot.find('plugin')
    named = {e.text for e in drive if e.tag.endswith('joint')}
    assert len(named) == (4 if kind == 'ackermann' else 2)
    assert named <= joints


def frames_of(bodies):
    """Return the pose of every link in base_link."""
    found = {'base_link': np.eye(4)}
    for body in bodies[1:]:
        yaw, pitch, roll = body.rpy[2], body.rpy[1], body.rpy[0]
        pose = camera_pose((0, 0, 0), yaw, pitch, roll) @ np.linalg.inv(camera_pose((0, 0, 0)))
        pose[:3, 3] = body.position
        found[body.name] = found[body.parent] @ pose
    return found


def test_camera_looks_where_that_of_the_embedded_simulator_looks():
    camera = CourseCamera(height_m=0.4, pitch_deg=15, forward_m=0.07)
    found = frames_of(bodies_of(RobotModel(), camera))['camera_optical_frame']
    expected = camera_pose((0.07, 0, 0.4), pitch_rad=math.radians(15))
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize('kind', ['differential', 'ackermann'])
def test_wheels_stand_on_the_floor_under_the_outline(kind):
    robot = RobotModel(kind=kind)
    bodies = bodies_of(robot, CourseCamera())
    frames = frames_of(bodies)
    wheels = [body for body in bodies if body.name.endswith('wheel_link')]
    for body in wheels:
        place = frames[body.name][:3, 3]
        assert place[2] == pytest.approx(robot.wheel_radius_m)
        outer = abs(place[1]) + robot.wheel_width_m / 2
        assert outer == pytest.approx(robot.width_m / 2)
        assert abs(frames[body.name][2, 2]) < 1e-9  # the axle lies level
    assert len(wheels) == (4 if kind == 'ackermann' else 2)


@pytest.mark.parametrize(
    ('value', 'text'),
    [(1, '1'), (0.5, '0.5'), (True, 'true'), ((1, 2.25), '1 2.25'), (1e-9, '0'), ('a', 'a')],
)
def test_values_are_written_as_sdf_wants_them(value, text):
    assert written(value) == text
    assert add(Element('x'), 'y', value).text == text


def test_angles_come_back_from_a_quaternion():
    assert rpy_of(quaternion_about(1, 0.3)) == pytest.approx((0, 0.3, 0))
    assert rpy_of(quaternion_about(2, -1.2)) == pytest.approx((0, 0, -1.2))


def sdf_errors(path):
    """Return what a real SDF library says against a file; skip where there is none."""
    command = next((found for name in ('gz', 'ign') if (found := shutil.which(name))), None)
    if command is None:
        pytest.skip(HOW_TO_GET)
    done = subprocess.run(
        [command, 'sdf', '--check', str(path)], capture_output=True, text=True, timeout=60
    )
    is_valid = done.returncode == 0 and 'Valid.' in done.stdout and 'Error' not in done.stderr
    return '' if is_valid else done.stdout + done.stderr


@pytest.mark.parametrize('release', RELEASES, ids=lambda item: item.value)
@pytest.mark.parametrize('course', sorted(course_files()))
def test_real_sdf_library_reads_world_and_robot(exported, course, release):
    files = exported(course, release)
    for path in (files.world, files.robot):
        assert sdf_errors(path) == ''


def test_real_sdf_library_refuses_what_is_broken(exported, tmp_path):
    broken = tmp_path / 'broken.sdf'
    text = exported('s_curve').robot.read_text()
    broken.write_text(text.replace('<child>castor_link</child>', '<child>nowhere</child>'))
    assert 'nowhere' in sdf_errors(broken)


@pytest.mark.parametrize('course', ['s_curve', 'narrow_gate'])
def test_real_urdf_parser_reads_the_robot(exported, course):
    urdf = pytest.importorskip(
        'urdf_parser_py.urdf', reason="cure: pip install 'perception_suite[development]'"
    )
    robot = urdf.URDF.from_xml_string(exported(course).urdf.read_bytes())
    bodies = bodies_of(load_course(course).robot, load_course(course).camera)
    assert set(robot.link_map) == {body.name for body in bodies}
    assert robot.get_root() == 'base_link'
    chain = robot.get_chain('base_link', 'camera_optical_frame', links=False)
    assert chain == ['camera_joint', 'camera_optical_frame_joint']
    for body in bodies[1:]:
        assert robot.joint_map[body.joint].origin.xyz == pytest.approx(body.position, abs=1e-6)
