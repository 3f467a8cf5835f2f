"""Framings of a crop."""

import numpy as np
import pytest

from perception_nodes.fewshot.embedding import PixelEmbedder
from perception_nodes.fewshot.views import VIEWS, embed_views


def test_first_view_is_the_crop_and_the_others_differ():
    crop = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)
    embedder = PixelEmbedder()
    found = embed_views(embedder, [crop])
    assert found.shape == (1, VIEWS, 3 * 32 * 32)
    assert np.array_equal(found[0, 0], embedder(crop))
    assert max(found[0, 1:] @ found[0, 0]) < 0.999


def test_without_a_crop_it_says_so():
    with pytest.raises(ValueError, match='at least one picture'):
        embed_views(PixelEmbedder(), [])
