"""The map node on real DDS: contracts, and input that is missing, late or wrong."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from nav2_msgs.srv import LoadMap, SaveMap
from perception_suite.msg import SemanticGrid
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from perception_nodes.geometry import RigidTransform
from perception_nodes.mapping import SIMULATOR_CLASSES
from perception_nodes.ros.grid_conversion import organised_points_from_msg
from perception_nodes.ros.transforms_conversion import transform_to_msg

pytestmark = pytest.mark.ros


def test_frames_stamps_and_ranges_of_everything_published(graph, robot, known):
    points = graph.listen(PointCloud2, 'semantic_map_node/points')
    graph.turn(0.3)
    grid = robot.drive(known.scene(box=True), range(1, 4))
    graph.wait_until(lambda: len(points) >= 3 and len(robot.floor) >= 3 and len(robot.grid) >= 3)
    stamp = known.stamp_of(known.start_ns + 3 * known.frame_ns)
    assert grid.header.frame_id == 'odom'
    assert (grid.info.width, grid.info.height) == (200, 200)
    assert grid.info.resolution == pytest.approx(0.05)
    assert set(np.unique(known.costs(grid))) == {-1, 10, 100}
    semantic = robot.grid[-1]
    assert (semantic.header, semantic.info) == (grid.header, grid.info)
    assert [item.name for item in semantic.classes] == list(SIMULATOR_CLASSES.names)
    ids = np.array(semantic.class_ids, np.uint8)
    assert {*np.unique(ids)} == {known.floor, known.box, SemanticGrid.UNKNOWN}
    assert ((np.array(semantic.confidence) > 0) == (ids != SemanticGrid.UNKNOWN)).all()
    for cloud in (points[-1], robot.obstacles[-1], robot.floor[-1]):
        assert cloud.header == Header(stamp=stamp, frame_id=known.optical)
        assert [field.name for field in cloud.fields] == ['x', 'y', 'z']
    organised = organised_points_from_msg(points[-1])
    assert organised.shape == (*known.shape_hw, 3)
    assert np.isnan(organised[:45]).all()
    assert np.isnan(organised[45:79, 30:45]).all()
    v, u = np.nonzero(np.isfinite(organised[..., 0]))
    seen = organised[v, u]
    assert np.abs(seen[:, 0] / seen[:, 2] * 100 + 79.5 - u).max() < 0.01
    assert np.abs(seen[:, 1] / seen[:, 2] * 100 + 59.5 - v).max() < 0.01
    assert len(robot.obstacles[-1].data) == 15 * 12


def test_person_who_walks_away_is_gone_within_a_second_of_the_floor_seen_again(robot, known):
    before = known.costs(robot.drive(known.scene(person=True), range(1, 12)))
    assert (before == 100).any()
    after = known.costs(robot.drive(known.scene(), range(12, 22)))
    assert not (after == 100).any()


def lost(robot, reason, count=1):
    key = f'lost ({reason})'
    robot.graph.wait_until(lambda: robot.values().get(key, 0) >= count)


def test_late_transform_is_waited_for(graph, robot, known):
    stamp_ns = known.start_ns + known.frame_ns
    robot.place(known.start_ns)
    robot.see(known.scene(), stamp_ns)
    graph.wait_until(lambda: robot.values()['waiting'] == 1)
    robot.place(stamp_ns + known.frame_ns)
    graph.wait_until(lambda: robot.map_at(stamp_ns))


def test_missing_transform_is_named_and_leaves_the_map_as_it_was(graph, robot, known):
    before = known.costs(robot.drive(known.scene(), range(1, 4)))
    robot.see(known.scene(box=True), known.start_ns + 9 * known.frame_ns)
    lost(robot, 'transform newer than the transforms')
    health = robot.node.health()
    assert 'odom ← base_link' in health.values['last_loss']
    assert np.array_equal(known.costs(robot.occupancy[-1]), before)


def test_odometry_jump_does_not_smear_the_map(graph, robot, known):
    before = known.costs(robot.drive(known.scene(box=True), range(1, 5)))
    count = len(robot.obstacles)
    robot.drive(known.scene(box=True), [5], x_m=2.5, fused=False)
    graph.wait_until(lambda: robot.values().get('map (odometry_jump)') == 1)
    graph.wait_until(lambda: len(robot.obstacles) > count)
    assert robot.map_at(robot.stamp_ns(5)) is None, 'a map that is not renewed keeps its stamp'
    assert np.array_equal(before, known.costs(robot.occupancy[-1]))
    after = known.costs(robot.drive(known.scene(box=True), [6]))
    assert np.array_equal(before[before >= 0], after[before >= 0])


def test_wrong_transform_is_refused(graph, robot, known):
    robot.drive(known.scene(), range(1, 3))
    stamp_ns = known.start_ns + 3 * known.frame_ns
    tilted = RigidTransform.from_rpy(roll_rad=1.5).matrix
    message = transform_to_msg(tilted, 'odom', 'base_link', known.stamp_of(stamp_ns))
    robot.tf.publish(TFMessage(transforms=[message]))
    robot.see(known.scene(), stamp_ns)
    graph.wait_until(lambda: robot.values().get('map (transform_wrong)') == 1)


def test_uncalibrated_camera_is_an_error_that_says_so(graph, make_robot, known):
    robot = make_robot(patience_s=0.4)
    robot.settle(focal=0.0)
    graph.turn(0.3)
    robot.place(known.start_ns + known.frame_ns)
    robot.see(known.scene(), known.start_ns + known.frame_ns)
    lost(robot, 'uncalibrated')
    assert 'uncalibrated' in robot.values()['last_loss']
    assert not robot.occupancy


def test_mask_without_names_is_not_guessed_at(graph, make_robot, known):
    robot = make_robot(patience_s=0.2)
    robot.see(known.scene(), known.start_ns + known.frame_ns)
    lost(robot, 'no_labels')
    assert '/label_info' in robot.values()['last_loss']


def test_mask_without_calibration_is_named(graph, make_robot, known):
    robot = make_robot(patience_s=0.2)
    robot.settle(stamp_ns=known.start_ns + 1000 * known.frame_ns)
    robot.place(known.start_ns)
    robot.place(known.start_ns + 2 * known.frame_ns)
    robot.see(known.scene(), known.start_ns + known.frame_ns)
    lost(robot, 'no_camera_info')


def test_changed_calibration_holds_from_its_stamp_on(graph, robot, known):
    robot.drive(known.scene(), [1])
    robot.calibrate(focal=120.0, stamp_ns=known.start_ns + 2 * known.frame_ns)
    robot.drive(known.scene(), [2])
    assert robot.values()['camera_info_changes'] == 1


def test_map_is_saved_cleared_and_loaded(graph, robot, tmp_path, known):
    before = known.costs(robot.drive(known.scene(box=True), range(1, 6)))
    own = 'semantic_map_node'
    request = SaveMap.Request(map_url=f'file://{tmp_path}/yard', map_mode='raw')
    assert graph.call(SaveMap, f'{own}/save_map', request).result
    assert {path.name for path in tmp_path.iterdir()} == {
        'yard.yaml', 'yard.pgm', 'yard_cells.png',
    }  # fmt: skip
    count = len(robot.occupancy)
    assert graph.call(Trigger, f'{own}/clear', Trigger.Request()).success
    graph.wait_until(lambda: len(robot.occupancy) > count)
    assert (known.costs(robot.occupancy[-1]) == -1).all()
    count = len(robot.occupancy)
    url = LoadMap.Request(map_url=f'{tmp_path}/yard.yaml')
    answer = graph.call(LoadMap, f'{own}/load_map', url)
    assert answer.result == LoadMap.Response.RESULT_SUCCESS
    assert np.array_equal(known.costs(answer.map), before)
    graph.wait_until(lambda: len(robot.occupancy) > count)
    assert np.array_equal(known.costs(robot.occupancy[-1]), before)


@pytest.mark.parametrize(
    ('request_', 'kind', 'service'),
    [
        (SaveMap.Request(map_topic='/other', map_url='/tmp/x'), SaveMap, 'save_map'),
        (SaveMap.Request(map_url=''), SaveMap, 'save_map'),
        (SaveMap.Request(map_url='package://no_such_package/x'), SaveMap, 'save_map'),
        (LoadMap.Request(map_url='/no/such.yaml'), LoadMap, 'load_map'),
        (LoadMap.Request(map_url=''), LoadMap, 'load_map'),
    ],
)
def test_useless_request_is_refused(graph, robot, request_, kind, service):
    answer = graph.call(kind, f'semantic_map_node/{service}', request_)
    assert answer.result == (
        LoadMap.Response.RESULT_MAP_DOES_NOT_EXIST if kind is LoadMap else False
    )


def test_mask_of_the_wrong_kind_is_counted_and_the_next_one_taken(graph, robot, known):
    stamp_ns = known.start_ns + known.frame_ns
    robot.place(stamp_ns)
    bad = known.image_of(known.scene(), stamp_ns)
    bad.encoding, bad.step, bad.width = 'mono16', 160, 80
    robot.confidence.publish(known.image_of(known.scene(), stamp_ns))
    robot.mask.publish(bad)
    graph.wait_until(lambda: robot.values().get('refused (wrong_kind)') == 1)
    robot.drive(known.scene(), [2])
