"""Things of other pictures: labels follow what is seen, the stored pictures stay as they are."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from perception_nodes.evaluation.ground_truth import GroundTruth, read_coco
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.imaging.collage import COVERING
from perception_nodes.imaging.outlines import outline_of
from perception_nodes.learning.data import copy_paste
from perception_nodes.learning.data.augmentation import training_transform
from perception_nodes.learning.data.copy_paste import PasteBoxes, PasteMasks
from perception_nodes.learning.data.masks import MaskDataset, mask_transform
from perception_nodes.learning.data.pictures import PictureDataset, labelled_pictures
from perception_nodes.learning.recipe import ScheduleRecipe, recipe_from_dict
from perception_nodes.learning.recipes.detection import DataRecipe, DetectionRecipe
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe, SegmentationRecipe
from perception_nodes.learning.tasks.detection import DetectionTask
from perception_nodes.learning.tasks.segmentation import SegmentationTask

DISC, SQUARE = 0, 1
CLASSES = ('disc', 'square')
BLANK, DISCS, SQUARES = 0, 1, 2


def draw(kind: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (96, 128, 3) uint8 RGB with one thing of 32 px, or none, and its mask."""
    pixels, mask = np.zeros((96, 128, 3), np.uint8), np.zeros((96, 128), np.uint8)
    if kind == DISCS:
        cv2.circle(mask, (64, 48), 16, 1, -1)
        pixels[mask == 1] = (250, 0, 0)
    if kind == SQUARES:
        mask[32:64, 48:80] = 1
        pixels[mask == 1] = (0, 0, 250)
    return pixels, mask.astype(bool)


def boxed_set(folder: Path, kinds: list[int], *, outlines: bool) -> PictureDataset:
    """Return samples of drawn pictures, as they are stored."""
    images, annotations = [], []
    for number, kind in enumerate(kinds):
        pixels, mask = draw(kind)
        cv2.imwrite(str(folder / f'{number}.png'), pixels[:, :, ::-1])
        images.append({'id': number, 'file_name': f'{number}.png'})
        if kind:
            left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
            extra = {'segmentation': outline_of(mask)} if outlines else {}
            annotations.append(
                {'id': number, 'image_id': number, 'category_id': kind,
                 'bbox': [left, top, width, height], **extra}
            )  # fmt: skip
    categories = [{'id': 1, 'name': 'disc'}, {'id': 2, 'name': 'square'}]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    return PictureDataset(labelled_pictures(GroundTruth(content, folder), CLASSES))


@pytest.mark.parametrize('seed', range(10))
def test_boxes_enclose_what_was_pasted(tmp_path, seed):
    stored = boxed_set(tmp_path, [BLANK, DISCS, SQUARES], outlines=True)
    torch.manual_seed(seed)
    made = PasteBoxes(1.0, stored, [DISC, SQUARE], 0.25)(stored[0])
    assert 1 <= len(made['boxes']) <= 3
    shown = np.zeros((96, 128), bool)
    for left, top, right, bottom in made['boxes'].int().tolist():
        shown[top:bottom, left:right] = True
    bright = made['image'].numpy().max(0) > 0
    assert bright.any()
    assert not (bright & ~shown).any(), 'pixels of a thing lie outside the boxes'
    if len(made['boxes']) == 1:
        rows, columns = np.nonzero(bright)
        ends = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert made['boxes'][0].tolist() == ends
        channel = 0 if made['class_ids'][0] == DISC else 2
        assert made['image'][channel].max() > 200
    assert torch.equal(stored[0]['image'], torch.zeros(3, 96, 128, dtype=torch.uint8))


def test_outline_leaves_the_corners_of_the_box_and_a_box_does_not(tmp_path):
    dark = {}
    for outlines in (True, False):
        stored = boxed_set(tmp_path, [BLANK, DISCS], outlines=outlines)
        thing = PasteBoxes(1.0, stored, [DISC], 0.25).thing((1, 0))
        dark[outlines] = int((thing.alpha < COVERING).sum())
    assert dark[True] > 100
    assert dark[False] == 0


def test_hidden_objects_lose_their_box_and_half_hidden_ones_shrink(tmp_path, monkeypatch):
    stored = boxed_set(tmp_path, [SQUARES], outlines=True)
    monkeypatch.setattr(copy_paste, '_MOST_THINGS', 1)
    for shift, boxes, ignored in (
        (0, 1, [False]),  # the one below is hidden
        (16, 2, [False, False]),
        (4, 2, [True, False]),  # an eighth is left
    ):

        def paste(collage, thing, left=48 + shift):
            collage.paste(thing, left, 32)

        monkeypatch.setattr(copy_paste, '_paste_anywhere', paste)
        made = PasteBoxes(1.0, stored, [SQUARE], 0.25)(stored[0])
        assert len(made['boxes']) == boxes
        assert made['ignored'].tolist() == ignored
        assert made['boxes'][0].tolist() == [48, 32, 48 + (shift or 32), 64]
        assert made['boxes'][-1].tolist() == [48 + shift, 32, 80 + shift, 64]


def test_classes_are_pasted_evenly_however_rare_they_are(tmp_path):
    stored = boxed_set(tmp_path, [BLANK, SQUARES, *[DISCS] * 9], outlines=True)
    torch.manual_seed(2)
    change = PasteBoxes(1.0, stored, [DISC, SQUARE], 0.0)
    drawn = torch.cat([change(stored[0])['class_ids'] for _ in range(60)])
    assert 0.35 < float((drawn == SQUARE).float().mean()) < 0.65


