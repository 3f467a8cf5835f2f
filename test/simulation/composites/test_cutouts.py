"""Cut-outs of a folder: what is taken, and what is refused with which words."""

import cv2
import numpy as np
import pytest

from perception_nodes.simulation.composites.cutouts import CutoutError, find_cutouts, read_cutout


def write(path, side: int = 40, alpha: int | None = 255, channels: int = 4, border: int = 10):
    """Write a red square with a border of transparent green."""
    pixels = np.zeros((side + 2 * border, side + 2 * border, channels), np.uint8)
    pixels[:, :, 1] = 255
    inner = slice(border, border + side)
    pixels[inner, inner, :3] = (0, 0, 255)  # BGR
    if channels == 4:
        pixels[inner, inner, 3] = alpha
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)
    return path


def test_cutouts_are_found_by_class(tmp_path):
    for name in ('cone/b.png', 'cone/a.png', 'ball/c.png'):
        write(tmp_path / name)
    (tmp_path / 'empty').mkdir()
    found = find_cutouts(tmp_path)
    assert found.classes == ('ball', 'cone')
    assert [path.name for path in found.files[1]] == ['a.png', 'b.png']


def test_transparent_border_is_left_out_and_colours_are_rgb(tmp_path):
    cutout = read_cutout(write(tmp_path / 'a.png'))
    assert cutout.size_wh == (40, 40)
    assert cutout.rgb[0, 0].tolist() == [255, 0, 0]
    assert (cutout.alpha == 255).all()


def test_large_cutouts_are_kept_smaller(tmp_path):
    assert read_cutout(write(tmp_path / 'a.png', side=1280)).size_wh == (640, 640)


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'channels': 3}, r'a\.png: has 3 channel\(s\).*no alpha.*transparency'),
        ({'border': 0}, r'a\.png: no pixel is transparent; cut the thing out'),
        ({'side': 11}, r'a\.png: the thing has 11x11 pixels; 12'),
        ({'alpha': 100}, r'a\.png: the thing has 0x0 pixels'),
    ],
)
def test_pictures_that_are_no_cutouts_are_refused(tmp_path, options, words):
    path = write(tmp_path / 'a.png', **options)
    with pytest.raises(CutoutError, match=words):
        read_cutout(path)


def test_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'no picture')
    with pytest.raises(CutoutError, match='cannot be read'):
        read_cutout(tmp_path / 'a.png')


def test_folder_without_classes_shows_what_is_wanted(tmp_path):
    write(tmp_path / 'a.png')
    with pytest.raises(CutoutError, match=r'no cut-outs; put PNG files.*a folder for each class'):
        find_cutouts(tmp_path)
    with pytest.raises(CutoutError, match='no cut-outs'):
        find_cutouts(tmp_path / 'nowhere')


def test_no_class_may_be_called_as_what_shows_nothing(tmp_path):
    write(tmp_path / 'background' / 'a.png')
    with pytest.raises(CutoutError, match='rename it'):
        find_cutouts(tmp_path)
