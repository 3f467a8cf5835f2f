"""A mask that waits in vain is given back with what it lacks, and the cure."""

import time

import pytest

pytest.importorskip('rclpy')

from perception_nodes.ros.frame_subscription import Arrival
from perception_nodes.ros.mask_input_config import MaskInputConfig
from perception_nodes.ros.mask_source import MaskSource


class FakeNode:
    """Names topics, and knows no override of any quality."""

    def resolve_topic_name(self, topic):
        return f'/robot/{topic}'

    def has_parameter(self, name):
        return True

    def get_parameter(self, name):
        class Parameter:
            value = ''

        return Parameter()


@pytest.fixture
def lost():
    return []


@pytest.fixture
def source(lost):
    config = MaskInputConfig(depth_source='depth', sync_tolerance_s=0.02, patience_s=0.05)
    return MaskSource(
        FakeNode(), config, on_loss=lambda mask, error: lost.append((mask, str(error)))
    )


def arrival(stamp_ns: int) -> Arrival:
    waited_ns = 1_000_000_000
    return Arrival(
        message=None, stamp_ns=stamp_ns, arrived_ns=time.monotonic_ns() - waited_ns, age_ns=0
    )


def test_a_mask_without_partners_is_lost_with_a_cure_for_each(source, lost):
    mask = arrival(5)
    source._on_image('mask', mask)
    source._poll()
    ((item, words),) = lost
    assert item is mask
    assert words == (
        'no confidence within 0.02 s of a mask on /robot/confidence: publish it, or '
        'use_confidence:=false; no depth within 0.02 s of a mask on /robot/depth: publish it, or '
        'a larger sync_tolerance_s'
    )
    assert source.losses == {'mask_without_confidence_depth': 1}
    assert source.values['lost (mask_without_confidence_depth)'] == 1


def test_depth_without_a_mask_is_no_loss_since_cameras_are_faster(source, lost):
    source._on_image('depth', arrival(5))
    source._poll()
    assert lost == []
    assert source.losses == {}
    assert source.values['lost (depth_without_mask_confidence)'] == 1
