"""Frames of several places in memory, each scene once."""

import cv2
import numpy as np
import pytest

from perception_nodes.curation.frame_sets import gather_frames
from perception_nodes.imaging.sources.source import SourceError


def scene(seed: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    """Return (H, W, 3) uint8, a few blobs."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(small, size_wh, interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path):
    """Return a folder in which the second picture is the first one again, brighter."""
    first = scene(1)
    pictures = [first, cv2.convertScaleAbs(first, alpha=0.9), scene(2), scene(3)]
    for number, pixels in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f'{number}.png'), pixels)
    return tmp_path


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match='no picture'):
        gather_frames([str(tmp_path)], side_px=32)


def test_what_shows_the_same_is_left_out(folder):
    found = gather_frames([str(folder)], side_px=32)
    assert (len(found.pictures), found.same) == (3, 1)
    assert found.names == ('0000_000000', '0000_000001', '0000_000002')


def test_what_another_place_shows_again_is_left_out(folder, tmp_path):
    other = tmp_path / 'other'
    other.mkdir()
    cv2.imwrite(str(other / 'a.png'), scene(3))
    cv2.imwrite(str(other / 'b.png'), scene(4))
    found = gather_frames([str(folder), str(other)], side_px=32)
    assert found.same == 2
    assert found.names[-1] == '0001_000000'


def test_frames_are_rgb_and_shrunk(folder):
    found = gather_frames([str(folder)], side_px=24)
    assert {picture.shape for picture in found.pictures} == {(24, 32, 3)}
    wanted = cv2.cvtColor(scene(3), cv2.COLOR_BGR2RGB)
    assert np.allclose(found.pictures[-1].mean((0, 1)), wanted.mean((0, 1)), atol=2)


def test_small_frames_stay_as_they_are(folder):
    assert gather_frames([str(folder)], side_px=480).pictures[0].shape == (48, 64, 3)


def test_a_folder_of_folders_is_a_source_for_each(tmp_path):
    for number, name in enumerate(('a', 'b')):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / '0.png'), scene(number))
    assert gather_frames([str(tmp_path)], side_px=32).names == ('0000_000000', '0001_000000')


def test_a_video_gives_every_second_frame(tmp_path):
    path = str(tmp_path / 'drive.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 48))
    for seed in range(6):
        writer.write(scene(seed))
    writer.release()
    advanced = []
    found = gather_frames([path], side_px=32, every=2, advance=lambda: advanced.append(1))
    assert len(found.pictures) == len(advanced) == 3


def test_a_broken_picture_is_counted(folder):
    (folder / 'broken.png').write_bytes(b'no picture')
    found = gather_frames([str(folder)], side_px=32)
    assert sum(found.skipped.values()) == 1
    assert len(found.pictures) == 3


def test_values_that_mean_nothing_are_refused(folder):
    with pytest.raises(ValueError, match='every 0'):
        gather_frames([str(folder)], side_px=32, every=0)
