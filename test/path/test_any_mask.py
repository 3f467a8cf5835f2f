"""Whatever a mask shows, the tracker gives a value that keeps its contract."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import Clothoid, PathConfig, PathMode, PathTracker, Prefer

VALUES = np.array([0, 1, 2, 3, 8, 255], np.uint8)


def drawn_mask(rng, paint):
    """Return noise, blocks, or a lane with spots of every class on it."""
    kind = rng.integers(3)
    if kind == 0:
        return rng.choice(VALUES, (240, 320))
    if kind == 1:
        blocks = rng.choice(VALUES, tuple(rng.integers(2, 30, 2)))
        return cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_NEAREST)
    curve = Clothoid(
        lateral_error_m=rng.uniform(-0.3, 0.3), heading_error_rad=rng.uniform(-1, 1),
        curvature_1_m=rng.uniform(-3, 3), curvature_rate_1_m2=rng.uniform(-2, 2),
    )  # fmt: skip
    mask = paint(curve, wobble_px=rng.uniform(0, 4))
    for _ in range(rng.integers(8)):
        place = (int(rng.integers(320)), int(rng.integers(240)))
        cv2.circle(mask, place, int(rng.integers(3, 50)), int(rng.choice(VALUES)), -1)
    return mask


@pytest.mark.filterwarnings('error')
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32 - 1), st.sampled_from(PathMode), st.sampled_from(Prefer))
def test_any_sequence_of_masks_gives_estimates(labels, ground, paint, seed, mode, prefer):
    rng = np.random.default_rng(seed)
    tracker = PathTracker(labels, PathConfig(mode=mode.value, prefer=prefer.value))
    pose, stamp_ns = PlanarPose(), 0
    for _ in range(3):
        mask = drawn_mask(rng, paint)
        confidence = rng.integers(0, 256, mask.shape, np.uint8) if rng.random() < 0.5 else None
        pose = pose @ PlanarPose(x_m=rng.uniform(-0.2, 0.5), yaw_rad=rng.uniform(-0.5, 0.5))
        stamp_ns += int(rng.integers(400_000_000))
        told = tracker.update(mask, confidence, ground, stamp_ns, pose)
        assert told.is_valid == (len(told.points_xy) > 1)
        assert told.is_valid or told.reason
        assert (np.diff(told.arc_m) > 0).all()
