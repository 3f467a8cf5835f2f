"""Things to paste: stored ones by even chance, rendered ones in full view."""

from collections import Counter

import cv2
import numpy as np
import pytest

from perception_nodes.simulation.composites.cutouts import CutoutError
from perception_nodes.simulation.composites.things import (
    RENDERED,
    RenderedThings,
    StoredThings,
    labels_of,
)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with nine discs and one square."""
    for name, count in (('disc', 9), ('square', 1)):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = np.zeros((30, 30, 4), np.uint8)
            pixels[5:25, 5:25] = 255
            cv2.imwrite(str(tmp_path / name / f'{number}.png'), pixels)
    return tmp_path


def test_rare_classes_are_drawn_as_often_as_common_ones(folder):
    things = StoredThings(folder).draw(0, 200, np.random.default_rng(1))
    counts = Counter(thing.class_id for thing in things)
    assert 70 < counts[1] < 130
    assert things[0].cutout.size_wh == (20, 20)
    assert StoredThings(folder).draw(0, 0, np.random.default_rng(1)) == []


def test_file_that_breaks_later_is_named(folder):
    things = StoredThings(folder)
    (folder / 'square' / '0.png').write_bytes(b'')
    with pytest.raises(CutoutError, match=r'0\.png'):
        things.draw(0, 50, np.random.default_rng(1))


def test_masks_of_stored_things_call_the_rest_background(folder):
    labels = labels_of(folder)
    assert labels.classes == ('disc', 'square')
    assert labels.semantic[labels.first : labels.first + 2] == labels.classes
    assert labels.semantic[labels.rest] == 'background'


def test_masks_of_rendered_things_leave_the_rest_unlabelled():
    assert labels_of(None) is RENDERED
    assert RENDERED.semantic[RENDERED.first :][:5] == RENDERED.classes
    assert RENDERED.rest == 255


def test_rendered_things_are_whole_and_repeatable(rendering):
    drawn = []
    for _ in range(2):
        source = RenderedThings('train', 3, (320, 240))
        drawn.append([source.draw(n, 4, np.random.default_rng(n)) for n in (0, 1)])
        source.close()
    first, again = drawn
    assert [len(things) for things in first] == [4, 4]
    for things, others in zip(first, again, strict=True):
        for thing, other in zip(things, others, strict=True):
            assert np.array_equal(thing.cutout.rgb, other.cutout.rgb)
            assert max(thing.cutout.size_wh) >= 24
            assert 0 <= thing.class_id < 5
            for edge in (thing.cutout.alpha[0], thing.cutout.alpha[-1]):
                assert edge.any(), 'the box is not tight'
    ids = {thing.class_id for things in first for thing in things}
    assert len(ids) > 1
