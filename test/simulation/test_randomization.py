import numpy as np
import pytest

from perception_nodes.imaging.outlines import tight_box
from perception_nodes.simulation import (
    PinholeCamera,
    RandomizationConfig,
    SceneRenderer,
    SemanticClass,
)
from perception_nodes.simulation.assembly import random_path
from perception_nodes.simulation.layout import _find_spot
from perception_nodes.simulation.parts import Part, Shape, Thing
from perception_nodes.simulation.records import OCCLUDED_BELOW


@pytest.mark.parametrize('order', [(3, 12), (12, 3)])
def test_scene_is_the_same_in_any_order_and_any_renderer(train_scenes, order):
    renderer = SceneRenderer(RandomizationConfig(assets='train', seed=11))
    for index in order:
        scene = renderer.render(index)
        assert np.array_equal(scene.view.rgb, train_scenes[index].view.rgb)
        assert np.array_equal(scene.view.class_ids, train_scenes[index].view.class_ids)
        known = train_scenes[index].view.detections
        assert np.array_equal(scene.view.detections.xyxy, known.xyxy)
    renderer.close()


def test_other_seed_gives_other_scenes(rendering, train_scenes):
    renderer = SceneRenderer(RandomizationConfig(assets='train', seed=12))
    assert not np.array_equal(renderer.render(0).view.rgb, train_scenes[0].view.rgb)
    renderer.close()


def test_disturbed_scenes_are_the_same_scenes_in_worse_pictures(rendering, train_scenes):
    config, pictures = RandomizationConfig(assets='train', seed=11, disturbed=1.0), []
    for _ in range(2):
        renderer = SceneRenderer(config)
        scenes = [renderer.render(index) for index in range(4)]
        renderer.close()
        for scene, plain in zip(scenes, train_scenes, strict=False):
            assert np.array_equal(scene.view.class_ids, plain.view.class_ids)
        pictures.append([scene.view.rgb for scene in scenes])
    assert np.array_equal(*pictures)
    changed = [
        not np.array_equal(rgb, plain.view.rgb)
        for rgb, plain in zip(pictures[0], train_scenes, strict=False)
    ]
    assert sum(changed) >= 2, 'some are drawn without any disturbance'


def test_worn_scenes_are_the_same_scenes_with_less_tape(rendering):
    tape, missing = int(SemanticClass.TAPE), 0
    pictures = []
    for worn in (0.0, 90.0):
        config = RandomizationConfig.on_path(
            assets='train', seed=3, size_wh=(320, 240), worn_percent=worn
        )
        renderer = SceneRenderer(config)
        pictures.append([renderer.render(index).view.class_ids for index in (0, 10, 20)])
        renderer.close()
    for whole, worn in zip(*pictures, strict=True):
        elsewhere = whole != tape
        assert (whole[elsewhere] == worn[elsewhere]).mean() > 0.999  # but at the edges of tapes
        missing += int((worn[~elsewhere] != tape).sum())
    assert missing > 100


def test_boxes_are_tight_around_the_visible_pixels(train_scenes, held_out_scenes):
    checked = 0
    for scene in [*train_scenes, *held_out_scenes]:
        view = scene.view
        for number, area, (box, score, _) in zip(
            view.instance_numbers, view.areas_px, view.detections, strict=True
        ):
            mask = view.instance_ids == number
            assert tuple(box) == tight_box(mask)
            rows, columns = np.nonzero(mask)
            assert box[2] == columns.max() + 1
            assert box[1] == rows.min()
            assert (area, score) == (mask.sum(), 1.0)
            checked += 1
    assert checked > 150


def test_semantic_class_of_a_thing_follows_its_detection(train_scenes):
    for scene in train_scenes[:10]:
        view = scene.view
        for number, (_, _, class_id) in zip(view.instance_numbers, view.detections, strict=True):
            assert (view.class_ids[view.instance_ids == number] == class_id + 3).all()


