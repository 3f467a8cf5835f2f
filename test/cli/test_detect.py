"""``perception detect``: sources, files written, exit codes."""

import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.detect import detect
from perception_nodes.cli.sources import find_sources
from perception_nodes.evaluation.ground_truth import read_coco
from perception_nodes.inference.bundle import write_bundle
from perception_nodes.inference.catalogue import load_catalogue

APP = typer.Typer()
APP.command()(detect)


def call(*words, exit_code=0):
    result = CliRunner().invoke(APP, [str(word) for word in words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


@pytest.fixture
def pictures(tmp_path):
    """Return a folder with two pictures and a file that is none."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for name in ('b.png', 'a.JPG'):
        cv2.imwrite(str(folder / name), np.zeros((20, 30, 3), np.uint8))
    (folder / 'notes.txt').write_text('no picture')
    return folder


@pytest.fixture
def model(shared_data, tmp_path):
    weights = shared_data / 'models' / 'yolox_nano.onnx'
    spec = load_catalogue()['yolox_nano_sample'].spec
    return write_bundle(tmp_path / 'model', spec, weights).path


def test_folder_gives_its_pictures_sorted(pictures):
    assert [source.path.name for source in find_sources([str(pictures)])] == ['a.JPG', 'b.png']


def test_pattern_and_file_are_sources(pictures):
    assert len(find_sources([str(pictures / '*.png'), str(pictures / 'a.JPG')])) == 2


@pytest.mark.parametrize('argument', ['absent.jpg', 'notes.txt', 'empty', '*.mp4'])
def test_source_that_leads_to_nothing_is_named(pictures, argument):
    (pictures / 'empty').mkdir()
    with pytest.raises(ValueError, match=r'no picture \(.png'):
        find_sources([str(pictures / argument)])


def test_video_knows_its_frames(tmp_path):
    path = tmp_path / 'video.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (32, 16))
    for _ in range(5):
        writer.write(np.zeros((16, 32, 3), np.uint8))
    writer.release()
    (source,) = find_sources([str(path)])
    assert (source.frame_count, source.fps) == (5, 10.0)
    stamps = [frame.stamp_ns for frame in source.frames()]
    assert stamps == [0, 100_000_000, 200_000_000, 300_000_000, 400_000_000]


def test_video_that_is_none_is_named(tmp_path):
    (tmp_path / 'video.mp4').write_bytes(b'no video')
    (source,) = find_sources([str(tmp_path / 'video.mp4')])
    with pytest.raises(ValueError, match=r'video\.mp4: not one frame'):
        list(source.frames())


@pytest.mark.data
def test_pedestrians_are_found_written_and_drawn(shared_data, model, tmp_path):
    source = shared_data / 'pennfudan' / 'PNGImages' / 'FudanPed00001.png'
    out = tmp_path / 'out'
    call(source, '--model', model, '--out', out, '--class', 'person', '--device', 'cpu')
    results = json.loads((out / 'results.json').read_text())
    dataset = json.loads((out / 'dataset.json').read_text())
    names = {item['id']: item['name'] for item in dataset['categories']}
    assert [names[item['category_id']] for item in results] == ['person', 'person']
    assert dataset['images'] == [{'id': 1, 'file_name': str(source), 'width': 559, 'height': 536}]
    np.testing.assert_allclose(results[0]['bbox'], [159, 181, 143, 250], atol=25)
    drawn = cv2.imread(str(out / 'overlays' / 'FudanPed00001.jpg'))
    assert drawn.shape == (536, 559, 3)
    assert np.abs(drawn.astype(int) - cv2.imread(str(source))).max() > 50


@pytest.mark.data
def test_numbers_of_a_label_file_are_used(shared_data, model, tmp_path):
    labels = shared_data / 'coco_val_detection' / 'instances_val2017.json'
    truth = read_coco(labels)
    image = truth.images[0]
    call(
        image.path, '--model', model, '--out', tmp_path / 'out', '--labels', labels,
        '--no-overlays', '--device', 'cpu',
    )  # fmt: skip
    results = json.loads((tmp_path / 'out' / 'results.json').read_text())
    assert {item['image_id'] for item in results} == {image.image_id}
    assert {item['category_id'] for item in results} <= set(truth.category_ids.values())
    assert not (tmp_path / 'out' / 'overlays').exists()


@pytest.mark.data
def test_broken_picture_is_skipped_named_and_seen_in_the_exit_code(model, pictures, tmp_path):
    (pictures / 'c.jpg').write_bytes(b'broken')
    out = tmp_path / 'out'
    result = call(pictures, '--model', model, '--out', out, '--device', 'cpu', exit_code=1)
    assert 'c.jpg' in result.output.replace('\n', '')
    assert len(json.loads((out / 'dataset.json').read_text())['images']) == 2


@pytest.mark.data
def test_every_frame_of_a_video_is_recorded_and_drawn(model, shared_data, tmp_path):
    capture = cv2.VideoCapture(str(shared_data / 'lane_video' / 'solidWhiteRight.mp4'))
    path = tmp_path / 'street.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 25.0, (960, 540))
    for _ in range(6):
        writer.write(capture.read()[1])
    writer.release()
    call(path, '--model', model, '--out', tmp_path / 'out', '--device', 'cpu')
    dataset = json.loads((tmp_path / 'out' / 'dataset.json').read_text())
    assert [item['id'] for item in dataset['images']] == [1, 2, 3, 4, 5, 6]
    assert dataset['images'][5]['file_name'].endswith('street.avi#000005')
    overlay = cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'street.webm'))
    frames = 0
    while overlay.read()[0]:
        frames += 1
    assert frames == 6
