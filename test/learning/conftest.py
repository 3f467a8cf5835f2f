"""Drawn pictures with labels, small enough to learn in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.detection import DetectionRecipe
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe

CLASSES = ('disc', 'square')


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def draw(rng: np.random.Generator, size_wh: tuple[int, int]) -> tuple[np.ndarray, list[tuple]]:
    """Return a picture (H, W, 3) uint8 and rows (xywh, class id)."""
    width, height = size_wh
    pixels = rng.integers(90, 130, (height, width, 3)).astype(np.uint8)
    rows = []
    for column in range(2):
        radius = int(rng.integers(14, 24))
        x = int(width * (0.25 + 0.5 * column))
        y = int(rng.integers(radius + 2, height - radius - 2))
        class_id = int(rng.integers(0, 2))
        if class_id == 0:
            cv2.circle(pixels, (x, y), radius, (230, 40, 40), -1)
        else:
            cv2.rectangle(
                pixels, (x - radius, y - radius), (x + radius, y + radius), (40, 40, 230), -1
            )
        rows.append(((x - radius, y - radius, 2 * radius + 1, 2 * radius + 1), class_id))
    return pixels, rows


@pytest.fixture
def coco_folder(tmp_path: Path) -> Path:
    """Return a folder with ``images/`` and ``annotations.json``: four drawn pictures."""
    folder = tmp_path / 'drawn'
    (folder / 'images').mkdir(parents=True)
    rng = np.random.default_rng(3)
    images, annotations = [], []
    for number in range(1, 5):
        pixels, rows = draw(rng, (160, 128))
        name = f'{number:04d}.png'
        cv2.imwrite(str(folder / 'images' / name), pixels[:, :, ::-1])
        images.append({'id': number, 'file_name': name, 'width': 160, 'height': 128})
        for bbox, class_id in rows:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': number,
                    'category_id': class_id + 1,
                    'bbox': list(bbox),
                    'area': bbox[2] * bbox[3],
                    'iscrowd': 0,
                }
            )
    categories = [{'id': i + 1, 'name': name} for i, name in enumerate(CLASSES)]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    (folder / 'annotations.json').write_text(json.dumps(content))
    return folder


@pytest.fixture
def small_recipe() -> DetectionRecipe:
    """Return a recipe that trains in seconds."""
    return recipe_from_dict(
        {
            'name': 'drawn',
            'classes': list(CLASSES),
            'input_wh': [160, 128],
            'model': {'pretrained': False, 'channels': 16, 'head_depth': 1, 'frozen_stages': 0},
            'data': {
                'crop_px': 96,
                'workers': 0,
                'colour': 0.0,
                'scale_min': 0.9,
                'scale_max': 1.1,
            },
            'schedule': {
                'epochs': 2,
                'batch': 2,
                'trunk_rate_factor': 1.0,
                'warmup_steps': 2,
                'validation_images': 2,
            },
        },
        DetectionRecipe,
    )


@pytest.fixture
def masks_folder(tmp_path: Path) -> Path:
    """Return a folder as ``perception synthesize --masks`` writes it: 24 drawn pictures."""
    folder = tmp_path / 'drawn'
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number in range(24):
        pixels = rng.integers(90, 130, (96, 128, 3)).astype(np.uint8)
        mask = np.full((96, 128), 2, np.uint8)
        x, y = int(rng.integers(20, 50)), int(rng.integers(20, 76))
        cv2.circle(pixels, (x, y), 16, (40, 40, 230), -1)
        cv2.circle(mask, (x, y), 16, 0, -1)
        cv2.rectangle(pixels, (x + 40, y - 14), (x + 68, y + 14), (230, 40, 40), -1)
        cv2.rectangle(mask, (x + 40, y - 14), (x + 68, y + 14), 1, -1)
        mask[:4] = 255
        cv2.imwrite(str(folder / 'images' / f'{number:06d}.png'), pixels)
        cv2.imwrite(str(folder / 'masks' / f'{number:06d}.png'), mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': [*CLASSES, 'ground']}))
    return folder


@pytest.fixture
def mask_recipe() -> SegmentationRecipe:
    """Return a recipe that trains in seconds."""
    return recipe_from_dict(
        {
            'name': 'drawn',
            'classes': [*CLASSES, 'ground'],
            'input_wh': [128, 96],
            'model': {'pretrained': False, 'channels': 24, 'output_stride': 4},
            'data': {'crop_wh': [96, 64], 'workers': 0, 'colour': 0.0, 'cached': True},
            'schedule': {
                'epochs': 2,
                'epoch_pictures': 8,
                'batch': 4,
                'learning_rate': 0.005,
                'trunk_rate_factor': 1.0,
                'warmup_steps': 2,
                'validation_images': 4,
            },
        },
        SegmentationRecipe,
    )
