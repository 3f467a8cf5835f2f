"""Pictures of worlds whose answer is known by geometry."""

from dataclasses import replace

import numpy as np
import pytest

from perception_nodes.simulation import CoursePath, PinholeCamera, SemanticClass, parse_course
from perception_nodes.simulation.camera import camera_pose
from perception_nodes.simulation.construction import StageDesign, Surface
from perception_nodes.simulation.parts import Part, Shape, Thing
from perception_nodes.simulation.renderer import LabelRenderer
from perception_nodes.simulation.stage import Light, Lighting, Stage

SIZE_WH = (320, 240)
CAMERA = PinholeCamera.from_fovy(SIZE_WH, 60.0)
GRAY = Surface(picture=np.full((16, 16, 3), 128, np.uint8))
LIGHTING = Lighting(
    lights=(Light(directional=True, position=(0, 0, 5), direction=(0.5, 0.2, -0.8),
                  diffuse=(0.8, 0.8, 0.8)),),
    ambient=(0.3, 0.3, 0.3),
)  # fmt: skip


def block(half=(0.2, 0.2, 0.2), class_id=2, z=None):
    part = Part(
        shape=Shape.BOX, size=half, color=np.array([0.8, 0.2, 0.1]),
        position=(0, 0, half[2] if z is None else z),
    )  # fmt: skip
    return Thing(parts=(part,), class_id=class_id)


def dot(height):
    part = Part(shape=Shape.SPHERE, size=(0.05, 0, 0), color=np.ones(3), position=(0, 0, height))
    return Thing(parts=(part,), class_id=1)


def stage_of(*things, path=None):
    sky = np.full((6 * 8, 8, 3), 200, np.uint8)
    design = StageDesign(
        things=things, floor=GRAY, walls=GRAY, lane=GRAY, sky=sky, path=path,
        tape_colors=np.array([[1.0, 1.0, 0.0]] * 2),
    )  # fmt: skip
    stage = Stage(design, SIZE_WH)
    stage.set_lights(LIGHTING)
    return stage


@pytest.fixture(scope='module')
def renderer(rendering):
    renderer = LabelRenderer(SIZE_WH)
    yield renderer
    renderer.close()


def look(renderer, stage, pose=None):
    renderer.load(stage)
    return renderer.render(camera_pose((0, 0, 0.5)) if pose is None else pose, CAMERA)


def test_empty_world_has_no_detections(renderer):
    view = look(renderer, stage_of())
    assert len(view.detections) == 0
    assert view.visible_fractions.shape == (0,)
    assert (view.instance_ids == 255).all()
    assert view.rgb.shape == (240, 320, 3)
    assert set(np.unique(view.class_ids)) == {SemanticClass.FLOOR, SemanticClass.BACKGROUND}


def test_depth_of_a_wall_like_face_is_its_distance_and_the_sky_is_nan(renderer):
    stage = stage_of(block((0.25, 0.6, 0.5)))
    stage.place(0, 3.25, 0.0, 0.0)
    view = look(renderer, stage)
    face = view.depth_m[view.instance_ids == 0]
    assert np.abs(face - 3.0).max() < 0.005
    assert np.isnan(view.depth_m[0, 0])


def test_depth_of_the_floor_follows_from_camera_height(renderer):
    view = look(renderer, stage_of())
    rows = np.arange(160, 240)
    expected = 0.5 * CAMERA.fy / (rows + 0.5 - CAMERA.cy)
    assert view.depth_m[160:, 100] == pytest.approx(expected, rel=2e-3)


def test_box_of_a_near_cube_equals_its_projected_corners(renderer):
    stage = stage_of(block())
    stage.place(0, 2.0, 0.3, 0.4)
    pose = camera_pose((0, 0, 0.5), pitch_rad=0.2)
    view = look(renderer, stage, pose)
    corners = stage.design.things[0].corners @ stage.pose_of_thing[0, :3, :3].T + (2.0, 0.3, 0)
    optical = np.linalg.inv(pose)
    uv = CAMERA.project(corners @ optical[:3, :3].T + optical[:3, 3])
    expected = [*uv.min(axis=0), *uv.max(axis=0)]
    assert view.detections.xyxy[0] == pytest.approx(expected, abs=1.0)
    assert view.detections.class_ids.tolist() == [2]


