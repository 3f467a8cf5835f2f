"""Fingerprints tell the same picture from another one."""

import time

import cv2
import numpy as np
import pytest

from perception_nodes.curation.fingerprint import Fingerprints, fingerprint, nearest_before


def scene(seed):
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (160, 120))


def again(pixels, how):
    if how == 'jpeg':
        data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
        return cv2.imdecode(data, cv2.IMREAD_COLOR)
    if how == 'smaller':
        return cv2.resize(pixels, (80, 60), interpolation=cv2.INTER_AREA)
    if how == 'brighter':
        return np.clip(pixels.astype(int) + 20, 0, 255).astype(np.uint8)
    noise = np.random.default_rng(7).normal(0, 8, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def test_nothing_has_no_neighbours():
    found, _ = nearest_before(Fingerprints.of([]), np.zeros(0), same_group=True)
    assert found.shape == (0,)


@pytest.mark.parametrize('how', ['jpeg', 'smaller', 'brighter', 'noisy'])
def test_changed_copies_find_their_original_and_nothing_else(how):
    originals = [scene(seed) for seed in range(40)]
    pictures = [*originals, *(again(pixels, how) for pixels in originals[:10])]
    prints = Fingerprints.of([fingerprint(pixels) for pixels in pictures])
    found, alike = nearest_before(prints, np.zeros(50), same_group=True)
    assert found.tolist() == [-1] * 40 + list(range(10))
    assert (alike[40:] >= 0.98).all()


def test_groups_decide_what_is_compared():
    prints = Fingerprints.of([fingerprint(scene(1))] * 3)
    groups = np.array([0, 0, 1])
    assert nearest_before(prints, groups, same_group=True)[0].tolist() == [-1, 0, -1]
    assert nearest_before(prints, groups, same_group=False)[0].tolist() == [-1, -1, 0]


def test_flat_pictures_are_like_no_other():
    prints = Fingerprints.of([fingerprint(np.full((40, 40, 3), 90, np.uint8))] * 2)
    assert nearest_before(prints, np.zeros(2), same_group=True)[0].tolist() == [-1, -1]


def test_thousands_are_compared_in_seconds_also_across_blocks():
    rng = np.random.default_rng(0)
    hashes = rng.choice([-1.0, 1.0], (3000, 64)).astype(np.float32)
    thumbnails = rng.normal(size=(3000, 576)).astype(np.float32)
    thumbnails /= np.linalg.norm(thumbnails, axis=1, keepdims=True)
    hashes[2500], thumbnails[2500] = hashes[17], thumbnails[17]
    start = time.monotonic()
    found, _ = nearest_before(
        Fingerprints(hashes=hashes, thumbnails=thumbnails), np.zeros(3000), same_group=True
    )
    assert time.monotonic() - start < 30  # 0.1 to 0.2 s on 2 shared cores
    assert np.flatnonzero(found >= 0).tolist() == [2500]
    assert found[2500] == 17
