import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from perception_nodes.imaging.outlines import mask_of, tight_box
from perception_nodes.simulation import RandomizationConfig
from perception_nodes.simulation.records import DatasetMismatchError
from perception_nodes.simulation.synthesis import (
    SynthesisJob,
    annotations_of,
    finish,
    render_missing,
)
from perception_nodes.structures import Detections

CONFIG = RandomizationConfig(seed=5, size_wh=(160, 120), scenes_per_stage=2)


def job_in(folder, scenes=3, **layers):
    return SynthesisJob(folder=folder, config=CONFIG, scenes=scenes, **layers)


@pytest.fixture(scope='module')
def finished(tmp_path_factory, rendering):
    job = job_in(tmp_path_factory.mktemp('set'), masks=True, depth=True)
    job.records.prepare()
    assert sum(render_missing(job, 1)) == 3
    return job, finish(job)


def test_data_set_is_valid_coco(finished):
    job, card = finished
    document = json.loads((job.folder / 'annotations.json').read_text())
    assert [entry['name'] for entry in document['categories']] == card['classes']
    assert [entry['id'] for entry in document['categories']] == [1, 2, 3, 4, 5]
    ids = [entry['id'] for entry in document['annotations']]
    assert ids == list(range(1, len(ids) + 1))
    for image in document['images']:
        assert cv2.imread(str(job.folder / image['file_name'])).shape == (120, 160, 3)
    for entry in document['annotations']:
        left, top, width, height = entry['bbox']
        assert 0 <= left < left + width <= 160
        assert 0 <= top < top + height <= 120
        assert 0 < entry['area'] <= width * height
        assert entry['iscrowd'] == entry['ignore']


def test_mask_and_area_agree(finished):
    job, _ = finished
    document = json.loads((job.folder / 'annotations.json').read_text())
    mask = cv2.imread(str(job.folder / 'masks/000000.png'), cv2.IMREAD_UNCHANGED)
    for class_id in range(1, 6):
        areas = [
            entry['area']
            for entry in document['annotations']
            if entry['image_id'] == 0 and entry['category_id'] == class_id
        ]
        assert sum(areas) == (mask == class_id + 2).sum()


def test_outline_of_a_thing_fills_its_box_and_area(finished):
    job, _ = finished
    document = json.loads((job.folder / 'annotations.json').read_text())
    for entry in document['annotations']:
        mask = mask_of(entry['segmentation'], (160, 120))
        left, top, right, bottom = tight_box(mask)
        assert entry['bbox'] == [left, top, right - left, bottom - top]
        assert entry['area'] == mask.sum()


def test_depth_is_in_millimetres(finished):
    job, _ = finished
    depth = cv2.imread(str(job.folder / 'depth/000000.png'), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    assert 200 < np.median(depth[depth > 0]) < 60_000


def test_card_counts_what_is_in_the_set(finished):
    job, card = finished
    document = json.loads((job.folder / 'annotations.json').read_text())
    assert card['objects'] + card['ignored'] == len(document['annotations'])
    assert sum(card['objects_per_class'].values()) == card['objects']
    assert sum(card['longer_side_px'].values()) == card['objects']
    assert (card['seed'], card['assets'], card['licence']) == (5, 'train', 'Apache-2.0')


def test_interrupted_run_continues_and_gives_the_same_pictures(finished, tmp_path):
    job, _ = finished
    again = job_in(tmp_path / 'again', scenes=1, masks=True, depth=True)
    again.records.prepare()
    list(render_missing(again, 1))
    grown = replace(again, scenes=3)
    grown.records.prepare()
    assert grown.records.missing(3) == [1, 2]
    list(render_missing(grown, 1))
    finish(grown)
    for name in ('annotations.json', 'images/000000.jpg', 'images/000002.jpg', 'dataset.json'):
        assert (grown.folder / name).read_bytes() == (job.folder / name).read_bytes()


def test_folder_of_another_seed_is_refused(tmp_path):
    job_in(tmp_path).records.prepare()
    other = replace(job_in(tmp_path), config=replace(CONFIG, seed=6))
    with pytest.raises(DatasetMismatchError, match='another configuration'):
        other.records.prepare()


def test_tiny_and_hidden_things_are_ignored(train_scenes):
    scene = train_scenes[0]
    view = replace(
        scene.view,
        detections=Detections(
            np.array([[0, 0, 11, 5], [0, 0, 12, 5], [0, 0, 90, 90]]), np.ones(3), np.arange(3)
        ),
        areas_px=np.array([20, 30, 40]),
        instance_numbers=np.arange(3),
        visible_fractions=np.array([1.0, 1.0, 0.1]),
        truncated_fractions=np.zeros(3),
    )
    entries = annotations_of(replace(scene, view=view))
    assert [entry['ignore'] for entry in entries] == [1, 0, 1]
    assert [entry['iscrowd'] for entry in entries] == [1, 0, 1]


def test_no_scenes_is_no_job(tmp_path):
    with pytest.raises(ValueError, match='at least 1'):
        job_in(tmp_path, scenes=0)


def test_paths_are_in_the_records_of_those_who_want_them(tmp_path, rendering, finished):
    job = job_in(tmp_path / 'paths', paths=True)
    job.records.prepare()
    assert sum(render_missing(job, 1)) == 3
    records = [
        json.loads((folder / 'records' / '000000.json').read_text())
        for folder in (job.folder, finished[0].folder)
    ]
    assert 'path' not in records[1]
    assert all(len(row) == 4 for row in records[0]['path'])
    with pytest.raises(DatasetMismatchError):
        job_in(job.folder).records.prepare()
