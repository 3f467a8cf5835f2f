"""Videos: what is written can be read back."""

import cv2
import numpy as np
import pytest

from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization.video import VideoWriter


def frame(level, size_wh=(64, 48), color_order=ColorOrder.RGB):
    pixels = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    pixels[:, :, 0] = level
    return Frame(pixels=pixels, color_order=color_order)


def read(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        found, pixels = capture.read()
        if not found:
            return frames, capture.get(cv2.CAP_PROP_FPS)
        frames.append(pixels)


@pytest.mark.parametrize('suffix', ['.webm', '.mp4', '.avi'])
def test_every_frame_can_be_read_back_in_its_colors(tmp_path, suffix, capfd):
    path = tmp_path / 'new' / f'video{suffix}'
    with VideoWriter(path, 15) as video:
        for _ in range(20):
            video.write(frame(200))
    frames, fps = read(path)
    assert (len(frames), video.frame_count, fps) == (20, 20, 15)
    assert abs(int(frames[-1][24, 32, 2]) - 200) < 12
    assert frames[-1][24, 32, 0] < 40
    assert capfd.readouterr().err == ''


def test_webm_is_vp8_for_browsers(tmp_path):
    path = tmp_path / 'video.webm'
    with VideoWriter(path, 15) as video:
        video.write(frame(1))
    head = path.read_bytes()
    assert head[:4] == b'\x1a\x45\xdf\xa3'
    assert b'webm' in head[:64]
    assert b'V_VP8' in head


def test_no_frames_leave_no_file(tmp_path):
    with VideoWriter(tmp_path / 'video.webm', 15):
        pass
    assert not (tmp_path / 'video.webm').exists()


def test_unknown_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r'\.webm, \.mp4, \.avi'):
        VideoWriter(tmp_path / 'video.gif', 15)


def test_rate_of_zero_is_refused(tmp_path):
    with pytest.raises(ValueError, match='fps'):
        VideoWriter(tmp_path / 'video.webm', 0)


def test_frame_of_another_size_is_refused(tmp_path):
    with VideoWriter(tmp_path / 'video.webm', 15) as video:
        video.write(frame(1))
        with pytest.raises(ValueError, match=r'\(32, 48\)'):
            video.write(frame(1, size_wh=(32, 48)))


def test_folder_that_is_a_file_is_an_os_error(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError), VideoWriter(tmp_path / 'file' / 'video.webm', 15) as video:  # noqa: PT011
        video.write(frame(1))
