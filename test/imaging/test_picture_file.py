import cv2
import numpy as np
import pytest

from perception_nodes.imaging.picture_file import write_picture


def test_folder_is_made_and_quality_is_that_of_jpegs(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    sizes = []
    for quality in (20, 95):
        path = tmp_path / 'new' / f'{quality}.jpg'
        write_picture(path, pixels[:, ::-1], jpeg_quality=quality)
        sizes.append(path.stat().st_size)
    assert sizes[0] < sizes[1]


def test_sixteen_bits_stay(tmp_path):
    depth = np.array([[0, 700], [40_000, 65_535]], np.uint16)
    write_picture(tmp_path / 'a.png', depth)
    assert np.array_equal(cv2.imread(str(tmp_path / 'a.png'), cv2.IMREAD_UNCHANGED), depth)


def test_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'a.jpg').mkdir()
    with pytest.raises(OSError, match=r'cannot write .*a\.jpg'):
        write_picture(tmp_path / 'a.jpg', np.zeros((4, 4, 3), np.uint8))
