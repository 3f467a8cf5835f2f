"""Region of interest."""

import numpy as np
import pytest

from perception_nodes.imaging.region import crop
from perception_nodes.structures import Frame

FRAME = Frame(
    pixels=np.arange(20 * 30 * 3, dtype=np.uint32).astype(np.uint8).reshape(20, 30, 3),
    stamp_ns=5,
    frame_id='camera',
)


def test_empty_region_is_the_frame_itself():
    assert crop(FRAME, ()) == (FRAME, (0, 0))


def test_region_is_a_view_that_keeps_the_header():
    region, offset_xy = crop(FRAME, (4, 6, 10, 8))
    assert region.size_wh == (10, 8)
    assert offset_xy == (4, 6)
    assert np.shares_memory(region.pixels, FRAME.pixels)
    np.testing.assert_array_equal(region.pixels, FRAME.pixels[6:14, 4:14])
    assert (region.stamp_ns, region.frame_id) == (5, 'camera')


def test_region_is_cut_at_the_edges_of_the_picture():
    assert crop(FRAME, (25, 15, 100, 100))[0].size_wh == (5, 5)


def test_region_outside_the_picture_is_refused():
    with pytest.raises(ValueError, match=r'roi \[30, 0, 5, 5\] lies outside .* 30x20'):
        crop(FRAME, (30, 0, 5, 5))