@pytest.mark.parametrize('family', ['train_scenes', 'held_out_scenes'])
def test_at_least_a_fifth_is_partly_occluded_and_sizes_begin_at_twelve_pixels(family, request):
    scenes = request.getfixturevalue(family)
    fractions = np.concatenate([scene.view.visible_fractions for scene in scenes])
    boxes = np.concatenate([scene.view.detections.xyxy for scene in scenes])
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    findable = (longer >= 12) & (fractions >= 0.15)
    assert (fractions[findable] < OCCLUDED_BELOW).mean() >= 0.2
    assert longer[findable].min() <= 20
    assert longer.max() >= 300
    assert (fractions > OCCLUDED_BELOW).mean() > 0.3


def test_all_classes_occur_about_equally_often(train_scenes):
    classes = np.concatenate([scene.view.detections.class_ids for scene in train_scenes])
    shares = np.bincount(classes, minlength=5) / len(classes)
    assert shares.min() > 0.1


def test_light_varies_between_scenes(train_scenes):
    brightness = [scene.view.rgb.mean() for scene in train_scenes]
    assert np.ptp(brightness) > 60
    assert 40 < np.median(brightness) < 200


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'assets': 'test'}, 'train, validation, held_out'),
        ({'things': (5, 2)}, 'lowest, highest'),
        ({'overlap': 1.5}, 'above the maximum'),
    ],
)
def test_configuration_names_what_is_allowed(options, words):
    with pytest.raises(ValueError, match=words):
        RandomizationConfig(**options)


def test_cameras_on_the_path_look_along_it_and_things_stand_near(rendering):
    config = RandomizationConfig.on_path(assets='validation', seed=5, size_wh=(320, 240))
    renderer = SceneRenderer(config)
    lanes = []
    for index in (0, 1, 10, 11, 20, 21):
        scene = renderer.render(index)
        pose = scene.layout.world_from_optical
        along, aside_m = scene.path.project(pose[0, 3], pose[1, 3])
        ahead = scene.path.pose_at(along).yaw_rad
        assert abs(aside_m) < scene.path.course.lane_width_m
        assert np.cos(np.arctan2(pose[1, 2], pose[0, 2]) - ahead) > np.cos(np.radians(45))
        assert 0.2 <= pose[2, 3] <= 0.6
        for item in scene.layout.items:
            assert np.hypot(item.x_m - pose[0, 3], item.y_m - pose[1, 3]) <= 8.0
        lanes.append((scene.view.class_ids == SemanticClass.LANE).mean())
    renderer.close()
    assert np.median(lanes) > 0.1


def test_thing_that_is_longer_than_the_room_is_far_is_still_placed():
    wide = Thing(parts=(Part(shape=Shape.BOX, color=np.ones(3), size=(0.1, 2.0, 0.3)),))
    rng = np.random.default_rng(0)
    camera = PinholeCamera.from_fovy((64, 48), 60.0)
    rules = RandomizationConfig()
    spots = [_find_spot(rng, rules, wide, camera, [], 0.0, 1.5) for _ in range(30)]
    assert all(spot is None or spot.distance_m >= 2.0 for spot in spots)


@pytest.mark.parametrize('seed', range(20))
def test_tight_paths_bend_and_are_long_enough_for_a_camera(seed):
    path = random_path(np.random.default_rng(seed), tight=True)
    bends = [abs(segment.curvature_1_m) for segment in path.course.segments]
    assert path.length_m >= 8.0
    assert max(bends) <= 1 / 0.45 + 1e-9
    assert any(bend > 1 / 1.5 for bend in bends)


def test_closing_one_renderer_leaves_what_another_draws(rendering):
    config = RandomizationConfig(assets='train', seed=11, size_wh=(160, 120))
    first, second = SceneRenderer(config), SceneRenderer(config)
    first.render(0)
    before = second.render(0).view.rgb
    first.close()
    assert np.array_equal(second.render(0).view.rgb, before)
    second.close()
