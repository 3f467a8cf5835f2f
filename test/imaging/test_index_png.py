"""PNG files of class numbers."""

import cv2
import numpy as np
import pytest

from perception_nodes.imaging.image_error import ImageError
from perception_nodes.imaging.index_png import read_index_png, write_index_png

NUMBERS = np.array([[0, 1, 2], [254, 255, 7]], np.uint8)


@pytest.mark.parametrize('palette', [(), ((0, 0, 0), (255, 0, 0), (0, 0, 255))])
def test_numbers_and_names_come_back(tmp_path, palette):
    path = tmp_path / 'folder' / 'mask.png'
    write_index_png(path, NUMBERS, palette_rgb=palette, names=('sky', 'road'))
    found = read_index_png(path)
    assert np.array_equal(found.class_ids, NUMBERS)
    assert found.names == ('sky', 'road')


def test_a_part_of_a_larger_array_is_written_as_it_looks(tmp_path):
    whole = np.arange(60, dtype=np.uint8).reshape(6, 10)
    write_index_png(tmp_path / 'mask.png', whole[::2, 1:4])
    assert np.array_equal(read_index_png(tmp_path / 'mask.png').class_ids, whole[::2, 1:4])


def test_a_file_of_another_program_has_no_names(tmp_path):
    cv2.imwrite(str(tmp_path / 'mask.png'), NUMBERS)
    found = read_index_png(tmp_path / 'mask.png')
    assert np.array_equal(found.class_ids, NUMBERS)
    assert found.names == ()


def colours(path):
    cv2.imwrite(str(path), np.zeros((2, 2, 3), np.uint8))


def sixteen_bits(path):
    cv2.imwrite(str(path), np.zeros((2, 2), np.uint16))


def no_png(path):
    path.write_bytes(b'GIF89a')


def cut_short(path):
    write_index_png(path, np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize('make', [colours, sixteen_bits, no_png, cut_short])
def test_other_files_are_refused_by_name(tmp_path, make):
    make(tmp_path / 'mask.png')
    with pytest.raises(ImageError, match=r'mask\.png'):
        read_index_png(tmp_path / 'mask.png')


def test_absent_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match=r'absent\.png'):
        read_index_png(tmp_path / 'absent.png')
