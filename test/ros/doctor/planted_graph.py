"""
One role of a small graph in a process of its own: ``planted_graph.py ROLE '{"option": value}'``.

Prints ``ready`` and spins until it is terminated. Each role publishes and subscribes with plain
rclpy, as any camera driver or detector would.
"""

import array
import json
import signal
import sys
import time
from dataclasses import dataclass

import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image


def qos(reliable, depth=5):
    policy = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(depth=depth, reliability=policy)


@dataclass(frozen=True, kw_only=True)
class CameraOptions:
    topic: str = 'image'
    size_wh: tuple = (64, 48)
    encoding: str = 'rgb8'
    rate_hz: float = 20.0
    reliable: bool = True
    stamp_offset_s: float = 0.0
    frame_id: str = 'camera_optical'


class Camera(Node):
    def __init__(self, options):
        super().__init__('camera')
        self.options = options
        width, height = options.size_wh
        self.info = CameraInfo(width=width, height=height)
        self.image = Image(
            width=width,
            height=height,
            encoding=options.encoding,
            step=width * 3,
            data=array.array('B', bytes(width * height * 3)),
        )
        self.images = self.create_publisher(Image, options.topic, qos(options.reliable))
        self.infos = self.create_publisher(CameraInfo, 'camera_info', qos(True))
        self.create_timer(1 / options.rate_hz, self.tick)

    def tick(self):
        now = self.get_clock().now() + Duration(seconds=self.options.stamp_offset_s)
        self.image.header.stamp = self.info.header.stamp = now.to_msg()
        self.image.header.frame_id = self.info.header.frame_id = self.options.frame_id
        self.images.publish(self.image)
        self.infos.publish(self.info)


@dataclass(frozen=True, kw_only=True)
class DetectorOptions:
    topic: str = 'image'
    reliable: bool = True
    boxes: int = 1
    state: str = 'active'
    answers: bool = True


class Detector(LifecycleNode):
    """Finds a fixed number of boxes in each picture, like any lifecycle detector."""

    def __init__(self, options):
        super().__init__('detector')
        self.options = options
        if options.state in ('inactive', 'active'):
            self.trigger_configure()
        if options.state == 'active':
            self.trigger_activate()

    def on_configure(self, state):
        from vision_msgs.msg import Detection2D, Detection2DArray

        self.make_box, self.make_result = Detection2D, Detection2DArray
        self.results = self.create_lifecycle_publisher(Detection2DArray, '~/detections', 10)
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state):
        self.create_subscription(
            Image, self.options.topic, self.on_image, qos(self.options.reliable)
        )
        return super().on_activate(state)

    def on_image(self, image):
        boxes = [self.make_box(header=image.header) for _ in range(self.options.boxes)]
        self.results.publish(self.make_result(header=image.header, detections=boxes))


@dataclass(frozen=True, kw_only=True)
class TransformOptions:
    stamp_offset_s: float = 0.0
    mount: tuple = ('base_link', 'camera_optical')


class Transforms(Node):
    """Odometry at 20 Hz and one static mount."""

    def __init__(self, options):
        super().__init__('robot_state')
        from tf2_msgs.msg import TFMessage

        self.options, self.message = options, TFMessage
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.moving = self.create_publisher(TFMessage, '/tf', 10)
        self.static = self.create_publisher(TFMessage, '/tf_static', latched)
        if options.mount:
            self.static.publish(self.edge(*options.mount, 0.0))
        self.create_timer(0.05, self.tick)

    def edge(self, parent, child, offset_s):
        transform = TransformStamped(child_frame_id=child)
        transform.header.frame_id = parent
        stamp = self.get_clock().now() + Duration(seconds=offset_s)
        transform.header.stamp = stamp.to_msg()
        transform.transform.rotation.w = 1.0
        return self.message(transforms=[transform])

    def tick(self):
        self.moving.publish(self.edge('odom', 'base_link', self.options.stamp_offset_s))


@dataclass(frozen=True, kw_only=True)
class ClockOptions:
    rate_hz: float = 100.0
    begin_s: float = 100.0


class Ticker(Node):
    """Simulation time from a simulator, at the speed of the wall clock."""

    def __init__(self, options):
        super().__init__('simulator')
        self.options = options
        self.begin = self.get_clock().now() - Duration(seconds=options.begin_s)
        self.ticks = self.create_publisher(Clock, '/clock', qos(False, depth=1))
        self.create_timer(1 / options.rate_hz, self.tick)

    def tick(self):
        elapsed = self.get_clock().now() - self.begin
        self.ticks.publish(Clock(clock=rclpy.time.Time(nanoseconds=elapsed.nanoseconds).to_msg()))


@dataclass(frozen=True, kw_only=True)
class ReaderOptions:
    topic: str = '/detector/detections'


class Reader(Node):
    """Reads detections, so that the end of the graph is in use."""

    def __init__(self, options):
        super().__init__('planner')
        self.options = options
        from vision_msgs.msg import Detection2DArray

        self.create_subscription(Detection2DArray, options.topic, lambda message: None, 10)


ROLES = {
    'camera': (Camera, CameraOptions),
    'detector': (Detector, DetectorOptions),
    'transforms': (Transforms, TransformOptions),
    'clock': (Ticker, ClockOptions),
    'reader': (Reader, ReaderOptions),
}


def main():
    role, options = sys.argv[1], json.loads(sys.argv[2])
    stopped = []
    rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    node_class, options_class = ROLES[role]
    node = node_class(options_class(**options))
    sys.stdout.write('ready\n')
    sys.stdout.flush()
    while not stopped:
        if getattr(node.options, 'answers', True):
            rclpy.spin_once(node, timeout_sec=0.1)
        else:
            time.sleep(0.1)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == '__main__':
    main()
