"""Reading a recorded run back: stamps pair messages, names give classes their numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from perception_nodes.evaluation.demo_run import TIMING_FIELDS, RunFrame, RunTopics, read_run

TOPICS = RunTopics()
PIXELS = np.full((48, 64, 3), (10, 20, 200), np.uint8)
BOXES = 'vision_msgs/msg/Detection2DArray'
TYPES = {
    TOPICS.images: 'sensor_msgs/msg/CompressedImage',
    TOPICS.truth: BOXES,
    TOPICS.found: BOXES,
    TOPICS.labels: 'vision_msgs/msg/LabelInfo',
    TOPICS.model: 'vision_msgs/msg/VisionInfo',
    TOPICS.timing: 'perception_suite/msg/FrameTiming',
    TOPICS.clock: 'rosgraph_msgs/msg/Clock',
    TOPICS.odometry: 'nav_msgs/msg/Odometry',
}


@pytest.fixture(scope='module')
def store(project_root):
    """Return a type store with the interfaces of the repository."""
    found = get_typestore(Stores.ROS2_JAZZY)
    folders = {
        'vision_msgs': project_root / 'environment' / 'interfaces' / 'vision_msgs' / 'msg',
        'perception_suite': project_root / 'msg',
    }
    types = {}
    for package, folder in folders.items():
        for path in folder.glob('*.msg'):
            types.update(get_types_from_msg(path.read_text(), f'{package}/msg/{path.stem}'))
    found.register({name: fields for name, fields in types.items() if name not in found.fielddefs})
    return found


class Bag:
    """Writes messages with few words."""

    def __init__(self, path: Path, store):
        self.path = path
        self.store = store
        self.writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        self.writer.open()
        self.connections = {
            topic: self.writer.add_connection(topic, kind, typestore=store)
            for topic, kind in TYPES.items()
        }

    def make(self, kind, **fields):
        return self.store.types[kind](**fields)

    def header(self, stamp_s):
        stamp = self.make('builtin_interfaces/msg/Time', sec=stamp_s, nanosec=5)
        return self.make('std_msgs/msg/Header', stamp=stamp, frame_id='camera')

    def write(self, topic, time_ns, **fields):
        message = self.make(TYPES[topic], **fields)
        data = self.store.serialize_cdr(message, TYPES[topic])
        self.writer.write(self.connections[topic], time_ns, data)

    def labels(self, *names):
        classes = [
            self.make('vision_msgs/msg/VisionClass', class_id=i, class_name=name)
            for i, name in reversed(list(enumerate(names)))
        ]
        self.write(TOPICS.labels, 1, header=self.header(0), class_map=classes, threshold=0.3)

    def image(self, stamp_s, time_ns):
        data = cv2.imencode('.jpg', PIXELS)[1]
        self.write(TOPICS.images, time_ns, header=self.header(stamp_s), format='jpeg', data=data)

    def boxes(self, topic, stamp_s, time_ns, *items):
        header = self.header(stamp_s)
        detections = [self.detection(header, *item) for item in items]
        self.write(topic, time_ns, header=header, detections=detections)

    def detection(self, header, name, score, x, y, width, height):
        point = self.make('vision_msgs/msg/Point2D', x=x, y=y)
        center = self.make('vision_msgs/msg/Pose2D', position=point, theta=0.0)
        bbox = self.make(
            'vision_msgs/msg/BoundingBox2D', center=center, size_x=width, size_y=height
        )
        orientation = self.make('geometry_msgs/msg/Quaternion', x=0.0, y=0.0, z=0.0, w=1.0)
        origin = self.make('geometry_msgs/msg/Point', x=0.0, y=0.0, z=0.0)
        pose = self.make('geometry_msgs/msg/Pose', position=origin, orientation=orientation)
        covariance = self.make(
            'geometry_msgs/msg/PoseWithCovariance', pose=pose, covariance=np.zeros(36)
        )
        hypothesis = self.make('vision_msgs/msg/ObjectHypothesis', class_id=name, score=score)
        result = self.make(
            'vision_msgs/msg/ObjectHypothesisWithPose', hypothesis=hypothesis, pose=covariance
        )
        return self.make(
            'vision_msgs/msg/Detection2D', header=header, results=[result], bbox=bbox, id=''
        )


@pytest.fixture
def bag(tmp_path, store):
    return Bag(tmp_path / 'bag', store)


def test_bag_without_class_names_is_refused(bag):
    bag.writer.close()
    with pytest.raises(ValueError, match='never configured'):
        read_run(bag.path)


def test_messages_of_one_picture_are_paired_by_stamp_whatever_their_order(bag):
    bag.labels('person', 'cone')
    bag.boxes(TOPICS.found, 2, 90, ('cone', 0.5, 20.0, 30.0, 10.0, 20.0))
    bag.boxes(TOPICS.truth, 2, 80, ('cone', 1.0, 21.0, 30.0, 10.0, 20.0))
    bag.image(2, 70)
    bag.image(1, 60)
    bag.writer.close()
    first, second = read_run(bag.path).frames
    assert (first.stamp_ns, second.stamp_ns) == (1_000_000_005, 2_000_000_005)
    assert first.found is None
    assert first.truth is None
    assert (second.image_ns, second.found_ns) == (70, 90)
    assert second.found.xyxy.tolist() == [[15.0, 20.0, 25.0, 40.0]]
    assert second.truth.class_ids.tolist() == [1]


def test_classes_that_only_the_truth_knows_come_after_the_detectors_own(bag):
    bag.boxes(TOPICS.truth, 1, 5, ('ufo', 1.0, 5.0, 5.0, 2.0, 2.0))
    bag.labels('person')
    bag.writer.close()
    run = read_run(bag.path)
    assert run.class_names == ('person', 'ufo')
    assert run.known_classes == 1


def test_picture_can_be_decoded(bag):
    bag.labels('person')
    bag.image(1, 60)
    bag.writer.close()
    picture = read_run(bag.path).frames[0].picture()
    assert picture.size_wh == (64, 48)
    assert abs(int(picture.pixels[20, 20, 2]) - 200) < 8


@pytest.mark.parametrize('jpeg', [b'', b'\xff\xd8\xffnot a picture'])
def test_missing_or_broken_picture_is_a_value_error(jpeg):
    with pytest.raises(ValueError, match='stamp 7'):
        RunFrame(stamp_ns=7, jpeg=jpeg).picture()


def test_clock_counters_and_model_are_read(bag):
    bag.labels('person')
    for wall_ns, seconds in ((10, 0), (30, 1)):
        stamp = bag.make('builtin_interfaces/msg/Time', sec=seconds, nanosec=0)
        bag.write(TOPICS.clock, wall_ns, clock=stamp)
    bag.write(
        TOPICS.model,
        2,
        header=bag.header(0),
        method='net on CPU',
        database_location='',
        database_version=1,
    )
    durations = ('age_s', *TIMING_FIELDS)
    bag.write(
        TOPICS.timing,
        3,
        header=bag.header(1),
        **{name: 0.25 for name in durations},
        frames_received=9,
        frames_dropped=2,
        frames_refused=1,
    )
    bag.writer.close()
    run = read_run(bag.path)
    assert run.clock_ns.tolist() == [[10, 0], [30, 1_000_000_000]]
    assert run.model == 'net on CPU'
    assert run.counters == {'received': 9, 'dropped': 2, 'refused': 1}
    assert run.frames[0].timing['inference_s'] == 0.25
