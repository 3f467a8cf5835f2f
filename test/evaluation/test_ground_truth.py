"""Labels of three kinds."""

import json

import cv2
import numpy as np
import pytest

from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import GroundTruthError, read_coco, read_picture
from perception_nodes.evaluation.penn_fudan import boxes_of_mask
from perception_nodes.evaluation.voc import read_voc

COCO = {
    'images': [{'id': 7, 'file_name': 'a.png', 'width': 20, 'height': 10}],
    'annotations': [
        {'id': 1, 'image_id': 7, 'category_id': 90, 'bbox': [1, 2, 3, 4], 'area': 12},
        {'id': 2, 'image_id': 7, 'category_id': 1, 'bbox': [0, 0, 9, 9], 'iscrowd': 1},
    ],
    'categories': [{'id': 1, 'name': 'person'}, {'id': 90, 'name': 'toothbrush'}],
}
XML = """<annotation><filename>wrong.jpg</filename>
<size><width>20</width><height>10</height></size>
<object><name>cone</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>4</xmax><ymax>6</ymax></bndbox>
</object><object><name>box</name><difficult>1</difficult>
<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>8</xmax><ymax>9</ymax></bndbox></object></annotation>"""


@pytest.fixture
def voc(tmp_path):
    for folder in ('Annotations', 'JPEGImages', 'ImageSets/Main'):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / 'Annotations' / 'one.xml').write_text(XML)
    (tmp_path / 'Annotations' / 'two.xml').write_text(XML)
    cv2.imwrite(str(tmp_path / 'JPEGImages' / 'one.jpg'), np.zeros((10, 20, 3), np.uint8))
    (tmp_path / 'ImageSets' / 'Main' / 'val.txt').write_text('two\n')
    return tmp_path


def test_part_of_a_set_keeps_its_labels_and_places(voc):
    whole = open_dataset(f'voc:{voc}')
    part = open_dataset(f'voc:{voc}[:1]')
    assert [item.path for item in part.images] == [whole.images[0].path]
    number = part.images[0].image_id
    assert part.boxes_of(number).labels == whole.boxes_of(number).labels
    assert len(part.content['annotations']) == len(part.boxes_of(number).labels)


def test_coco_numbers_with_gaps_are_kept(tmp_path):
    path = tmp_path / 'labels.json'
    path.write_text(json.dumps(COCO))
    truth = read_coco(path)
    assert truth.category_ids == {'person': 1, 'toothbrush': 90}
    boxes = truth.boxes_of(7)
    assert boxes.xyxy.tolist() == [[1, 2, 4, 6], [0, 0, 9, 9]]
    assert boxes.labels == ('toothbrush', 'person')
    assert boxes.crowd.tolist() == [False, True]
    assert len(truth.boxes_of(8).xyxy) == 0


def test_coco_pictures_lie_beside_the_file_in_images_or_where_said(tmp_path):
    path = tmp_path / 'labels.json'
    path.write_text(json.dumps(COCO))
    assert read_coco(path).images[0].path == tmp_path / 'images' / 'a.png'
    (tmp_path / 'a.png').touch()
    assert read_coco(path).images[0].path == tmp_path / 'a.png'
    assert open_dataset(f'coco:{path}', tmp_path / 'x').images[0].path == tmp_path / 'x' / 'a.png'


@pytest.mark.parametrize(
    'content',
    [
        '{',
        '[]',
        '{"images": []}',
        json.dumps({**COCO, 'categories': [{'id': 1}]}),
        json.dumps({**COCO, 'annotations': [{'image_id': 7, 'category_id': 1, 'bbox': [1]}]}),
    ],
)
def test_broken_coco_file_is_named(tmp_path, content):
    path = tmp_path / 'labels.json'
    path.write_text(content)
    with pytest.raises(GroundTruthError, match=r'labels\.json'):
        read_coco(path)


def test_missing_coco_file_is_named(tmp_path):
    with pytest.raises(GroundTruthError, match=r'absent\.json'):
        read_coco(tmp_path / 'absent.json')


def test_voc_boxes_become_continuous_pixels(voc):
    truth = read_voc(voc)
    assert [image.path.name for image in truth.images] == ['one.jpg', 'wrong.jpg']
    boxes = truth.boxes_of(1)
    assert boxes.xyxy.tolist() == [[0, 1, 4, 6], [4, 4, 8, 9]]
    assert boxes.labels == ('cone', 'box')
    assert boxes.crowd.tolist() == [False, True]


def test_voc_list_chooses_pictures(voc):
    assert len(open_dataset(f'voc:{voc}@val').images) == 1
    with pytest.raises(GroundTruthError, match=r'no such list; known: val'):
        open_dataset(f'voc:{voc}@test')


@pytest.mark.parametrize(
    'broken',
    [
        '<annotation>',
        XML.replace('<xmax>4</xmax>', '<xmax>0</xmax>'),
        XML.replace('<ymin>2</ymin>', ''),
        XML.replace('<name>cone</name>', ''),
        XML.replace('<width>20</width>', '<width>wide</width>'),
    ],
)
def test_broken_voc_label_is_named(voc, broken):
    (voc / 'Annotations' / 'two.xml').write_text(broken)
    with pytest.raises(GroundTruthError, match=r'two\.xml'):
        read_voc(voc)


def test_folder_without_labels_says_what_is_expected(tmp_path):
    with pytest.raises(GroundTruthError, match='Annotations'):
        open_dataset(f'voc:{tmp_path}')
    with pytest.raises(GroundTruthError, match='PedMasks'):
        open_dataset(f'penn_fudan:{tmp_path}')


def test_mask_boxes_reach_to_the_end_of_the_last_pixel():
    mask = np.zeros((10, 20), np.uint8)
    mask[2:5, 3:9] = 2
    mask[0, 0] = 1
    assert boxes_of_mask(mask) == [(0, 0, 1, 1), (3, 2, 9, 5)]
    assert boxes_of_mask(np.zeros((3, 3), np.uint8)) == []


@pytest.mark.parametrize('address', ['', 'coco', 'coco:', 'kitti:folder'])
def test_unknown_kind_of_data_names_the_known_ones(address):
    with pytest.raises(ValueError, match='coco, voc, yolo, penn_fudan'):
        open_dataset(address)


def test_unreadable_picture_is_named(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'not a picture')
    with pytest.raises(GroundTruthError, match=r'a\.png'):
        read_picture(tmp_path / 'a.png')


@pytest.mark.data
def test_boxes_around_masks_agree_with_the_annotations(shared_data):
    truth = open_dataset(f'penn_fudan:{shared_data / "pennfudan"}')
    (image,) = [item for item in truth.images if item.path.name == 'FudanPed00001.png']
    boxes = truth.boxes_of(image.image_id).xyxy
    np.testing.assert_allclose(boxes, [[159, 181, 302, 431], [419, 170, 535, 486]], atol=2)
    assert sum(len(truth.boxes_of(i.image_id).xyxy) for i in truth.images) == 67


@pytest.mark.data
def test_real_voc_set_is_read(shared_data):
    truth = open_dataset(f'voc:{shared_data / "bccd"}@val')
    assert set(truth.category_ids) == {'Platelets', 'RBC', 'WBC'}
    assert all(image.path.is_file() for image in truth.images)
