"""Folders play in natural order and survive broken pictures."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.imaging.sources import FolderStamps, SourceError, SourceOptions
from perception_nodes.imaging.sources.folder import FolderSource, natural_key, stamp_ns_from_name


def test_empty_folder_is_refused_naming_the_suffixes(tmp_path):
    with pytest.raises(SourceError, match=r'\.jpg'):
        FolderSource(tmp_path)


def test_pictures_come_in_natural_order_at_the_rate(picture_folder, read_index):
    source = FolderSource(picture_folder, SourceOptions(rate_hz=4, frame_id='camera'))
    frames = list(source)
    assert [read_index(frame) for frame in frames] == list(range(12))
    assert [frame.stamp_ns for frame in frames] == [10**9 + i * 250_000_000 for i in range(12)]
    assert (source.size_wh, source.rate_hz, source.length) == ((64, 48), 4, 12)
    assert frames[0].frame_id == 'camera'


def test_other_files_and_folders_are_left_alone(picture_folder):
    (picture_folder / 'notes.txt').write_text('x')
    (picture_folder / 'inner.png').mkdir()
    assert FolderSource(picture_folder).length == 12


def test_broken_picture_is_skipped_counted_and_keeps_its_place_in_time(
    picture_folder, read_index, caplog
):
    (picture_folder / 'frame_3.png').write_bytes(b'\x89PNG\r\n\x1a\nrubbish')
    (picture_folder / 'frame_5.png').write_bytes(b'')
    source = FolderSource(picture_folder)
    frames = list(source)
    assert [read_index(frame) for frame in frames] == [0, 1, 2, 4, 6, 7, 8, 9, 10, 11]
    assert frames[3].stamp_ns == source.stamps_ns[4]
    assert source.skipped == {'broken_data': 2}
    assert 'frame_3.png' in caplog.text


def test_bomb_is_skipped_under_its_reason(picture_folder):
    data = bytearray((picture_folder / 'frame_0.png').read_bytes())
    data[16:24] = struct.pack('>II', 10_000, 10_000)
    (picture_folder / 'frame_0.png').write_bytes(data)
    source = FolderSource(picture_folder)
    assert len(list(source)) == 11
    assert source.skipped == {'too_large': 1}


def test_folder_of_broken_pictures_has_no_size(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'x')
    source = FolderSource(tmp_path)
    assert list(source) == []
    with pytest.raises(SourceError, match='none of 1'):
        _ = source.size_wh


def test_file_that_vanishes_is_skipped(picture_folder):
    source = FolderSource(picture_folder)
    (picture_folder / 'frame_1.png').unlink()
    assert len(list(source)) == 11
    assert source.skipped == {'unreadable_file': 1}


def test_single_picture_is_a_folder_of_one(picture_folder, read_index):
    source = FolderSource(picture_folder / 'frame_7.png')
    assert [read_index(frame) for frame in source] == [7]


def test_every_suffix_that_is_listed_is_read(tmp_path):
    pixels = np.full((8, 8, 3), 77, np.uint8)
    for suffix in ('.jpg', '.png', '.bmp', '.webp', '.tiff', '.ppm'):
        cv2.imwrite(str(tmp_path / f'a{suffix}'), pixels)
    cv2.imwrite(str(tmp_path / 'a.pgm'), pixels[:, :, 0])
    source = FolderSource(tmp_path)
    assert [abs(int(frame.pixels.mean()) - 77) <= 2 for frame in source] == [True] * 7
    assert not source.skipped


def test_stamps_from_file_names_order_the_pictures(tmp_path, read_index):
    times = {'b_1700000000.500.png': 1, 'a_1700000001.000.png': 2, 'c_1699999999.25.png': 0}
    for name, index in times.items():
        cv2.imwrite(str(tmp_path / name), np.full((4, 4, 3), (20 * index, 0, 0), np.uint8))
    source = FolderSource(tmp_path, SourceOptions(stamps=FolderStamps.FILE_NAMES))
    frames = list(source)
    assert [read_index(frame) for frame in frames] == [0, 1, 2]
    assert frames[0].stamp_ns == 1_699_999_999_250_000_000
    assert source.rate_hz == pytest.approx(2 / 1.75)


@pytest.mark.parametrize(
    ('stem', 'stamp_ns'),
    [
        ('1700000000', 1_700_000_000_000_000_000),
        ('1700000000.000000001', 1_700_000_000_000_000_001),
        ('cam0_1700000000123', 1_700_000_000_123_000_000),
        ('1700000000123456', 1_700_000_000_123_456_000),
        ('1700000000123456789', 1_700_000_000_123_456_789),
        ('7_1700000000123456789_2', 1_700_000_000_123_456_789),
    ],
)
def test_time_in_a_file_name_is_read_in_its_unit(stem, stamp_ns):
    assert stamp_ns_from_name(stem) == stamp_ns


def test_file_name_without_a_time_is_refused_with_the_cure(picture_folder):
    with pytest.raises(SourceError, match='rename the files'):
        FolderSource(picture_folder, SourceOptions(stamps=FolderStamps.FILE_NAMES))


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_names_can_be_ordered(names):
    ordered = sorted(names, key=natural_key)
    assert sorted(ordered) == sorted(names)


@pytest.mark.data
def test_real_pictures_are_all_read(shared_data):
    source = FolderSource(shared_data / 'driving_conditions_unlabelled')
    assert len(list(source)) == 6
    assert not source.skipped