def test_only_chosen_classes_in_the_wanted_part_of_the_pictures(tmp_path):
    stored = boxed_set(tmp_path, [BLANK, SQUARES, DISCS], outlines=True)
    recipe = DataRecipe(crop_px=96, paste=0.5, paste_classes=['square'], colour=0.0)
    change = training_transform(recipe, stored, CLASSES).transforms[0]
    torch.manual_seed(5)
    made = [change(stored[0])['class_ids'].tolist() for _ in range(60)]
    assert 15 < sum(not ids for ids in made) < 45
    assert {number for ids in made for number in ids} == {SQUARE}


def test_ignored_and_tiny_objects_are_no_source(tmp_path):
    stored = boxed_set(tmp_path, [BLANK, DISCS], outlines=False)
    stored.pictures[1].ignored[:] = True
    with pytest.raises(ValueError, match=r'not one thing.*paste_classes'):
        PasteBoxes(1.0, stored, [DISC], 0.25)
    stored.pictures[1].ignored[:] = False
    stored.pictures[1].xyxy[:] = (10, 10, 15, 40)
    with pytest.raises(ValueError, match='not one thing'):
        PasteBoxes(1.0, stored, [DISC], 0.25)


def test_outline_of_another_picture_names_the_file(tmp_path):
    stored = boxed_set(tmp_path, [BLANK, DISCS], outlines=True)
    stored.pictures[1].outlines[0]['size'] = [5, 5]
    with pytest.raises(ValueError, match=r'1\.png: segmentation'):
        PasteBoxes(1.0, stored, [DISC], 0.25).thing((1, 0))


@pytest.fixture
def masked(tmp_path) -> MaskDataset:
    """Return ground (0), one picture with two discs (1), and one with a crumb of a square (2)."""
    for name in ('images', 'masks'):
        (tmp_path / name).mkdir()
    mask = np.zeros((3, 96, 128), np.uint8)
    cv2.circle(mask[1], (30, 48), 14, 1, -1)
    cv2.circle(mask[1], (90, 48), 14, 1, -1)
    mask[2, 5:8, 5:8] = 2
    for number in range(3):
        grey = np.array([20, 250, 120], np.uint8)[mask[number]]
        for folder, values in (('images', cv2.merge([grey] * 3)), ('masks', mask[number])):
            cv2.imwrite(str(tmp_path / folder / f'{number}.png'), values)
    card = {'semantic_classes': ['ground', 'disc', 'square']}
    (tmp_path / 'dataset.json').write_text(json.dumps(card))
    return MaskDataset(open_masked_set(f'masks:{tmp_path}'), cached=True)


@pytest.mark.parametrize('seed', range(6))
def test_mask_follows_the_pieces_that_are_pasted(masked, seed):
    torch.manual_seed(seed)
    made = PasteMasks(1.0, masked, [1])(masked[0])
    image, mask = made['image'][0].numpy(), made['mask'][0].numpy()
    assert set(np.unique(mask)) == {0, 1}
    assert np.array_equal(mask == 1, image != 20)
    count, _, sizes, _ = cv2.connectedComponentsWithStats((mask == 1).astype(np.uint8))
    assert sizes[1:, cv2.CC_STAT_WIDTH].max() < 50 * (count - 1), 'both discs as one piece'
    assert (masked[0]['mask'] == 0).all(), 'the stored mask has changed'
    assert (masked[0]['image'] == 20).all(), 'the stored picture has changed'


def test_class_of_crumbs_alone_cannot_be_pasted(masked):
    with pytest.raises(ValueError, match='not one thing'):
        PasteMasks(1.0, masked, [2])
    assert PasteMasks(1.0, masked, [1, 2]).places.keys() == {1}


def test_recipe_of_a_segmenter_pastes_the_classes_that_it_names(masked):
    steps = mask_transform(MaskDataRecipe(paste=0.3, paste_classes=['disc']), masked).transforms
    assert isinstance(steps[0], PasteMasks)
    assert not any(isinstance(s, PasteMasks) for s in mask_transform(MaskDataRecipe()).transforms)
    with pytest.raises(ValueError, match='name the classes of things'):
        MaskDataRecipe(paste=0.3)


@pytest.mark.parametrize('kind', [DetectionRecipe, SegmentationRecipe])
def test_wrong_names_of_classes_are_refused(kind):
    values = {'name': 'x', 'classes': list(CLASSES)}
    with pytest.raises(ValueError, match='no class cone; the recipe has disc, square'):
        recipe_from_dict({**values, 'data': {'paste_classes': ['cone']}}, kind)
    with pytest.raises(ValueError, match=r'write a list: \[disc\]'):
        recipe_from_dict({**values, 'data': {'paste_classes': 'disc'}}, kind)


def test_task_mixes_pictures_and_equal_epochs_are_equal(coco_folder, small_recipe):
    truth = read_coco(coco_folder / 'annotations.json')
    data = dataclasses.replace(small_recipe.data, mosaic=0.5, paste=0.7, disturbed=0.3, workers=1)
    task = DetectionTask(dataclasses.replace(small_recipe, data=data), truth, truth)
    first, again, other = (
        torch.cat([batch.images for batch in task.batches(epoch)]) for epoch in (3, 3, 4)
    )
    assert first.shape == (4, 3, 96, 96)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_segmentation_task_mixes_pictures(masked):
    recipe = SegmentationRecipe(
        name='x',
        classes=masked.labelled.classes,
        data=MaskDataRecipe(
            crop_wh=(64, 64), mosaic=0.5, paste=1.0, paste_classes=('disc',), workers=1
        ),
        schedule=ScheduleRecipe(batch=3),
    )
    task = SegmentationTask(recipe, masked.labelled, masked.labelled)
    (batch,) = task.batches(0)
    assert batch.images.shape == (3, 3, 64, 64)
    shows_disc = (batch.masks == 1).flatten(1).any(1)
    assert shows_disc.sum() >= 2, 'one of three stored pictures shows a disc'
