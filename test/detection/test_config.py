"""What a user may set about detection."""

import pytest

from perception_nodes.detection import DetectionConfig
from perception_nodes.structures import settings_of


def test_defaults_leave_thresholds_to_the_model():
    config = DetectionConfig()
    assert config.score_threshold == 0.0
    assert config.roi == ()
    assert config.thresholds_by_class() == {}


def test_every_field_describes_itself():
    described = settings_of(DetectionConfig)
    assert set(described) == set(DetectionConfig.__dataclass_fields__)
    assert all(rule.description for _, rule in described.values())


def test_class_names_may_hold_spaces_and_equal_signs():
    config = DetectionConfig(class_thresholds=['traffic light=0.4', 'a=b=0.5'])
    assert config.thresholds_by_class() == {'traffic light': 0.4, 'a=b': 0.5}


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'score_threshold': 1.5}, 'score_threshold: 1.5 is above'),
        ({'score_threshold': float('nan')}, 'score_threshold'),
        ({'nms_iou_threshold': -0.1}, 'nms_iou_threshold'),
        ({'max_detections': 0}, 'max_detections: 0 is below'),
        ({'max_rate_hz': -1.0}, 'max_rate_hz'),
        ({'class_thresholds': ('person',)}, "'person' must read name=threshold"),
        ({'class_thresholds': ('person=high',)}, 'name=threshold'),
        ({'class_thresholds': ('person=1.1',)}, 'name=threshold'),
        ({'class_thresholds': ('person=nan',)}, 'name=threshold'),
        ({'class_thresholds': ('=0.4',)}, 'name=threshold'),
        ({'roi': (1, 2, 3)}, r'roi: \[1, 2, 3\] must be empty or'),
        ({'roi': (0, 0, 0, 10)}, 'roi'),
        ({'roi': (-1, 0, 10, 10)}, 'roi: -1 is below'),
    ],
)
def test_impossible_values_are_refused_by_name(changes, words):
    with pytest.raises(ValueError, match=words):
        DetectionConfig(**changes)
