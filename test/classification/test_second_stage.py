import numpy as np
import pytest

from perception_nodes.second_stage import BoxClassifier, BoxClassifierConfig
from perception_nodes.structures import Detections, Frame

DETECTED = ('thing',)


@pytest.fixture
def frame():
    pixels = np.full((60, 120, 3), 128, np.uint8)
    pixels[10:40, 10:40] = (255, 0, 0)
    pixels[10:40, 70:100] = (0, 0, 255)
    return Frame(pixels=pixels)


BOXES = Detections(
    [(10, 10, 40, 40), (70, 10, 100, 40), (42, 10, 68, 40)], [0.9, 0.8, 0.7], [0, 0, 0]
)


def test_a_trained_classifier_names_boxes(write_colour_bundle, frame):
    bundle = write_colour_bundle()
    config = BoxClassifierConfig(classifier_model=str(bundle.path), classifier_min_confidence=0.5)
    second = BoxClassifier.open(config, DETECTED)
    assert second.class_names == ('red', 'green', 'blue')
    named = second(frame, BOXES)
    assert named.names == ('red', 'blue', 'unknown')
    assert named.scores[0] == pytest.approx(named.scores[1])
    assert named.scores[2] == pytest.approx(1 / 3, abs=0.01)


def test_a_bundle_that_is_not_there_is_refused():
    config = BoxClassifierConfig(classifier_model='no/such/bundle')
    with pytest.raises(ValueError, match='no/such/bundle'):
        BoxClassifier.open(config, DETECTED)
