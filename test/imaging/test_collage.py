"""What is cut out and pasted, and what is left to see of it."""

import numpy as np
import pytest

from perception_nodes.imaging.collage import COVERING, Collage, Cutout, cut_out, cut_out_box


def plate(width: int, height: int, value: int = 200) -> Cutout:
    """Return a thing of one colour without edges."""
    return Cutout(
        rgb=np.full((height, width, 3), value, np.uint8),
        alpha=np.full((height, width), 255, np.uint8),
    )


def ground() -> np.ndarray:
    return np.full((40, 60, 3), 20, np.uint8)


def test_collage_without_things_is_the_picture():
    rgb = ground()
    collage = Collage(rgb)
    assert np.array_equal(collage.rgb, rgb)
    assert collage.pasted() == []
    assert collage.uncovered((3, 4, 9, 8)) == ((3, 4, 9, 8), 1.0)


def test_box_encloses_exactly_the_pixels_that_changed():
    rgb = ground()
    collage = Collage(rgb)
    collage.paste(plate(10, 6), 7, 30)
    (thing,) = collage.pasted()
    rows, columns = np.nonzero((collage.rgb != rgb).any(axis=2))
    ends = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert thing.xyxy == ends == (7, 30, 17, 36)
    assert (thing.area_px, thing.visible_fraction, thing.truncated_fraction) == (60, 1.0, 0.0)
    assert (rgb == 20).all(), 'the picture that was given has changed'


def test_later_things_hide_earlier_ones():
    collage = Collage(ground())
    for left in (10, 15):
        collage.paste(plate(10, 10), left, 10)
    below, above = collage.pasted()
    assert (below.xyxy, below.visible_fraction) == ((10, 10, 15, 20), 0.5)
    assert (above.xyxy, above.visible_fraction) == ((15, 10, 25, 20), 1.0)
    collage.paste(plate(30, 30), 5, 5)
    assert [thing.xyxy for thing in collage.pasted()[:2]] == [None, None]


@pytest.mark.parametrize(
    ('left', 'top', 'xyxy', 'outside'),
    [
        (-4, 10, (0, 10, 6, 20), 0.4),
        (55, 35, (55, 35, 60, 40), 0.75),
        (-10, 10, None, 1.0),
        (60, 0, None, 1.0),
        (0, -99, None, 1.0),
    ],
)
def test_what_lies_outside_the_picture_is_cut_off(left, top, xyxy, outside):
    collage = Collage(ground())
    collage.paste(plate(10, 10), left, top)
    (thing,) = collage.pasted()
    assert thing.xyxy == xyxy
    assert thing.truncated_fraction == pytest.approx(outside)
    assert thing.visible_fraction == (1.0 if xyxy else 0.0)


def test_pixels_are_mixed_from_half_of_the_thing_on():
    thing = plate(4, 1, 220)
    thing.alpha[0] = (0, COVERING - 1, COVERING, 255)
    collage = Collage(ground())
    collage.paste(thing, 0, 0)
    assert collage.rgb[0, :4, 0].tolist() == [20, 20, 120, 220]
    assert collage.pasted()[0].xyxy == (2, 0, 4, 1)


def test_box_of_what_was_there_shrinks_to_what_is_left():
    collage = Collage(ground())
    collage.paste(plate(10, 40), 10, 0)
    assert collage.uncovered((5.0, 3.0, 15.0, 9.0)) == ((5.0, 3.0, 10.0, 9.0), 0.5)
    assert collage.uncovered((12.0, 3.0, 18.0, 9.0))[1] == 0.0
    assert collage.uncovered((70.0, 3.0, 80.0, 9.0)) == ((70.0, 3.0, 80.0, 9.0), 1.0)


def test_thing_is_cut_out_by_its_mask():
    rgb = ground()
    mask = np.zeros((40, 60), bool)
    mask[5:9, 10:13] = True
    mask[6, 11] = False
    rgb[mask] = 99
    thing = cut_out(rgb, mask)
    assert thing.size_wh == (3, 4)
    assert np.array_equal(thing.alpha == 255, thing.rgb[..., 0] == 99)


def test_box_fades_at_its_edges_and_loses_no_pixel():
    alpha = cut_out_box(ground(), (10, 10, 40, 30)).alpha
    assert alpha.shape == (20, 30)
    assert alpha.min() >= COVERING
    assert alpha[10, 15] == 255
    assert alpha[10, 0] < alpha[10, 2] < 255
    assert np.array_equal(alpha, alpha[::-1, ::-1])


def test_box_is_cut_at_the_edges_of_the_picture():
    assert cut_out_box(ground(), (-5, 30, 10, 99)).size_wh == (10, 10)
    assert cut_out_box(ground(), (80, 50, 90, 60)).size_wh == (1, 1)


def test_colours_under_transparent_pixels_do_not_bleed():
    thing = plate(20, 20, 200)
    thing.alpha[:, :10] = 0
    thing.rgb[:, :10] = 0
    for factor in (0.37, 2.3):
        scaled = thing.scaled(factor)
        assert abs(scaled.size_wh[0] - 20 * factor) <= 0.5
        shown = scaled.rgb[scaled.alpha > 0]
        assert shown.min() >= 198


def test_feathered_edge_is_soft_and_loses_no_pixel():
    thing = plate(20, 20)
    soft = thing.feathered(2.0)
    assert soft.alpha[10, 10] == 255
    assert COVERING <= soft.alpha[10, 0] < 160
    assert (np.diff(soft.alpha[10, :10].astype(int)) >= 0).all()
    assert soft.alpha.min() == COVERING
    thing.alpha[:] = 0
    assert thing.feathered(2.0).alpha.max() == 0


def test_mirrored_thing_has_its_left_on_the_right():
    thing = plate(3, 2)
    thing.alpha[:, 0] = 0
    assert thing.mirrored().alpha.tolist() == [[255, 255, 0]] * 2
