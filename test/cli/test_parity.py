"""Comparing two runs: what counts as the same, what as lost, and what the command says."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from perception_nodes.cli import parity as command
from perception_nodes.cli.parity_compare import Parity, compare_pictures, differing_boxes
from perception_nodes.cli.parity_graph import ParityOptions, lay_out
from perception_nodes.evaluation.metrics import DetectionMetrics
from perception_nodes.structures import Detections

BOX = (10.0, 20.0, 110.0, 220.0)


def found(*rows):
    """Return detections of rows (box, score, class number)."""
    if not rows:
        return Detections.empty()
    boxes, scores, classes = zip(*rows, strict=True)
    return Detections(np.array(boxes), np.array(scores), np.array(classes))


def metrics(mean_ap):
    return DetectionMetrics(
        mean_ap=mean_ap,
        ap50=0.5,
        ap75=0.3,
        recall=0.4,
        by_size={},
        by_class={},
        images=2,
        truths=5,
        detections=9,
        max_detections=100,
    )


def result(graph=0.305, plain=0.305, pictures=(), strange_stamps=()):
    return Parity(
        graph=metrics(graph),
        plain=metrics(plain),
        pictures=pictures,
        strange_stamps=strange_stamps,
    )


def test_same_boxes_do_not_differ_in_any_order():
    other = (0.0, 0.0, 5.0, 5.0)
    first, second = found((BOX, 0.9, 1), (other, 0.4, 2)), found((other, 0.4, 2), (BOX, 0.9, 1))
    assert differing_boxes(first, second) == 0


@pytest.mark.parametrize(
    'other',
    [
        pytest.param((BOX, 0.9, 2), id='another class'),
        pytest.param((BOX, 0.9002, 1), id='another score'),
        pytest.param(((11.0, 20.0, 110.0, 220.0), 0.9, 1), id='another box'),
    ],
)
def test_box_that_differs_counts_on_both_sides(other):
    assert differing_boxes(found((BOX, 0.9, 1)), found(other)) == 2


def test_box_that_only_one_side_has_counts_once():
    assert differing_boxes(found((BOX, 0.9, 1)), found()) == 1
    assert differing_boxes(found(), found((BOX, 0.9, 1))) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 500), st.floats(0.0, 1.0, width=32)),
        max_size=20,
        unique_by=lambda row: row[:2],
    )
)
def test_detections_never_differ_from_themselves(rows):
    boxes = found(*(((x, y, x + 7.5, y + 9.25), score, 0) for x, y, score in rows))
    assert differing_boxes(boxes, boxes) == 0


def test_picture_without_answer_is_lost_and_does_not_hide_in_the_differences():
    one = found((BOX, 0.9, 1))
    pictures = compare_pictures(['a.jpg', 'b.jpg'], {1: one}, [one, one])
    parity = result(pictures=pictures)
    assert parity.lost == ('a.jpg',)
    assert parity.differing_boxes == 0
    assert [item.graph for item in pictures] == [None, 1]


def test_empty_answer_is_an_answer():
    pictures = compare_pictures(['a.jpg'], {0: found()}, [found()])
    assert result(pictures=pictures).lost == ()


def test_tolerance_is_on_both_sides():
    assert result(0.3050, 0.3059).agrees(0.001)
    assert not result(0.3050, 0.3061).agrees(0.001)
    assert not result(0.3061, 0.3050).agrees(0.001)


def test_figure_on_one_side_only_never_agrees():
    assert not result(math.nan, 0.3).agrees(1.0)
    assert result(math.nan, math.nan).agrees(0.0)


def test_json_holds_both_sides_and_every_picture(tmp_path):
    one = found((BOX, 0.9, 1))
    pictures = compare_pictures(['a.jpg', 'b.jpg'], {1: one}, [one, one])
    result(0.25, 0.5, pictures, (7,)).write(tmp_path / 'new' / 'parity.json', model='m')
    content = json.loads((tmp_path / 'new' / 'parity.json').read_text())
    assert content['mean_ap_difference'] == -0.25
    assert content['graph']['mean_ap'] == 0.25
    assert content['lost'] == ['a.jpg']
    assert content['strange_stamps_ns'] == [7]
    assert content['pictures'][1] == {'name': 'b.jpg', 'graph': 1, 'plain': 1, 'differing': 0}
    assert content['model'] == 'm'


def pictures_in(folder: Path, *names: str) -> list[Path]:
    folder.mkdir()
    for name in names:
        cv2.imwrite(str(folder / name), np.zeros((4, 6, 3), np.uint8))
    return [folder / name for name in names]


def test_pictures_are_laid_out_in_the_order_of_the_labels(tmp_path):
    paths = pictures_in(tmp_path / 'set', 'z.png', 'a10.jpg', 'a9.jpg')
    index_of = lay_out(tmp_path / 'out', paths)
    links = sorted((tmp_path / 'out' / 'pictures').iterdir())
    assert [link.resolve().name for link in links] == ['z.png', 'a10.jpg', 'a9.jpg']
    assert [index_of[stamp] for stamp in sorted(index_of)] == [0, 1, 2]


def test_lay_out_forgets_the_run_before(tmp_path):
    paths = pictures_in(tmp_path / 'set', 'a.png', 'b.png')
    lay_out(tmp_path / 'out', paths)
    (tmp_path / 'out' / 'bag').mkdir()
    (tmp_path / 'out' / 'notes.txt').write_text('keep')
    assert len(lay_out(tmp_path / 'out', paths[:1])) == 1
    left = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert left == ['notes.txt', 'pictures']


def test_missing_picture_is_named(tmp_path):
    with pytest.raises(ValueError, match=r'gone\.jpg: no such picture'):
        lay_out(tmp_path / 'out', [tmp_path / 'gone.jpg'])


def test_picture_that_the_camera_does_not_play_is_refused(tmp_path):
    paths = pictures_in(tmp_path / 'set', 'a.png')
    odd = tmp_path / 'set' / 'b.gif'
    odd.write_bytes(b'GIF89a')
    with pytest.raises(ValueError, match='2 pictures are labelled, but the camera plays 1'):
        lay_out(tmp_path / 'out', [*paths, odd])


def test_both_sides_get_the_same_filters(tmp_path):
    options = ParityOptions(
        model='m',
        out=tmp_path,
        device='cpu',
        precision='fp32',
        threads=1,
        score_threshold=0.005,
        nms_iou_threshold=0.65,
        max_detections=77,
    )
    config, parameters = options.detection_config(), options.detector_parameters()
    for name in ('score_threshold', 'nms_iou_threshold', 'max_detections'):
        assert parameters[name] == getattr(config, name)


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Return a function that calls the command with a measurement that is already done."""
    labels = tmp_path / 'labels.json'
    labels.write_text(json.dumps({'images': [], 'annotations': [], 'categories': []}))
    app = typer.Typer()
    app.command()(command.parity)

    def run(measured, *words):
        monkeypatch.setattr(command, 'measure', lambda options, truth: measured)
        out = ['--out', str(tmp_path / 'out')]
        return CliRunner().invoke(app, ['-m', 'm', '--data', f'coco:{labels}', *out, *words])

    return run


def test_agreement_ends_with_zero_and_the_table(call):
    done = call(result())
    assert done.exit_code == 0
    assert '+0.0000' in done.stdout


def test_difference_ends_with_one_and_says_so(call):
    done = call(result(0.30, 0.31))
    assert done.exit_code == command.DIFFERENT == 1
    assert 'The mAP differs by 0.0100, more than 0.001' in ' '.join(done.stderr.split())


def test_tolerance_of_the_user_is_taken(call):
    assert call(result(0.30, 0.31), '--tolerance', '0.02').exit_code == 0


def test_pictures_that_differ_are_named(call):
    one = found((BOX, 0.9, 1))
    pictures = compare_pictures(['a.jpg', 'b.jpg'], {1: found()}, [one, one])
    done = call(result(pictures=pictures))
    assert 'a.jpg' in done.stdout
    assert 'lost' in done.stdout
    assert 'b.jpg' in done.stdout


def test_set_without_pictures_is_refused(tmp_path):
    from perception_nodes.evaluation.ground_truth import GroundTruth

    empty = GroundTruth({'images': [], 'annotations': [], 'categories': []}, tmp_path)
    with pytest.raises(ValueError, match='the labels name no picture'):
        command.measure(None, empty)
