"""Simulator and map node together over DDS: what comes out belongs to what went in."""

import numpy as np
import pytest
from nav_msgs.msg import OccupancyGrid
from perception_suite.msg import SemanticGrid
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from perception_nodes.mapping import SIMULATOR_CLASSES
from perception_nodes.ros.grid_conversion import organised_points_from_msg
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.qos import LATCHED_QOS
from perception_nodes.ros.semantic_map_node import SemanticMapNode
from perception_nodes.ros.simulation_node import SimulationNode

pytestmark = pytest.mark.ros

SIZE_WH = (160, 120)
SIMULATION = {
    'size_wh': [*SIZE_WH], 'things': 40, 'walkers': 1, 'sensor_strength': 0.0, 'drive': 'path',
    'rate_hz': 8.0, 'seed': 3, 'odometry_noise': 0.0,
}  # fmt: skip
REMAPPED = {
    'mask': 'camera/ground_truth/mask',
    'label_info': 'camera/ground_truth/label_info',
    'camera_info': 'camera/camera_info',
    'depth': 'camera/depth/image_raw',
}
OWN = {
    'occupancy': (OccupancyGrid, LATCHED_QOS),
    'semantic_grid': (SemanticGrid, LATCHED_QOS),
    'points': (PointCloud2, 10),
    'obstacles': (PointCloud2, 10),
    'floor': (PointCloud2, 10),
}
ENOUGH = 6


def map_node(**options):
    """Return a map node that listens to the simulator."""
    rules = [f'{name}:={topic}' for name, topic in REMAPPED.items()]
    arguments = ['--ros-args', *(word for rule in rules for word in ('-r', rule))]
    return SemanticMapNode(cli_args=arguments, **options)


class Session:
    """What was heard in a short drive, by the stamp of its mask."""

    def __init__(self, graph, depth_source):
        self.graph = graph
        heard = {name: graph.listen(kind, topic) for name, (kind, topic) in {
            'mask': (Image, REMAPPED['mask']),
            'depth': (Image, REMAPPED['depth']),
            'info': (CameraInfo, REMAPPED['camera_info']),
        }.items()}  # fmt: skip
        for name, (kind, qos) in OWN.items():
            heard[name] = graph.listen(kind, f'semantic_map_node/{name}', qos)
        self.node = graph.add(
            map_node, depth_source=depth_source, use_confidence=False, use_sim_time=True,
            patience_s=5.0,
        )  # fmt: skip
        graph.wait_until(lambda: self.node.state_label == 'active')
        simulation = graph.add(SimulationNode, **SIMULATION)
        graph.wait_until(lambda: simulation.state_label == 'active', 60.0)
        graph.wait_until(lambda: min(map(len, heard.values())) > ENOUGH, 60.0)
        self.heard = heard
        self.by_stamp = {
            name: {stamp_ns_from_msg(m.header.stamp): m for m in messages}
            for name, messages in heard.items()
        }
        self.common = sorted(set.intersection(*map(set, self.by_stamp.values())))

    def at(self, stamp_ns):
        """Return the messages of one moment by name."""
        return {name: found[stamp_ns] for name, found in self.by_stamp.items()}


@pytest.fixture(params=['none', 'depth'])
def session(graph, request):
    return Session(graph, request.param)


def mask_of(message):
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width)


def pixels_of(points, info):
    """Return u, v of points in the camera's frame."""
    return (
        info.k[0] * points[:, 0] / points[:, 2] + info.k[2],
        info.k[4] * points[:, 1] / points[:, 2] + info.k[5],
    )


def check_headers(moment):
    header = moment['mask'].header
    assert header.frame_id == 'camera_optical_frame'
    for name in ('points', 'obstacles', 'floor'):
        assert moment[name].header == header, name
    for name in ('occupancy', 'semantic_grid'):
        assert moment[name].header.stamp == header.stamp, name
        assert moment[name].header.frame_id == 'odom', name


