"""Nothing that a held-out scene shows may occur in a training scene."""

from dataclasses import fields
from itertools import product

import numpy as np
import pytest

from perception_nodes.simulation.assembly import compose_design, random_lights
from perception_nodes.simulation.families import COLOR_JITTER, FAMILIES, Assets

TRAIN, HELD_OUT = FAMILIES[Assets.TRAIN], FAMILIES[Assets.HELD_OUT]
KINDS = ('surface_kinds', 'cloth_kinds', 'torsos', 'cone_shapes', 'box_kinds', 'barrel_shapes',
         'sign_plates', 'pictograms', 'clutter_shapes')  # fmt: skip
PALETTES = [item.name for item in fields(TRAIN) if item.name.endswith(('_colors', '_bands'))]


def colors_of(family, name):
    return np.array(getattr(family, name))


@pytest.mark.parametrize('name', KINDS)
def test_kinds_are_disjoint(name):
    assert not set(getattr(TRAIN, name)) & set(getattr(HELD_OUT, name))


def test_texture_kinds_are_disjoint_whatever_they_are_used_for():
    uses = ('surface_kinds', 'cloth_kinds', 'box_kinds')
    train, held_out = ({k for use in uses for k in getattr(f, use)} for f in (TRAIN, HELD_OUT))
    assert not train & held_out


def test_hats_share_only_going_without():
    assert set(TRAIN.hats) & set(HELD_OUT.hats) == {'none'}


@pytest.mark.parametrize('name', PALETTES)
def test_palettes_lie_further_apart_than_their_variation(name):
    pairs = product(colors_of(TRAIN, name), colors_of(HELD_OUT, name))
    assert min(np.abs(a - b).max() for a, b in pairs) > 2 * COLOR_JITTER


def test_sign_schemes_lie_further_apart_than_their_variation():
    pairs = product(TRAIN.sign_schemes, HELD_OUT.sign_schemes)
    assert min(np.abs(np.array(a) - np.array(b)).max() for a, b in pairs) > 2 * COLOR_JITTER


def test_no_light_rig_is_shared():
    assert not set(TRAIN.rigs) & set(HELD_OUT.rigs)


def fingerprints(family, seed):
    textures, meshes, lights = set(), set(), set()
    for number in range(4):
        rng = np.random.default_rng([seed, number])
        design = compose_design(rng, family)
        surfaces = [design.floor, design.walls, design.lane]
        textures |= {surface.picture.tobytes() for surface in surfaces} | {design.sky.tobytes()}
        parts = [part for thing in design.things for part in thing.parts]
        textures |= {part.texture.tobytes() for part in parts if part.texture is not None}
        meshes |= {part.mesh.vertices.tobytes() for part in parts if part.mesh is not None}
        lights |= {light for _ in range(20) for light in random_lights(rng, family).lights}
    return textures, meshes, lights


def test_textures_meshes_and_lights_of_stages_are_disjoint_even_for_one_seed():
    for train, held_out in zip(fingerprints(TRAIN, 1), fingerprints(HELD_OUT, 1), strict=True):
        assert len(train) > 20
        assert len(held_out) > 20
        assert not train & held_out


def test_every_family_has_all_five_classes():
    for family in FAMILIES.values():
        things = compose_design(np.random.default_rng(0), family).things
        assert {thing.class_id for thing in things} == {None, 0, 1, 2, 3, 4}
