from types import SimpleNamespace

import numpy as np
import pytest

from perception_nodes.explanation import BoxQuestion, RegionQuestion, questions_about
from perception_nodes.structures import Detections, Frame, SegmentationMask

FRAME = Frame(pixels=np.zeros((40, 60, 3), np.uint8))
BOXES = Detections([(0, 0, 20, 20), (30, 10, 50, 30)], [0.9, 0.6], [1, 0])


def detector(found):
    return type('Detector', (), {'class_names': ('cup', 'dog'), '__call__': lambda *_: found})()


@pytest.mark.parametrize(
    ('found', 'left'),
    [
        (BOXES, (0.9, 0.6)),
        (Detections.empty(), (0, 0)),
        (Detections([(0, 0, 20, 20)], [0.9], [0]), (0, 0)),
        (Detections([(0, 0, 20, 10)], [0.8], [1]), (0.4, 0)),
        (Detections([(0, 0, 20, 10), (0, 0, 20, 20)], [0.8, 0.3], [1, 1]), (0.4, 0)),
    ],
    ids=['all', 'nothing', 'another class', 'half the box', 'the better of two'],
)
def test_what_is_left_of_boxes_is_overlap_times_score(found, left):
    question = BoxQuestion(detector(found), BOXES)
    np.testing.assert_allclose(question(FRAME), left, atol=1e-6)
    assert question.names == ('dog 0.90', 'cup 0.60')


def test_what_is_left_of_a_region_is_its_sure_pixels():
    class_ids = np.zeros((40, 60), np.uint8)
    class_ids[:, 30:] = 1
    asked = SegmentationMask(class_ids)
    now = class_ids.copy()
    now[:20, 30:] = 0
    confidence = np.full(now.shape, 204, np.uint8)
    segmenter = type(
        'Segmenter',
        (),
        {
            'class_names': ('floor', 'lane'),
            '__call__': lambda *_: SegmentationMask(now, confidence),
        },
    )()
    question = RegionQuestion(segmenter, asked, (0, 1))
    np.testing.assert_allclose(question(FRAME), (0.8, 0.4))
    assert question.names == ('floor', 'lane')


def test_model_of_another_task_is_refused_with_what_is_allowed():
    model = SimpleNamespace(task='path', bundle=SimpleNamespace(name='steering'))
    with pytest.raises(ValueError, match=r'steering: task path .* segmentation or classification'):
        questions_about(model, FRAME, 3)
