"""Which topics the doctor subscribes to, and how."""

from perception_nodes.ros.doctor.listening import Listening, misses_something, plan
from perception_nodes.ros.doctor.snapshot import (
    CAMERA_INFO,
    COMPRESSED,
    DETECTIONS_2D,
    IMAGE,
    Endpoint,
    Qos,
)

WEAK = Qos(reliable=False)


def endpoint(topic, node, type_name=IMAGE, qos=None):
    return Endpoint(topic=topic, node=node, type_name=type_name, qos=qos or Qos())


def listening(topic, type_name=IMAGE, reliable=True):
    return Listening(topic=topic, type_name=type_name, reliable=reliable)


def test_nothing_is_heard_on_an_empty_graph():
    assert plan([], []) == set()


def test_images_of_a_source_are_heard_though_nobody_reads_them():
    assert plan([endpoint('/image', '/camera')], []) == {listening('/image')}


def test_unread_overlay_is_left_alone_and_a_read_one_is_heard():
    publishers = [endpoint('/overlay', '/detector')]
    reads = endpoint('/image', '/detector')
    assert plan(publishers, [reads]) == set()
    viewer = endpoint('/overlay', '/viewer')
    assert plan(publishers, [reads, viewer]) == {listening('/overlay')}


def test_compressed_beside_raw_is_heard_only_when_read():
    raw = endpoint('/image', '/camera')
    compressed = endpoint('/image/compressed', '/camera', COMPRESSED)
    assert plan([raw, compressed], []) == {listening('/image')}
    reader = endpoint('/image/compressed', '/detector', COMPRESSED)
    assert listening('/image/compressed', COMPRESSED) in plan([raw, compressed], [reader])
    assert plan([compressed], []) == {listening('/image/compressed', COMPRESSED)}


def test_detections_and_camera_info_are_always_heard_and_commands_never():
    publishers = [
        endpoint('/detections', '/detector', DETECTIONS_2D),
        endpoint('/camera_info', '/camera', CAMERA_INFO),
        endpoint('/cmd_vel', '/follower', 'geometry_msgs/msg/Twist'),
    ]
    assert {item.topic for item in plan(publishers, [])} == {'/detections', '/camera_info'}


def test_the_doctor_asks_as_the_weakest_reader_and_for_no_more_than_offered():
    strong, weak = endpoint('/image', '/camera'), endpoint('/image', '/camera', qos=WEAK)
    assert plan([weak], []) == {listening('/image', reliable=False)}
    reader = endpoint('/image', '/viewer', qos=WEAK)
    assert plan([strong], [reader]) == {listening('/image', reliable=False)}
    assert plan([strong], [endpoint('/image', '/viewer')]) == {listening('/image')}


def test_other_domains_are_asked_only_when_something_is_missing():
    camera, reader = endpoint('/image', '/camera'), endpoint('/image', '/detector')
    assert not misses_something([camera], [reader])
    assert misses_something([], [])
    assert misses_something([camera], [])
    assert misses_something([camera], [reader, endpoint('/depth', '/mapper')])
