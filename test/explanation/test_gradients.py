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


def test_question_of_another_kind_is_refused_with_what_is_allowed(frame):
    class Redness:
        names = ('red',)

    with pytest.raises(ValueError, match='take random_masks or occlusion'):
        explain(Redness(), frame, CONFIG)


def test_named_layer_counts_and_what_is_none_is_refused(project_root, frame):
    pytest.importorskip('captum', reason="pip install 'perception_suite[explanation]'")
    question = asked(project_root / MODELS / 'simulator_segmenter', frame)
    maps = [
        explain(question, frame, ExplanationConfig(method='grad_cam', layer=layer))[0]
        for layer in ('context', '', 'trunk.parts.3')
    ]
    assert np.array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0], maps[2])
    for layer, words in (
        ('trunk.part.3', r"no 'trunk\.part\.3' \(did you mean 'trunk\.parts\.3'"),
        ('trunk', 'Trunk that gives no map of features'),
    ):
        with pytest.raises(ValueError, match=words):
            explain(question, frame, ExplanationConfig(method='grad_cam', layer=layer))