def check_ranges(moment):
    costs = np.array(moment['occupancy'].data, np.int8)
    assert set(np.unique(costs)) <= {-1, *SIMULATOR_CLASSES.costs.tolist()}
    assert (costs >= 0).any()
    ids = np.array(moment['semantic_grid'].class_ids, np.uint8)
    known = ids != SemanticGrid.UNKNOWN
    assert ids[known].max() < len(SIMULATOR_CLASSES)
    assert (costs[known] == SIMULATOR_CLASSES.costs[ids[known]]).all()
    assert (costs[~known] == -1).all()
    for name in ('obstacles', 'floor'):
        xyz = np.frombuffer(moment[name].data, np.float32).reshape(-1, 3)
        assert np.isfinite(xyz).all(), name
        assert (np.linalg.norm(xyz, axis=1) < 4.5).all(), name


def check_alignment(moment, depth_source):
    mask, info = mask_of(moment['mask']), moment['info']
    points = organised_points_from_msg(moment['points'])
    assert points.shape == (*mask.shape, 3)
    v, u = np.nonzero(np.isfinite(points[..., 0]))
    columns, rows = pixels_of(points[v, u].astype(float), info)
    assert np.abs(columns - u).max() < 0.01
    assert np.abs(rows - v).max() < 0.01
    if depth_source == 'depth':
        depth = np.frombuffer(moment['depth'].data, np.float32).reshape(mask.shape)
        assert np.array_equal(points[..., 2], depth, equal_nan=True)
        return
    horizon = info.k[5] - info.k[4] * np.tan(np.radians(8.0))  # the simulator's pitch
    assert v.min() > horizon
    ground = SIMULATOR_CLASSES.ground[mask[v, u]]
    below = SIMULATOR_CLASSES.ground[mask[np.minimum(v + 1, mask.shape[0] - 1), u]]
    assert ground.any()
    assert (ground | below).mean() > 0.99, 'floor, or a foot with floor right below'


def check_obstacles(moment, depth_source):
    """Points of the cloud are seen where the mask has something that stands."""
    mask = mask_of(moment['mask'])
    xyz = np.frombuffer(moment['obstacles'].data, np.float32).reshape(-1, 3).astype(float)
    columns, rows = (np.rint(values).astype(int) for values in pixels_of(xyz, moment['info']))
    inside = (rows >= 0) & (rows < mask.shape[0])
    standing = ~SIMULATOR_CLASSES.ground[mask[rows[inside], columns[inside]]]
    share = standing.mean() if len(standing) else 1.0
    # Without depth they are set at a height, and a low thing may end below it.
    assert share == 1.0 if depth_source == 'depth' else share > 0.7
    return len(xyz)


def test_map_node_answers_every_mask_of_the_simulator(session):
    depth_source = session.node.configuration.depth_source
    assert len(session.common) >= ENOUGH - 2
    obstacles = 0
    for stamp_ns in session.common:
        moment = session.at(stamp_ns)
        check_headers(moment)
        check_ranges(moment)
        check_alignment(moment, depth_source)
        obstacles += check_obstacles(moment, depth_source)
    assert obstacles > 0, 'the drive passes things'
    values = session.node.health().values
    assert values['refused'] == 0
    assert not [name for name in values if name.startswith('map (') and name != 'map (fused)']
    check_qos(session)


def check_qos(session):
    for name in OWN:
        (offer,) = session.graph.probe.get_publishers_info_by_topic(f'/semantic_map_node/{name}')
        latched = name in ('occupancy', 'semantic_grid')
        wanted = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        assert offer.qos_profile.durability is wanted, name
        assert offer.qos_profile.reliability is ReliabilityPolicy.RELIABLE, name
    late = session.graph.listen(OccupancyGrid, 'semantic_map_node/occupancy', LATCHED_QOS)
    session.graph.wait_until(lambda: late)
