import json
from pathlib import Path

import numpy as np
import pytest

from perception_nodes.evaluation.ground_truth import GroundTruth, read_coco
from perception_nodes.learning.data.batches import training_batches
from perception_nodes.learning.data.pictures import PictureDataset, labelled_pictures
from perception_nodes.learning.recipe import ScheduleRecipe

CONTENT = {
    'images': [{'id': 1, 'file_name': 'a.png'}, {'id': 2, 'file_name': 'b.png'}],
    'categories': [{'id': 5, 'name': 'disc'}, {'id': 9, 'name': 'square'}],
    'annotations': [
        {'id': 1, 'image_id': 2, 'category_id': 9, 'bbox': [1, 2, 3, 4], 'iscrowd': 0},
        {'id': 2, 'image_id': 2, 'category_id': 5, 'bbox': [5, 6, 7, 8], 'iscrowd': 1},
    ],
}


def test_picture_without_labels_has_empty_arrays():
    first = labelled_pictures(GroundTruth(CONTENT, Path()), ['disc', 'square'])[0]
    assert first.xyxy.shape == (0, 4)
    assert first.class_ids.dtype == np.int64
    assert first.ignored.dtype == bool


def test_class_ids_follow_the_recipe_and_crowds_are_ignored():
    second = labelled_pictures(GroundTruth(CONTENT, Path()), ['square', 'disc'])[1]
    assert second.xyxy.tolist() == [[1, 2, 4, 6], [5, 6, 12, 14]]
    assert second.class_ids.tolist() == [0, 1]
    assert second.ignored.tolist() == [False, True]


def test_other_categories_are_left_out():
    second = labelled_pictures(GroundTruth(CONTENT, Path()), ['disc'])[1]
    assert second.xyxy.tolist() == [[5, 6, 12, 14]]


def test_class_without_a_category_is_named():
    with pytest.raises(ValueError, match=r'no category cone.*disc, square'):
        labelled_pictures(GroundTruth(CONTENT, Path()), ['disc', 'cone'])


def test_file_names_may_carry_the_images_folder(coco_folder):
    path = coco_folder / 'annotations.json'
    content = json.loads(path.read_text())
    for image in content['images']:
        image['file_name'] = f'images/{image["file_name"]}'
    path.write_text(json.dumps(content))
    assert all(image.path.is_file() for image in read_coco(path).images)


def test_equal_seeds_give_equal_batches(coco_folder):
    pictures = labelled_pictures(read_coco(coco_folder / 'annotations.json'), ['disc', 'square'])
    dataset = PictureDataset(pictures, lambda sample: sample)

    def order(seed: int) -> list[list]:
        loader = training_batches(dataset, ScheduleRecipe(epochs=1, batch=2), workers=0, seed=seed)
        return [[target.xyxy.tolist() for target in batch.targets] for batch in loader]

    assert order(1) == order(1)
    assert any(order(1) != order(seed) for seed in range(2, 9))
