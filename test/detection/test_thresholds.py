"""One threshold per class, and calibrated scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.detection.thresholds import ScoreFilter, rescale_scores
from perception_nodes.inference.bundle_spec import Calibration
from perception_nodes.structures import Detections

NAMES = ('person', 'cone', 'box')
CALIBRATION = Calibration(score_threshold=0.3, class_thresholds={'cone': 0.6})


def kept(config, calibration=CALIBRATION, scores=(0.35, 0.55, 0.65)):
    """Return (name, score) of what passes when every class comes with every score."""
    boxes = [(score, number) for number in range(len(NAMES)) for score in scores]
    detections = Detections(
        np.zeros((len(boxes), 4)), [s for s, _ in boxes], [number for _, number in boxes]
    )
    found = ScoreFilter(config, NAMES, calibration)(detections)
    return [(NAMES[number], round(score, 2)) for _, score, number in found]


def test_nothing_stays_nothing():
    assert len(ScoreFilter(DetectionConfig(), NAMES, CALIBRATION)(Detections.empty())) == 0


def test_thresholds_of_the_bundle_are_the_default():
    assert [score for name, score in kept(DetectionConfig()) if name == 'person'] == [
        0.35,
        0.55,
        0.65,
    ]
    assert [score for name, score in kept(DetectionConfig()) if name == 'cone'] == [0.65]


def test_own_threshold_replaces_all_of_the_bundle():
    found = kept(DetectionConfig(score_threshold=0.5))
    assert [score for name, score in found if name == 'cone'] == [0.55, 0.65]
    assert [score for name, score in found if name == 'box'] == [0.55, 0.65]


def test_own_class_threshold_wins():
    config = DetectionConfig(class_thresholds=('cone=0.3', 'box=0.9'))
    found = kept(config)
    assert [score for name, score in found if name == 'cone'] == [0.35, 0.55, 0.65]
    assert not [score for name, score in found if name == 'box']


def test_only_listed_classes_pass():
    assert {name for name, _ in kept(DetectionConfig(classes=('box',)))} == {'box'}


def test_score_on_the_threshold_passes():
    assert kept(DetectionConfig(score_threshold=0.5), scores=(0.5,))


@pytest.mark.parametrize('field', ['classes', 'class_thresholds'])
def test_unknown_class_names_the_nearest(field):
    entry = 'persn' if field == 'classes' else 'persn=0.4'
    with pytest.raises(ValueError, match=f"{field}: .*'persn'; did you mean person"):
        ScoreFilter(DetectionConfig(**{field: (entry,)}), NAMES, CALIBRATION)


def test_temperature_of_one_changes_nothing():
    scores = np.array([0.0, 0.2, 1.0], np.float32)
    assert rescale_scores(scores, 1.0) is scores


def test_temperature_above_one_moves_scores_towards_one_half():
    np.testing.assert_allclose(
        rescale_scores(np.array([0.0, 0.2, 0.5, 0.8, 1.0]), 2.0),
        [0.0, 1 / 3, 0.5, 2 / 3, 1.0],
        atol=1e-5,
    )


def test_bias_moves_the_point_that_reads_one_half():
    assert rescale_scores(np.array(0.7), 0.5, 0.0) > 0.8
    middle = np.array(1 / (1 + np.exp(-1.0)))
    assert rescale_scores(middle, 0.5, -2.0) == pytest.approx(0.5)


@given(st.floats(0.02, 0.98), st.floats(0.3, 4.0), st.floats(-4, 4), st.floats(0.001, 0.999))
def test_filter_before_decoding_loses_nothing_that_would_pass(threshold, temperature, bias, raw):
    config = DetectionConfig(score_threshold=threshold)
    score_filter = ScoreFilter(config, NAMES, Calibration(temperature=temperature, bias=bias))
    passes = float(rescale_scores(np.array(raw), temperature, bias)) >= threshold
    if passes:
        assert raw >= score_filter.lowest_raw - 1e-9
