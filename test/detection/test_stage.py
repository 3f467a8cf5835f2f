"""Detection as a stage."""

import pytest

from perception_nodes.detection import DetectionConfig, DetectionStage, Detector
from perception_nodes.streaming.stage import Stage


@pytest.fixture
def stage(make_bundle):
    stage = DetectionStage(Detector.load(make_bundle(), device='cpu', threads=1))
    yield stage
    stage.close()


def test_it_is_a_stage(stage):
    assert isinstance(stage, Stage)


def test_frames_are_processed_with_the_settings_in_force(stage, picture):
    stage.warm_up()
    assert len(stage.process(picture)) == 2
    stage.configure(DetectionConfig(classes=('blue',)))
    assert stage.process(picture).class_ids.tolist() == [1]
    assert stage.times.total_s > 0
    assert stage.dropped == 0


def test_refused_settings_change_nothing(stage, picture):
    before = stage.config
    with pytest.raises(ValueError, match='no class'):
        stage.configure(DetectionConfig(classes=('green',), max_rate_hz=1.0))
    assert stage.config is before
    assert stage.admit(0)
    assert stage.admit(1)
    assert len(stage.process(picture)) == 2


def test_unknown_class_is_refused_on_construction(make_bundle):
    detector = Detector.load(make_bundle(), device='cpu')
    with pytest.raises(ValueError, match='no class'):
        DetectionStage(detector, DetectionConfig(classes=('green',)))


def test_rate_limit_follows_the_settings(stage):
    stage.configure(DetectionConfig(max_rate_hz=10.0))
    assert stage.admit(0)
    assert not stage.admit(50_000_000)
    stage.configure(DetectionConfig(max_rate_hz=10.0, score_threshold=0.5))
    assert not stage.admit(60_000_000)
    assert stage.admit(100_000_000)
