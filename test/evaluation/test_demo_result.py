"""Figures of a recorded run: what counts, what does not, and what is missing."""

import json

import numpy as np
import pytest

from perception_nodes.evaluation.demo_result import Percentiles, analyse_run
from perception_nodes.evaluation.demo_run import TIMING_FIELDS, DemoRun, RunFrame
from perception_nodes.structures import Detections

BIG = (10, 10, 50, 50)
OTHER = (100, 100, 150, 150)
TINY = (200, 200, 208, 240)
TIMING = {name: 0.001 * i for i, name in enumerate(TIMING_FIELDS)}


def boxes(*items):
    """Return detections of (xyxy, score, class id) triples."""
    rows = np.array([item[0] for item in items], float).reshape(-1, 4)
    return Detections(rows, [item[1] for item in items], [item[2] for item in items])


def frame(number, truth=None, found=None, late_ms=20.0, **more):
    at_ns = number * 100_000_000
    answered = {'found': found, 'found_ns': round(5e9 + at_ns + late_ms * 1e6)}
    return RunFrame(
        stamp_ns=at_ns,
        jpeg=b'x',
        image_ns=5_000_000_000 + at_ns,
        truth=truth,
        **(answered if found is not None else {}),
        **more,
    )


def run(*frames, known=2, clock=((0, 0), (2_000_000_000, 1_000_000_000))):
    return DemoRun(
        frames=frames,
        class_names=('person', 'cone', 'ufo')[: max(known, 3)],
        known_classes=known,
        model='a model',
        clock_ns=np.array(clock, np.int64).reshape(-1, 2),
        path_xy=np.zeros((0, 2)),
        counters={'received': 3, 'dropped': 1, 'refused': 0},
    )


def test_empty_run_has_no_figures_and_does_not_fail():
    result = analyse_run(run(clock=()))
    assert (result.pictures, result.answered, result.classes) == (0, 0, {})
    assert np.isnan(result.real_time_factor)
    assert result.to_dict()['latency_ms']['p50'] is None


def test_hits_misses_and_extra_boxes_are_counted_by_class():
    truth = boxes((BIG, 1, 0), (OTHER, 1, 1))
    result = analyse_run(
        run(
            frame(0, truth, boxes((BIG, 0.9, 0), (OTHER, 0.8, 1))),
            frame(1, truth, boxes((BIG, 0.7, 1))),
        )
    )
    person, cone = result.classes['person'].counts, result.classes['cone'].counts
    assert (person.hits, person.extra, person.missed) == (1, 0, 1)
    assert (cone.hits, cone.extra, cone.missed) == (1, 1, 1)
    assert result.overall.precision == pytest.approx(2 / 3)
    assert result.overall.recall == pytest.approx(0.5)


def test_class_that_is_seen_but_never_there_still_counts_against_precision():
    result = analyse_run(run(frame(0, boxes((BIG, 1, 0)), boxes((OTHER, 0.9, 1)))))
    assert result.overall.extra == 1


def test_tiny_objects_and_what_is_found_on_them_do_not_count():
    truth = boxes((BIG, 1, 0), (TINY, 1, 0))
    result = analyse_run(run(frame(0, truth, boxes((BIG, 0.9, 0), (TINY, 0.8, 0)))))
    counts = result.classes['person'].counts
    assert (counts.hits, counts.extra, counts.missed) == (1, 0, 0)


def test_curve_follows_falling_scores():
    truth = boxes((BIG, 1, 0), (OTHER, 1, 0))
    found = boxes((OTHER, 0.4, 0), (BIG, 0.9, 0), ((300, 300, 350, 350), 0.6, 0))
    recall, precision = analyse_run(run(frame(0, truth, found))).classes['person'].curve()
    assert recall.tolist() == pytest.approx([0.5, 0.5, 1.0])
    assert precision.tolist() == pytest.approx([1.0, 0.5, 2 / 3])


def test_unanswered_pictures_are_counted_as_such_and_not_as_misses():
    truth = boxes((BIG, 1, 0))
    result = analyse_run(run(frame(0, truth, boxes((BIG, 0.9, 0))), frame(1, truth)))
    assert (result.pictures, result.answered) == (2, 1)
    assert result.overall.recall == 1.0


def test_answer_of_nothing_is_an_answer():
    result = analyse_run(run(frame(0, boxes((BIG, 1, 0)), Detections.empty())))
    assert (result.answered, result.overall.missed) == (1, 1)


def test_classes_that_the_model_does_not_know_are_named_and_not_counted():
    result = analyse_run(run(frame(0, boxes((BIG, 1, 2)), Detections.empty())))
    assert result.unknown_classes == ('ufo',)
    assert result.overall.missed == 0


def test_latency_is_from_picture_to_boxes():
    empty = Detections.empty()
    frames = [frame(i, empty, empty, late_ms=10.0 * i) for i in range(1, 6)]
    result = analyse_run(run(*frames))
    assert result.latency.p50 == pytest.approx(30)
    assert result.latency.largest == pytest.approx(50)
    assert result.latency_at_s.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_phases_come_from_the_detector():
    found = Detections.empty()
    result = analyse_run(run(frame(0, found, found, timing=TIMING)))
    assert result.phases['total_s'].p50 == pytest.approx(6.0)


def test_real_time_factor_is_simulated_over_wall_time():
    assert analyse_run(run()).real_time_factor == pytest.approx(0.5)


def test_percentiles_of_nothing_are_nan():
    assert np.isnan(Percentiles.of(np.zeros(0)).p99)


def test_json_is_plain_and_complete(tmp_path):
    result = analyse_run(run(frame(0, boxes((BIG, 1, 0)), boxes((BIG, 0.9, 0)))))
    result.write(tmp_path / 'new' / 'results.json', machine={'Processor': 'x'})
    data = json.loads((tmp_path / 'new' / 'results.json').read_text())
    assert data['detection']['classes']['person'] == {
        'hits': 1,
        'extra': 0,
        'missed': 0,
        'precision': 1.0,
        'recall': 1.0,
    }
    assert data['frames']['detector']['dropped'] == 1
    assert data['machine'] == {'Processor': 'x'}
