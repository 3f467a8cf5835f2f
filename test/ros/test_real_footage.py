"""Real footage through camera and detector: every frame answered under its own header."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import Image
from std_msgs.msg import Bool
from vision_msgs.msg import Detection2DArray

from perception_nodes.ros.camera_node import CameraNode
from perception_nodes.ros.detection_node import DetectionNode
from perception_nodes.ros.image_conversion import frame_from_msg
from perception_nodes.ros.qos import LATCHED_QOS

pytestmark = [pytest.mark.ros, pytest.mark.data]

# As the sample table of the file itself says.
VIDEO_FRAMES = 221

TOPICS = {
    'image': (Image, 'image'),
    'found': (Detection2DArray, 'detection_node/detections'),
    'overlay': (Image, 'detection_node/overlay'),
}


class Witness:
    """Hears pictures, results and overlays; keeps headers, and pixels only until compared."""

    def __init__(self, graph):
        self.headers = {name: [] for name in TOPICS}
        self.objects = 0
        self.drawn = 0
        self._waiting = {}
        for name, (kind, topic) in TOPICS.items():
            listen = self._listener(name)
            graph.probe.create_subscription(kind, topic, listen, 10)

    def _listener(self, name):
        def listen(message):
            self.headers[name].append(message.header)
            stamp = (message.header.stamp.sec, message.header.stamp.nanosec)
            together = self._waiting.setdefault(stamp, {})
            together[name] = message
            if len(together) == len(TOPICS):
                self._compare(**self._waiting.pop(stamp))

        return listen

    def _compare(self, image, found, overlay):
        assert overlay.header == image.header
        before, after = (frame_from_msg(m).in_order('bgr') for m in (image, overlay))
        assert before.shape == after.shape
        changed = (before != after).any(axis=2)
        assert changed.any() == bool(found.detections)
        for detection in found.detections:
            self.objects += 1
            self.drawn += outline(changed, detection.bbox).mean() > 0.5


def outline(changed, box):
    """Return whether the pixels along the four sides of a box changed, sides 5 pixels wide."""
    x, y = box.center.position.x, box.center.position.y
    half_width, half_height = box.size_x / 2, box.size_y / 2
    height, width = changed.shape
    columns = np.arange(max(0, round(x - half_width)), min(width, round(x + half_width)))
    rows = np.arange(max(0, round(y - half_height)), min(height, round(y + half_height)))
    sides = [
        near(changed, round(y + side), axis=0)[columns] for side in (-half_height, half_height)
    ]
    sides += [near(changed, round(x + side), axis=1)[rows] for side in (-half_width, half_width)]
    return np.concatenate(sides)


def near(changed, line, axis):
    """Return whether anything changed within 2 pixels of a row or column."""
    last = changed.shape[axis] - 1
    lines = np.arange(line - 2, line + 3).clip(0, last)
    return np.take(changed, lines, axis=axis).any(axis=axis)


@pytest.fixture
def play(graph, public_bundle):
    """Return a function that plays a source through camera and detector to its end."""
    witness = Witness(graph)
    finished = graph.listen(Bool, 'camera_node/finished', LATCHED_QOS)

    def run(source, count):
        model = str(public_bundle('yolox_nano_sample').path)
        detector = graph.add(
            DetectionNode, model=model, device='cpu', threads=1, score_threshold=0.3
        )
        graph.wait_until(lambda: detector.state_label == 'active', 20.0)
        topics = [topic for _, topic in list(TOPICS.values())[1:]]
        graph.wait_until(lambda: all(map(graph.probe.count_publishers, topics)))
        graph.turn(0.3)
        camera = graph.add(
            lambda **options: CameraNode(
                cli_args=[
                    *('--ros-args', '-r', 'image_raw:=image'),
                    *('-r', 'detections:=detection_node/detections'),
                ],
                **options,
            ),
            source=str(source),
            pacing='on_demand',
            answer_timeout_s=30.0,
            stamp='source',
            wait_for_subscribers=2,
        )
        graph.wait_until(lambda: any(message.data for message in finished), 120.0)
        graph.wait_until(lambda: len(witness.headers['overlay']) >= count)
        graph.turn(0.2)
        graph.remove(camera)
        return witness

    return run


def assert_complete(witness, count):
    """Check that image, result and overlay came for every frame, in order, with one header."""
    images, found, overlays = (witness.headers[name] for name in TOPICS)
    assert len(images) == count
    assert found == images
    assert overlays == images
    stamps = [(header.stamp.sec, header.stamp.nanosec) for header in images]
    assert stamps == sorted(set(stamps))
    assert all(header.frame_id == 'camera_optical_frame' for header in images)


def test_every_frame_of_the_driving_video_is_answered(play, shared_data):
    witness = play(shared_data / 'lane_video' / 'solidWhiteRight.mp4', VIDEO_FRAMES)
    assert_complete(witness, VIDEO_FRAMES)
    assert witness.objects > VIDEO_FRAMES
    assert witness.drawn > 0.95 * witness.objects


@pytest.mark.parametrize(
    ('folder', 'count', 'objects'),
    [
        ('pennfudan/PNGImages', 25, 40),
        ('lane_video', 3, 1),
        ('driving_conditions_unlabelled', 6, 6),
    ],
)
def test_every_street_photo_is_answered(play, shared_data, folder, count, objects):
    witness = play(f'folder:{shared_data / folder}', count)
    assert_complete(witness, count)
    assert witness.objects >= objects
    assert witness.drawn > 0.95 * witness.objects
