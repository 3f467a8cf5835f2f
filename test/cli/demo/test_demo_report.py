"""The demo's page and video from a small made-up run."""

import cv2
import numpy as np
import pytest

from perception_nodes.cli.demo.pictures import (
    Scene,
    count_errors,
    video_frames,
    worst_moments,
    write_video,
)
from perception_nodes.cli.demo.report import build_report
from perception_nodes.evaluation.demo_result import analyse_run
from perception_nodes.evaluation.demo_run import TIMING_FIELDS, DemoRun, RunFrame
from perception_nodes.structures import Detections
from perception_nodes.visualization.report import render_report

NAMES = ('person', 'traffic_cone')
GREY = np.full((120, 160, 3), 90, np.uint8)


def boxes(*items):
    rows = np.array([item[0] for item in items], float).reshape(-1, 4)
    return Detections(rows, [item[1] for item in items], [item[2] for item in items])


def frame(number, *, answered=True, rate_hz=10):
    data = cv2.imencode('.jpg', GREY)[1].tobytes()
    stamp_ns = round(number * 1e9 / rate_hz)
    truth = boxes(((20, 20, 60, 100), 1.0, 0))
    found = boxes(((22, 20, 60, 100), 0.8, number % 2))
    answer = {'found': found, 'found_ns': stamp_ns + 40_000_000} if answered else {}
    return RunFrame(
        stamp_ns=stamp_ns,
        jpeg=data,
        image_ns=stamp_ns + 1,
        truth=truth,
        timing=dict.fromkeys(TIMING_FIELDS, 0.01) if answered else {},
        **answer,
    )


def run(*frames):
    return DemoRun(
        frames=frames,
        class_names=NAMES,
        known_classes=2,
        model='net & <CPU>',
        clock_ns=np.array([(0, 0), (2_000_000_000, 1_000_000_000)], np.int64),
        path_xy=np.array([(0.0, 0.0), (3.0, 4.0)]),
        counters={'received': 12, 'dropped': 2, 'refused': 0},
    )


def page(recorded):
    report = build_report(
        Scene(recorded),
        analyse_run(recorded),
        video='demo.webm',
        facts={'Processor': 'a fast one'},
        command='perception demo',
    )
    return render_report(report)


def test_page_shows_what_was_measured():
    text = page(run(*(frame(i, answered=i != 5) for i in range(12))))
    for part in ('54.5 %', '40 ms', 'a fast one', 'net &amp; &lt;CPU&gt;', 'src="demo.webm"'):
        assert part in text, part
    assert text.count('data:image/jpeg;base64,') >= 3


def test_page_of_a_run_without_frames_still_says_so():
    text = page(run())
    assert 'No picture has both an answer and ground truth.' in text


def test_drawing_scales_the_boxes_with_the_picture():
    scene = Scene(run(frame(0)))
    small, large = scene.picture(frame(0)), scene.picture(frame(0), width=320)
    assert small.size_wh == (160, 120)
    assert large.size_wh == (320, 240)
    assert (large.pixels[100:160, 44] != GREY[0, 0]).any()


def test_picture_without_an_answer_says_so_in_its_caption():
    drawn = Scene(run(frame(0))).picture(frame(0, answered=False))
    assert (drawn.pixels[-10:] > 200).any()


def test_video_plays_in_simulated_time(tmp_path):
    done = []
    recorded = run(*(frame(i) for i in range(12)))
    count = write_video(Scene(recorded), tmp_path / 'demo.webm', lambda: done.append(1))
    capture = cv2.VideoCapture(str(tmp_path / 'demo.webm'))
    assert (count, len(done)) == (12, 12)
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10, abs=0.1)


def test_video_of_a_fast_camera_is_thinned_out():
    assert len(video_frames(run(*(frame(i, rate_hz=60) for i in range(40))))) == 10
    assert len(video_frames(run(*(frame(i, rate_hz=15) for i in range(40))))) == 40


def test_worst_moments_lie_apart_in_time():
    frames = [frame(i) for i in range(20)]
    worst = worst_moments(frames)
    steps = np.diff(sorted(item.stamp_ns for item in worst))
    assert [count_errors(item) for item in worst] == [2, 2, 2]
    assert (steps >= 150_000_000).all()


def test_worst_moment_of_a_single_picture_is_that_picture():
    assert len(worst_moments([frame(0)])) == 1
