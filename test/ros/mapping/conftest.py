"""A robot with a segmented camera, as far as a map node can tell."""

import array
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from nav_msgs.msg import OccupancyGrid
from perception_suite.msg import SemanticGrid
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import LabelInfo

from perception_nodes.geometry import PlanarPose, RigidTransform
from perception_nodes.mapping import SIMULATOR_CLASSES
from perception_nodes.ros.labels_conversion import label_info_msg
from perception_nodes.ros.qos import LATCHED_QOS
from perception_nodes.ros.semantic_map_node import SemanticMapNode
from perception_nodes.ros.transforms_conversion import LINK_FROM_OPTICAL, transform_to_msg

W, H = 160, 120
FLOOR, PERSON, BOX = 0, 3, 5
S = 1_000_000_000
FRAME_NS = 100_000_000
START_NS = 1000 * S
OPTICAL = 'camera_optical_frame'


def stamp_of(stamp_ns):
    sec, nanosec = divmod(stamp_ns, S)
    return Time(sec=sec, nanosec=nanosec)


def image_of(pixels, stamp_ns):
    header = Header(stamp=stamp_of(stamp_ns), frame_id=OPTICAL)
    return Image(
        header=header, width=W, height=H, step=W, encoding='mono8',
        data=array.array('B', np.ascontiguousarray(pixels, np.uint8).tobytes()),
    )  # fmt: skip


def scene(person=False, box=False):
    """Return a mask: floor below the horizon, and things that stand in the middle or left."""
    mask = np.full((H, W), 255, np.uint8)
    mask[45:] = FLOOR
    if person:
        mask[20:80, 75:86] = PERSON
    if box:
        mask[30:80, 30:45] = BOX
    return mask


class Robot:
    """Publishes what a robot with a segmented camera publishes."""

    def __init__(self, graph, **parameters):
        self.graph = graph
        self.node = graph.add(SemanticMapNode, **parameters)
        graph.wait_until(lambda: self.node.state_label == 'active')
        probe = graph.probe
        self.mask = probe.create_publisher(Image, 'mask', 5)
        self.confidence = probe.create_publisher(Image, 'confidence', 5)
        self.labels = probe.create_publisher(LabelInfo, 'label_info', LATCHED_QOS)
        self.info = probe.create_publisher(CameraInfo, 'camera_info', 10)
        self.tf = probe.create_publisher(TFMessage, '/tf', 100)
        self.static = probe.create_publisher(TFMessage, '/tf_static', LATCHED_QOS)
        own = 'semantic_map_node'
        self.occupancy = graph.listen(OccupancyGrid, f'{own}/occupancy', LATCHED_QOS)
        self.grid = graph.listen(SemanticGrid, f'{own}/semantic_grid', LATCHED_QOS)
        self.obstacles = graph.listen(PointCloud2, f'{own}/obstacles')
        self.floor = graph.listen(PointCloud2, f'{own}/floor')
        ears = (self.mask, self.confidence, self.labels, self.info, self.tf, self.static)
        graph.wait_until(lambda: all(ear.get_subscription_count() for ear in ears))
        graph.wait_until(lambda: graph.probe.count_publishers(f'{own}/floor'))
        graph.turn(0.3)

    def name_classes(self, names=SIMULATOR_CLASSES.names):
        """Say what the mask values mean."""
        self.labels.publish(label_info_msg(names, Header()))

    def settle(self, focal=100.0, stamp_ns=START_NS, mounted=True):
        """Say what does not change: labels, calibration, where the camera is."""
        self.name_classes()
        self.calibrate(focal, stamp_ns)
        if not mounted:
            return
        mount = RigidTransform.from_rpy(pitch_rad=0.14, translation_xyz=(0.1, 0.0, 0.3))
        optical = mount.matrix @ LINK_FROM_OPTICAL
        message = transform_to_msg(optical, 'base_link', OPTICAL, Time())
        self.static.publish(TFMessage(transforms=[message]))

    def calibrate(self, focal=100.0, stamp_ns=START_NS):
        self.info.publish(
            CameraInfo(
                header=Header(stamp=stamp_of(stamp_ns), frame_id=OPTICAL), width=W, height=H,
                distortion_model='plumb_bob', d=[0.0] * 5,
                k=[focal, 0.0, 79.5, 0.0, focal, 59.5, 0.0, 0.0, 1.0],
            )
        )  # fmt: skip

    def stamp_ns(self, number):
        """Return the stamp of a frame by its number."""
        return START_NS + number * FRAME_NS

    def place(self, stamp_ns, x_m=0.0, odom_from_base=None):
        matrix = PlanarPose(x_m=x_m).matrix if odom_from_base is None else odom_from_base.matrix
        pose = transform_to_msg(matrix, 'odom', 'base_link', stamp_of(stamp_ns))
        self.tf.publish(TFMessage(transforms=[pose]))

    def see(self, mask, stamp_ns):
        self.confidence.publish(image_of(np.full((H, W), 255), stamp_ns))
        self.mask.publish(image_of(mask, stamp_ns))

    def drive(self, mask, numbers, x_m=0.0, fused=True):
        """Publish frames by number and return the map of the last, if they are to be fused."""
        for number in numbers:
            stamp_ns = self.stamp_ns(number)
            self.place(stamp_ns, x_m)
            self.see(mask, stamp_ns)
            if fused:
                self.graph.wait_until(lambda wanted=stamp_ns: self.map_at(wanted))
        return self.map_at(stamp_ns)

    def map_at(self, stamp_ns):
        wanted = stamp_of(stamp_ns)
        return next((m for m in self.occupancy[::-1] if m.header.stamp == wanted), None)

    def values(self):
        return self.node.health().values


def costs(message):
    return np.array(message.data, np.int8).reshape(message.info.height, message.info.width)


@pytest.fixture
def make_robot(graph):
    """Return a function that starts a map node and what surrounds it, nothing said yet."""
    return lambda **parameters: Robot(graph, **parameters)


@pytest.fixture
def robot(make_robot):
    """Return a robot that has said what does not change."""
    made = make_robot(patience_s=0.4)
    made.settle()
    return made


@pytest.fixture
def known():
    """Return the numbers and functions that tests of the map node speak with."""
    return SimpleNamespace(
        scene=scene, costs=costs, image_of=image_of, stamp_of=stamp_of, shape_hw=(H, W),
        start_ns=START_NS, frame_ns=FRAME_NS, optical=OPTICAL, floor=FLOOR, box=BOX,
        names=SIMULATOR_CLASSES.names,
    )  # fmt: skip
