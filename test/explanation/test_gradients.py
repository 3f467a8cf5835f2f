import numpy as np
import pytest

from perception_nodes.explanation import ExplanationConfig, RegionQuestion, explain
from perception_nodes.learning.adversarial.differentiable import NotDifferentiableError
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame

CONFIG = ExplanationConfig(method='grad_cam')
MODELS = 'resource/models'


def asked(folder, frame):
    segmenter = Segmenter.load(str(folder), device='cpu', threads=1)
    mask = segmenter(frame)
    return RegionQuestion(segmenter, mask, [int(np.bincount(mask.class_ids.ravel()).argmax())])


@pytest.fixture
def frame():
    pixels = np.full((120, 160, 3), 90, np.uint8)
    pixels[:40] = 200
    return Frame(pixels=pixels)


def test_features_that_speak_for_a_region_lie_in_it(project_root, frame):
    pytest.importorskip('captum', reason="pip install 'perception_suite[explanation]'")
    question = asked(project_root / MODELS / 'simulator_segmenter', frame)
    (saliency,) = explain(question, frame, CONFIG)
    assert saliency.shape == (120, 160)
    assert saliency.min() >= 0
    (region,) = question.regions
    assert saliency[region].mean() > saliency.mean()


def test_bundle_without_gradients_is_refused_with_the_cure(project_root, frame):
    pytest.importorskip('captum', reason="pip install 'perception_suite[explanation]'")
    question = asked(project_root / MODELS / 'simulator_segmenter_int8', frame)
    with pytest.raises(NotDifferentiableError, match='fp32'):
        explain(question, frame, CONFIG)


def test_boxes_are_refused_with_what_is_allowed(frame):
    class Boxes:
        names = ('dog',)

    with pytest.raises(ValueError, match='random_masks or occlusion for boxes'):
        explain(Boxes(), frame, CONFIG)
