"""One composite: labels are exact, chance is repeatable, light is that of the background."""

import dataclasses

import numpy as np
import pytest

from perception_nodes.imaging.collage import Collage, Cutout
from perception_nodes.imaging.outlines import tight_box
from perception_nodes.simulation.composites.composite import CompositeConfig, compose, light_of
from perception_nodes.simulation.composites.things import Thing

PLAIN = CompositeConfig(size_wh=(160, 120), light=0.0, feather_px=0.0)
GROUND = np.full((120, 160, 3), 110, np.uint8)


def things(count: int) -> list[Thing]:
    """Return round things of 40 px, each of its own red."""
    y, x = np.mgrid[-20:20, -20:20] + 0.5
    alpha = ((x**2 + y**2 < 400) * 255).astype(np.uint8)
    return [
        Thing(cutout=Cutout(rgb=np.full((40, 40, 3), (200 + n, 0, 0), np.uint8), alpha=alpha),
              class_id=n)
        for n in range(count)
    ]  # fmt: skip


def made(count: int, seed: int, config: CompositeConfig = PLAIN):
    return compose(GROUND, things(count), config, np.random.default_rng(seed))


def test_background_without_things_stays_as_it_is():
    composite = made(0, 0)
    assert np.array_equal(composite.rgb, GROUND)
    assert composite.pasted == ()
    assert (composite.owner == -1).all()


@pytest.mark.parametrize('seed', range(20))
def test_box_encloses_exactly_the_pixels_that_were_pasted(seed):
    composite = made(1, seed)
    changed = (composite.rgb != GROUND).any(axis=2)
    assert np.array_equal(changed, composite.owner == 0)
    assert composite.pasted[0].xyxy == tight_box(changed)


@pytest.mark.parametrize('seed', range(10))
def test_every_thing_has_the_box_of_what_is_left_of_it(seed):
    composite = made(5, seed)
    assert sorted(composite.class_ids) == [0, 1, 2, 3, 4]
    for number, (thing, class_id) in enumerate(
        zip(composite.pasted, composite.class_ids, strict=True)
    ):
        mine = composite.owner == number
        assert thing.area_px == mine.sum()
        assert thing.xyxy == (tight_box(mine) if mine.any() else None)
        if mine.any():
            assert composite.rgb[mine][:, 0].max() == 200 + class_id


def test_larger_things_stand_in_front(monkeypatch):
    heights = []
    monkeypatch.setattr(Collage, 'paste', lambda _, cutout, *__: heights.append(cutout.size_wh[1]))
    made(8, 0)
    assert heights == sorted(heights)
    assert heights[0] < heights[-1]


def test_heights_lie_in_their_range():
    config = dataclasses.replace(PLAIN, height=(0.2, 0.4))
    sides = []
    for seed in range(40):
        (thing,) = made(1, seed, config).pasted
        if not thing.truncated_fraction:
            sides.append(thing.xyxy[3] - thing.xyxy[1])
    assert min(sides) >= 23
    assert max(sides) <= 49
    assert max(sides) - min(sides) > 10


def test_small_things_are_not_blown_up():
    config = dataclasses.replace(PLAIN, height=(1.5, 1.5))
    assert made(1, 0, config).owner.max() == 0
    (thing,) = made(1, 3, config).pasted
    assert thing.area_px <= (40 * 1.5) ** 2


def test_same_seed_gives_the_same_picture_and_another_another():
    first, again, other = made(3, 4), made(3, 4), made(3, 5)
    assert np.array_equal(first.rgb, again.rgb)
    assert not np.array_equal(first.rgb, other.rgb)


def test_soft_edges_keep_the_thing_and_its_box():
    hard, soft = made(1, 1), made(1, 1, dataclasses.replace(PLAIN, feather_px=1.0))
    assert soft.pasted == hard.pasted
    shades = len(np.unique(soft.rgb[..., 0]))
    assert shades > len(np.unique(hard.rgb[..., 0]))


@pytest.mark.parametrize(('grey', 'expected'), [(0, 0.0), (44, 0.4), (110, 1.0), (220, 2.0)])
def test_light_of_a_picture_grows_with_its_brightness(grey, expected):
    assert light_of(np.full((40, 40, 3), grey, np.uint8)) == pytest.approx([expected] * 3)


def test_things_take_on_the_tint_of_the_background():
    orange = np.full((120, 160, 3), (160, 110, 60), np.uint8)
    red, _, blue = light_of(orange)
    assert red > 1 > blue
    grey = Thing(
        cutout=Cutout(rgb=np.full((40, 40, 3), 128, np.uint8), alpha=things(1)[0].cutout.alpha),
        class_id=0,
    )
    config = dataclasses.replace(PLAIN, light=1.0)
    composite = compose(orange, [grey], config, np.random.default_rng(0))
    red, green, blue = composite.rgb[composite.owner == 0].mean(axis=0)
    assert red > green > blue


def test_ranges_that_are_upside_down_are_refused():
    with pytest.raises(ValueError, match='things: 3 is above 2'):
        CompositeConfig(things=(3, 2))
    with pytest.raises(ValueError, match='height'):
        CompositeConfig(height=(0.0, 0.5))
