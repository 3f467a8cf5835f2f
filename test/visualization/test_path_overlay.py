import numpy as np
import pytest

from perception_nodes.geometry import CameraModel, GroundProjection, RigidTransform
from perception_nodes.path import Clothoid, PathEstimate, PathProblem
from perception_nodes.structures import ColorOrder
from perception_nodes.visualization import draw_path
from perception_nodes.visualization.path_overlay import SURE_RGB, UNSURE_RGB, describe

OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
POSE = np.block([
    [RigidTransform.from_rpy(0, 0.35, 0).rotation @ OPTICAL, np.array([[0.1], [0], [0.3]])],
    [0, 0, 0, 1],
])  # fmt: skip
GROUND = GroundProjection(
    CameraModel.pinhole((320, 240), 208.0, 208.0, 159.5, 119.5),
    RigidTransform.from_matrix(POSE),
    pitch_sigma_rad=0.005, roll_sigma_rad=0.003, height_sigma_m=0.003, pixel_sigma=0.5,
)  # fmt: skip
NOTHING = PathEstimate.invalid(PathProblem.NOTHING_SEEN)


def estimate(confidence=0.9, **curve):
    return PathEstimate.along(
        Clothoid(**curve), np.eye(4) * 1e-4, (-0.5, 3.0), confidence=confidence, width_m=0.5
    )


def middle_of(canvas, rgb, rows):
    near = np.abs(canvas[rows].astype(int) - rgb).sum(axis=2) < 60
    return np.flatnonzero(near.any(axis=0)).mean()


def test_without_a_path_only_the_reason_is_written():
    grey = np.full((240, 320, 3), 90, np.uint8)
    assert (draw_path(grey, NOTHING, GROUND, caption=False) == grey).all()
    assert (draw_path(grey, NOTHING, GROUND) != grey).any()
    assert describe(NOTHING) == 'no path: nothing_seen'


@pytest.mark.parametrize('size_wh', [(320, 240), (640, 480)])
@pytest.mark.parametrize('order', ColorOrder)
def test_line_is_where_the_path_is_in_every_size_and_order(size_wh, order):
    width, height = size_wh
    grey = np.full((height, width, 3), 90, np.uint8)
    drawn = draw_path(
        grey, estimate(lateral_error_m=0.1), GROUND, color_order=order, caption=False
    )
    assert (grey == 90).all()
    rgb = drawn if order is ColorOrder.RGB else drawn[..., ::-1]
    row = height * 3 // 4
    place = GROUND.to_ground(np.array([[159.5, row * 240 / height]]))[0][0]
    truth = GROUND.to_pixels(np.array([[place[0], -0.1]]))[0, 0] * width / 320
    found = middle_of(rgb, SURE_RGB, slice(row, row + 1))
    assert found == pytest.approx(truth, abs=width / 60)


def test_unsure_path_has_another_colour():
    grey = np.full((240, 320, 3), 90, np.uint8)
    drawn = draw_path(grey, estimate(confidence=0.2), GROUND, caption=False)
    assert np.isfinite(middle_of(drawn, UNSURE_RGB, slice(150, 200)))


def test_line_under_and_behind_the_robot_is_no_error():
    behind = PathEstimate.along(Clothoid(), np.eye(4), (-3.0, 0.2), confidence=0.4)
    drawn = draw_path(np.zeros((240, 320, 3), np.uint8), behind, GROUND)
    assert drawn.shape == (240, 320, 3)
