import numpy as np
import pytest

from perception_nodes.simulation import CoursePath, PinholeCamera, Pose2D
from perception_nodes.simulation.camera import camera_pose
from perception_nodes.simulation.classes import SemanticClass
from perception_nodes.simulation.course import Course, Segment
from perception_nodes.simulation.path_labels import base_below, path_ahead

CAMERA = PinholeCamera.from_fovy((160, 120), 60.0)
LANE = np.full((120, 160), SemanticClass.LANE, np.uint8)
STRAIGHT = CoursePath(Course(name='straight', segments=(Segment(length_m=10.0),)))
RING = CoursePath(
    Course(
        name='ring', closed=True, segments=(Segment(length_m=4 * np.pi, curvature_1_m=0.5),)
    )
)  # fmt: skip


def ahead(path=STRAIGHT, x_m=3.0, y_m=0.0, yaw_deg=0.0, class_ids=LANE):
    pose = camera_pose((x_m, y_m, 0.3), yaw_rad=np.radians(yaw_deg), pitch_rad=0.3)
    return path_ahead(path, base_below(pose), class_ids, pose, CAMERA)


def test_without_a_path_nothing_is_ahead():
    assert ahead(path=None).shape == (0, 4)


@pytest.mark.parametrize(
    'place', [{'y_m': 0.6}, {'y_m': -5.0}, {'yaw_deg': 90}, {'yaw_deg': -80}], ids=str
)
def test_path_beside_or_across_is_none_to_follow(place):
    assert ahead(**place).shape == (0, 4)


def test_base_lies_on_the_floor_below_the_camera_and_looks_as_it_does():
    base = base_below(camera_pose((1.0, 2.0, 0.5), yaw_rad=0.7, pitch_rad=0.4))
    assert base == Pose2D(x_m=1.0, y_m=2.0, yaw_rad=pytest.approx(0.7))


def test_points_are_told_from_base_link():
    rows = ahead(y_m=0.1, yaw_deg=10)
    angle = np.radians(-10)
    direction = np.array([np.cos(angle), np.sin(angle)])
    foot = 0.1 * np.array([np.sin(angle), -np.cos(angle)])
    assert rows[:, 1:3] == pytest.approx(foot + rows[:, :1] * direction, abs=1e-9)
    assert rows[:, 0] == pytest.approx(np.arange(41) * 0.1)


def test_whoever_looks_against_the_path_follows_it_backwards():
    rows = ahead(yaw_deg=180)
    assert rows[-1, 1:3] == pytest.approx([3.0, 0.0], abs=1e-9)
    assert len(rows) == 31


def test_open_path_ends_and_a_closed_one_goes_on():
    assert len(ahead(x_m=9.0)) == 11
    rows = ahead(RING, x_m=-1.0, y_m=0.05, yaw_deg=-8)
    assert len(rows) == 41
    middle = np.hypot(*(rows[:, 1:3] - rows[20, 1:3]).T)
    assert middle.max() < 2.2


def test_what_is_hidden_or_outside_the_picture_is_not_seen():
    rows = ahead()
    assert rows[:, 3].all()
    hidden = LANE.copy()
    hidden[:60] = SemanticClass.PERSON
    far = ahead(class_ids=hidden)
    assert far[:5, 3].all()
    assert not far[-5:, 3].any()
    assert not ahead(class_ids=np.zeros_like(LANE))[:, 3].any()