@pytest.mark.parametrize('place', [(2.0, 0.0, 0.7), (3.0, 1.0, 0.3), (4.0, -1.6, 1.2)])
def test_known_point_lands_within_half_a_pixel(renderer, place):
    x, y, z = place
    stage = stage_of(dot(z))
    stage.place(0, x, y, 0.0)
    pose = camera_pose((0.1, -0.2, 0.6), yaw_rad=0.1, pitch_rad=0.15, roll_rad=0.05)
    view = look(renderer, stage, pose)
    rows, columns = np.nonzero(view.instance_ids == 0)
    optical = np.linalg.inv(pose)
    expected = CAMERA.project((np.array([place]) @ optical[:3, :3].T) + optical[:3, 3])[0]
    assert columns.mean() + 0.5 == pytest.approx(expected[0], abs=0.5)
    assert rows.mean() + 0.5 == pytest.approx(expected[1], abs=0.5)


def test_thing_in_the_open_is_fully_visible(renderer):
    stage = stage_of(block())
    stage.place(0, 2.0, 0.0, 0.3)
    view = look(renderer, stage)
    assert view.visible_fractions[0] > 0.98
    assert view.truncated_fractions[0] == 0.0


def test_half_hidden_thing_is_half_visible(renderer):
    stage = stage_of(block((0.02, 0.3, 0.3)), block((0.02, 0.3, 0.3)))
    stage.place(0, 2.0, 0.0, 0.0)
    stage.place(1, 1.9, -0.3, 0.0)  # its left edge lies on the middle of the picture
    view = look(renderer, stage, camera_pose((0, 0, 0.3)))
    fractions = dict(zip(view.instance_numbers.tolist(), view.visible_fractions, strict=True))
    assert fractions[0] == pytest.approx(0.5, abs=0.03)
    assert fractions[1] > 0.98


def test_thing_half_outside_the_picture_is_half_truncated(renderer):
    edge_y = 2.0 * (SIZE_WH[0] / 2) / CAMERA.fx
    stage = stage_of(block((0.001, 0.2, 0.2)))
    stage.place(0, 2.0, edge_y, 0.0)
    view = look(renderer, stage, camera_pose((0, 0, 0.2)))
    assert view.truncated_fractions[0] == pytest.approx(0.5, abs=0.03)
    assert view.visible_fractions[0] > 0.97
    assert view.detections.xyxy[0, 0] == 0.0


def test_hidden_things_leave_the_picture(renderer):
    stage = stage_of(block(), block())
    stage.place(0, 2.0, 0.0, 0.0)
    stage.place(1, 2.0, 1.0, 0.0)
    stage.hide(0)
    assert look(renderer, stage).instance_numbers.tolist() == [1]
    stage.clear()
    assert len(look(renderer, stage).detections) == 0


def test_clutter_is_background_without_a_box(renderer):
    stage = stage_of(block(class_id=None))
    stage.place(0, 2.0, 0.0, 0.0)
    view = look(renderer, stage)
    assert len(view.detections) == 0
    assert view.class_ids[150, 160] == SemanticClass.BACKGROUND


def test_lane_and_tape_lie_where_the_course_says(renderer):
    course = parse_course('segments: [{straight: {length_m: 8}}]\nlane_width_m: 0.6', 'lane')
    view = look(renderer, stage_of(path=CoursePath(replace(course, tape_width_m=0.1))))
    row = 200
    depth = 0.5 * CAMERA.fy / (row + 0.5 - CAMERA.cy)
    for y, expected in ((0.0, 'LANE'), (0.35, 'TAPE'), (-0.35, 'TAPE'), (0.5, 'FLOOR')):
        column = int(CAMERA.cx - y / depth * CAMERA.fx)
        assert view.class_ids[row, column] == SemanticClass[expected]


def test_rendering_before_loading_says_what_to_do(rendering):
    empty = LabelRenderer(SIZE_WH)
    with pytest.raises(RuntimeError, match='give it a Stage first'):
        empty.render(np.eye(4), CAMERA)
    empty.close()
