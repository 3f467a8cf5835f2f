"""Backgrounds: taken over once, large enough, and seen in another part every time."""

import cv2
import numpy as np
import pytest

from perception_nodes.simulation.composites.backgrounds import (
    background_paths,
    gather_backgrounds,
    random_view,
)

SIZE_WH = (64, 48)


def photos(folder, sizes):
    folder.mkdir()
    for number, (width, height) in enumerate(sizes):
        columns = np.linspace(0, 255, width).astype(np.uint8)[None, :, None]
        cv2.imwrite(str(folder / f'{number}.png'), np.broadcast_to(columns, (height, width, 3)))
    return str(folder)


def test_small_pictures_are_left_out_and_large_ones_made_smaller(tmp_path):
    address = photos(tmp_path / 'photos', [(64, 48), (20, 48), (640, 480)])
    advanced = []
    count = gather_backgrounds(
        [address], tmp_path / 'out', SIZE_WH, advance=lambda: advanced.append(1)
    )
    sizes = [cv2.imread(str(path)).shape[:2] for path in background_paths(tmp_path / 'out')]
    assert count == 2
    assert sizes == [(48, 64), (96, 128)]
    assert len(advanced) == 3


def test_what_was_gathered_stays(tmp_path):
    address = photos(tmp_path / 'photos', [(64, 48)])
    assert gather_backgrounds([address], tmp_path / 'out', SIZE_WH) == 1
    cv2.imwrite(str(tmp_path / 'photos' / 'more.png'), np.zeros((48, 64, 3), np.uint8))
    assert gather_backgrounds([address], tmp_path / 'out', SIZE_WH) == 1
    assert gather_backgrounds([address], tmp_path / 'other', SIZE_WH) == 2


def test_only_small_pictures_name_the_cure(tmp_path):
    address = photos(tmp_path / 'photos', [(20, 20), (64, 20)])
    with pytest.raises(ValueError, match=r'all 2 pictures.*less than half of 64x48.*--size'):
        gather_backgrounds([address], tmp_path / 'out', SIZE_WH)


def test_no_picture_at_all_is_refused(tmp_path):
    (tmp_path / 'photos').mkdir()
    with pytest.raises(ValueError, match='no picture'):
        gather_backgrounds([str(tmp_path / 'photos')], tmp_path / 'out', SIZE_WH)


def test_views_have_the_wanted_size_and_differ(tmp_path):
    address = photos(tmp_path / 'photos', [(200, 90)])
    gather_backgrounds([address], tmp_path / 'out', SIZE_WH)
    (path,) = background_paths(tmp_path / 'out')
    views = [random_view(path, SIZE_WH, np.random.default_rng(seed)) for seed in range(12)]
    assert {view.shape for view in views} == {(48, 64, 3)}
    rising = [int(view[24, -1, 0]) > int(view[24, 0, 0]) for view in views]
    assert len(set(rising)) == 2, 'never mirrored'
    widths = {abs(int(view[24, -1, 0]) - int(view[24, 0, 0])) for view in views}
    assert len(widths) > 3, 'never at another zoom'
    again = random_view(path, SIZE_WH, np.random.default_rng(0))
    assert np.array_equal(views[0], again)
