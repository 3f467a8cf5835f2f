"""Frames out of recordings, written here with the same library that reads them."""

import json

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from typer.testing import CliRunner

from perception_nodes.cli.data import app
from perception_nodes.curation.bag_frames import FrameChoice, import_frames
from perception_nodes.imaging.calibration import read_calibration
from perception_nodes.imaging.sources.bag import BagSource
from perception_nodes.imaging.sources.source import SourceError, SourceOptions

RAW, SQUEEZED = '/camera/image_raw', '/camera/image_raw/compressed'
SCENES = (0, 0, 0, 1, 2, 2, 3, 3)  # at 2 Hz; the robot stands most of the time


def scene(seed):
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (64, 48))


def write_bag(path, plugin, encoding='rgb8'):
    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    kinds = {RAW: 'Image', SQUEEZED: 'CompressedImage', '/camera/camera_info': 'CameraInfo'}
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        topics = {
            name: writer.add_connection(name, f'sensor_msgs/msg/{kind}', typestore=store)
            for name, kind in kinds.items()
        }

        def write(topic, **fields):
            message = types[f'sensor_msgs/msg/{kinds[topic]}'](header=header, **fields)
            data = store.serialize_cdr(message, message.__msgtype__)
            writer.write(topics[topic], recorded_ns, data)

        for number, seed in enumerate(SCENES):
            recorded_ns = (100 + number) * 500_000_000
            stamp = types['builtin_interfaces/msg/Time'](
                sec=50 + number // 2, nanosec=(number % 2) * 500_000_000
            )
            header = types['std_msgs/msg/Header'](stamp=stamp, frame_id='camera_optical')
            size = {'height': 48, 'width': 64}
            bgr = scene(seed)
            write(
                RAW, **size, encoding=encoding, is_bigendian=0, step=192,
                data=np.ascontiguousarray(bgr[:, :, ::-1]).reshape(-1),
            )  # fmt: skip
            write(SQUEEZED, format='jpeg', data=cv2.imencode('.jpg', bgr)[1].reshape(-1))
            roi = types['sensor_msgs/msg/RegionOfInterest'](
                x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
            )
            write(
                '/camera/camera_info', **size, distortion_model='plumb_bob', d=np.zeros(5),
                k=np.array([60.0, 0, 32, 0, 60, 24, 0, 0, 1]), r=np.eye(3).reshape(-1),
                p=np.array([60.0, 0, 32, 0, 0, 60, 24, 0, 0, 0, 1, 0]),
                binning_x=0, binning_y=0, roi=roi,
            )  # fmt: skip
    return path


@pytest.fixture(scope='module', params=['SQLITE3', 'MCAP'])
def bag(request, tmp_path_factory):
    path = tmp_path_factory.mktemp('recordings') / 'drive'
    return write_bag(path, StoragePlugin[request.param])


def taken(bag, out, topic=RAW, **choice):
    with BagSource(bag, SourceOptions(topic=topic)) as source:
        result = import_frames(source, 'drive', out, FrameChoice(**choice))
    return result, [json.loads(line) for line in (out / 'frames.jsonl').read_text().splitlines()]


def test_standing_robot_gives_one_frame(bag, tmp_path):
    result, rows = taken(bag, tmp_path)
    assert (result.written, result.same) == (4, 4)
    assert [row['stamp_ns'] for row in rows] == [
        50 * 10**9,
        51_500_000_000,
        52 * 10**9,
        53 * 10**9,
    ]
    assert rows[0] == {
        'file': 'drive_000000.png', 'stamp_ns': 50 * 10**9, 'topic': RAW,
        'frame_id': 'camera_optical',
    }  # fmt: skip
    for row, seed in zip(rows, (0, 1, 2, 3), strict=True):
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / row['file'])), scene(seed))


def test_compressed_frames_are_written_as_they_were_recorded(bag, tmp_path):
    _, rows = taken(bag, tmp_path, SQUEEZED)
    content = (tmp_path / rows[1]['file']).read_bytes()
    assert rows[1]['file'].endswith('.jpg')
    assert content == cv2.imencode('.jpg', scene(1))[1].tobytes()


@pytest.mark.parametrize(
    ('choice', 'stamps_s'),
    [
        ({'keep_duplicates': True}, [50, 50.5, 51, 51.5, 52, 52.5, 53, 53.5]),
        ({'keep_duplicates': True, 'every_s': 1.0}, [50, 51, 52, 53]),
        ({'keep_duplicates': True, 'limit': 3}, [50, 50.5, 51]),
        ({'every_s': 2.0}, [50, 52]),
    ],
)
def test_time_and_number_are_limited(bag, tmp_path, choice, stamps_s):
    _, rows = taken(bag, tmp_path, **choice)
    assert [row['stamp_ns'] / 1e9 for row in rows] == stamps_s


def test_calibration_can_be_read_again(bag, tmp_path):
    result, _ = taken(bag, tmp_path)
    calibration = read_calibration(tmp_path / 'camera_info.yaml')
    assert result.calibrated
    assert (calibration.size_wh, calibration.k[0], calibration.k[2]) == ((64, 48), 60.0, 32.0)


def test_unknown_encoding_ends_with_its_name_and_leaves_no_index(tmp_path, caplog):
    bag = write_bag(tmp_path / 'odd', StoragePlugin.MCAP, encoding='yuv_of_mars')
    with pytest.raises(ValueError, match='8× unknown_encoding'):
        taken(bag, tmp_path / 'out')
    assert 'yuv_of_mars' in caplog.text
    assert not list((tmp_path / 'out').iterdir())


def test_second_import_into_a_folder_is_refused(bag, tmp_path):
    taken(bag, tmp_path)
    with pytest.raises(ValueError, match='is there already'):
        taken(bag, tmp_path)


@pytest.mark.parametrize('choice', [{'every_s': -1.0}, {'limit': 0}])
def test_choice_without_meaning_is_refused(choice):
    with pytest.raises(ValueError, match='every'):
        FrameChoice(**choice)


def test_command_imports_and_names_the_topics_when_asked_for_another(bag, tmp_path):
    arguments = ['import-bag', str(bag), '--out', str(tmp_path / 'out')]
    wrong = CliRunner().invoke(app, [*arguments, '--topic', '/nothing'])
    assert isinstance(wrong.exception, SourceError)
    assert f'{RAW} [Image], {SQUEEZED} [CompressedImage]' in str(wrong.exception)
    right = CliRunner().invoke(app, [*arguments, '--topic', SQUEEZED])
    assert right.exit_code == 0, right.output
    assert len(list((tmp_path / 'out').glob('drive_*.jpg'))) == 4


def test_what_is_no_bag_is_named(tmp_path):
    (tmp_path / 'notes.mcap').write_text('hello')
    found = CliRunner().invoke(app, ['import-bag', str(tmp_path / 'notes.mcap'), '--out', 'x'])
    assert 'not a readable rosbag2' in str(found.exception)
