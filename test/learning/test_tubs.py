import json
import math

import cv2
import numpy as np
import pytest

from perception_nodes.learning.data.path_sets import open_path_set
from perception_nodes.learning.data.tubs import read_tub


def record(index, **changes):
    content = {
        '_index': index,
        'cam/image_array': f'{index}_cam_image_array_.jpg',
        'user/angle': 0.5,
        'user/throttle': 0.3,
    }
    return json.dumps({**content, **changes})


@pytest.fixture
def write_tub(tmp_path):
    """Return a function that writes a recording of these lines, with pictures 0..9."""

    def write(*catalogues, deleted=()):
        (tmp_path / 'images').mkdir(exist_ok=True)
        for index in range(10):
            name = str(tmp_path / 'images' / f'{index}_cam_image_array_.jpg')
            cv2.imwrite(name, np.full((12, 16, 3), 20 * index, np.uint8))
        for number, lines in enumerate(catalogues):
            (tmp_path / f'catalog_{number}.catalog').write_text('\n'.join(lines) + '\n')
        manifest = '[]\n' + json.dumps({'deleted_indexes': list(deleted)})
        (tmp_path / 'manifest.json').write_text(manifest)
        return tmp_path

    return write


def test_folder_without_catalogue_says_what_is_wanted(tmp_path):
    with pytest.raises(ValueError, match='version 2'):
        read_tub(tmp_path)


def test_recording_without_a_record_is_no_set(write_tub):
    assert read_tub(write_tub([''])).records == ()
    with pytest.raises(ValueError, match='not one picture'):
        open_path_set(f'tub:{write_tub([""])}')


def test_records_come_in_the_order_of_time_over_all_catalogues(write_tub):
    tub = read_tub(write_tub([record(3), record(1)], [record(7), record(5)]))
    assert [item.index for item in tub.records] == [1, 3, 5, 7]
    assert not tub.skipped


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        ('{"_index": 4, "cam/image', 'not JSON'),
        ('[1, 2]', 'no record'),
        (record('four'), 'no _index'),
        (record(4, **{'cam/image_array': None}), 'no cam/image_array'),
        (record(4, **{'cam/image_array': '../secret.jpg'}), 'no cam/image_array'),
        (record(4, **{'cam/image_array': 'gone.jpg'}), 'picture is missing'),
        (record(4, **{'user/angle': 'left'}), 'no user/angle'),
        (record(4, **{'user/angle': math.nan}), 'no user/angle'),
        (record(4, **{'user/angle': True}), 'no user/angle'),
        (record(4, **{'user/angle': 1.5}), 'user/angle outside -1..1'),
        (record(2), 'deleted by its owner'),
    ],
)
def test_broken_record_is_left_out_and_counted_by_reason(write_tub, line, reason):
    tub = read_tub(write_tub([record(0), line, record(9)], deleted=[2]))
    assert [item.index for item in tub.records] == [0, 9]
    assert tub.skipped == {reason: 1}


@pytest.mark.parametrize(
    ('part', 'kept'), [('', [0, 1, 2, 3]), ('1:3', [1, 2]), (':2', [0, 1]), ('2:', [2, 3])]
)
def test_part_is_chosen_by_number(write_tub, part, kept):
    tub = read_tub(write_tub([record(index) for index in range(4)]), part)
    assert [item.index for item in tub.records] == kept


@pytest.mark.parametrize('part', ['3', '5:2', 'a:b'])
def test_part_that_is_none_is_refused(write_tub, part):
    with pytest.raises(ValueError, match='FIRST:LAST'):
        read_tub(write_tub([record(0)]), part)


def test_steering_to_the_right_is_a_path_that_bends_right(write_tub):
    folder = write_tub([record(0, **{'user/angle': 0.5}), record(1, **{'user/angle': -0.5})])
    right, left = open_path_set(f'tub:{folder}', 2.0).pictures
    points, seen = right.at(np.array([0.5, 1.0]))
    assert seen.all()
    assert points[1] == pytest.approx([np.sin(1.0), np.cos(1.0) - 1], abs=0.01)
    assert left.at(np.array([1.0]))[0][0] == pytest.approx(points[1] * [1, -1], abs=1e-6)


@pytest.mark.data
def test_real_recording_is_read(shared_data):
    tub = read_tub(shared_data / 'donkeycar_tub')
    assert len(tub.records) == 600
    assert not tub.skipped
    assert np.ptp([item.angle for item in tub.records]) > 0.5
