"""Segmentation as a stage."""

import numpy as np
import pytest

from perception_nodes.segmentation import SegmentationConfig, SegmentationStage, Segmenter
from perception_nodes.streaming.stage import Stage
from perception_nodes.structures import UNLABELLED


@pytest.fixture
def stage(make_bundle):
    stage = SegmentationStage(Segmenter.load(make_bundle(), device='cpu', threads=1))
    yield stage
    stage.close()


def test_it_is_a_stage(stage):
    assert isinstance(stage, Stage)


def test_frames_are_processed_with_the_settings_in_force(stage, picture):
    stage.warm_up()
    assert (stage.process(picture).class_ids != UNLABELLED).all()
    stage.configure(SegmentationConfig(min_confidence=1.0))
    assert (stage.process(picture).class_ids == UNLABELLED).all()
    assert stage.times.total_s > 0


def test_results_are_not_overwritten_by_the_next_frame(stage, picture):
    first = stage.process(picture)
    kept = first.class_ids.copy(), first.confidence.copy()
    stage.process(type(picture)(pixels=np.zeros_like(picture.pixels)))
    np.testing.assert_array_equal(first.class_ids, kept[0])
    np.testing.assert_array_equal(first.confidence, kept[1])


def test_refused_settings_change_nothing(stage):
    before = stage.config
    with pytest.raises(ValueError, match='no class'):
        stage.configure(SegmentationConfig(class_map=('green=red',)))
    assert stage.config is before


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'min_confidence': 1.5}, 'min_confidence'),
        ({'class_map': ('road',)}, r'class_map.*class=name'),
        ({'class_map': ('=x',)}, 'class_map'),
        ({'class_map': ('a=b', 'a=c')}, 'renamed twice'),
        ({'roi': (1, 2, 3)}, 'roi'),
    ],
)
def test_impossible_settings_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        SegmentationConfig(**values)
