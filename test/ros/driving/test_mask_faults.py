"""Each loss of a mask is told as what it is."""

import pytest

pytest.importorskip('rclpy')

from perception_nodes.driving import StopReason
from perception_nodes.ros.mask_faults import fault_of_loss
from perception_nodes.streaming import NotYetError


@pytest.mark.parametrize(
    ('loss', 'reason'),
    [
        ('no_camera_info', StopReason.NO_CAMERA_INFO),
        ('uncalibrated', StopReason.NO_CAMERA_INFO),
        ('bad_camera_info', StopReason.NO_CAMERA_INFO),
        ('transform too_old', StopReason.TF_MISSING),
        ('no_attitude', StopReason.ODOMETRY_STALE),
        ('no_labels', StopReason.PATH_LOST),
        ('mask_without_confidence', StopReason.PATH_LOST),
    ],
)
def test_a_loss_becomes_a_reason_with_its_words(loss, reason):
    fault = fault_of_loss(NotYetError(loss, 'the cure'))
    assert (fault.reason, fault.text) == (reason, 'the cure')
