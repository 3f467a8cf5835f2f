"""Nothing that a scene of one family shows may occur in a scene of another."""

from dataclasses import fields
from itertools import combinations, product

import numpy as np
import pytest

from perception_nodes.simulation.assembly import compose_design, random_lights
from perception_nodes.simulation.asset_family import COLOR_JITTER, AssetFamily
from perception_nodes.simulation.families import FAMILIES

PAIRS = [(FAMILIES[one], FAMILIES[other]) for one, other in combinations(FAMILIES, 2)]
NAMES = [f'{one.value}-{other.value}' for one, other in combinations(FAMILIES, 2)]
KINDS = ('surface_kinds', 'cloth_kinds', 'torsos', 'cone_shapes', 'box_kinds', 'barrel_shapes',
         'sign_plates', 'pictograms', 'clutter_shapes')  # fmt: skip
PALETTES = [item.name for item in fields(AssetFamily) if item.name.endswith(('_colors', '_bands'))]


def colors_of(family, name):
    return np.array(getattr(family, name))


pairwise = pytest.mark.parametrize(('one', 'other'), PAIRS, ids=NAMES)


@pairwise
@pytest.mark.parametrize('name', KINDS)
def test_kinds_are_disjoint(name, one, other):
    assert not set(getattr(one, name)) & set(getattr(other, name))


@pairwise
def test_texture_kinds_are_disjoint_whatever_they_are_used_for(one, other):
    uses = ('surface_kinds', 'cloth_kinds', 'box_kinds')
    first, second = ({kind for use in uses for kind in getattr(f, use)} for f in (one, other))
    assert not first & second


@pairwise
def test_hats_share_only_going_without(one, other):
    assert set(one.hats) & set(other.hats) == {'none'}


@pairwise
@pytest.mark.parametrize('name', PALETTES)
def test_palettes_lie_further_apart_than_their_variation(name, one, other):
    pairs = product(colors_of(one, name), colors_of(other, name))
    assert min(np.abs(a - b).max() for a, b in pairs) > 2 * COLOR_JITTER


@pairwise
def test_sign_schemes_lie_further_apart_than_their_variation(one, other):
    pairs = product(one.sign_schemes, other.sign_schemes)
    assert min(np.abs(np.array(a) - np.array(b)).max() for a, b in pairs) > 2 * COLOR_JITTER


@pairwise
def test_no_light_rig_is_shared(one, other):
    assert not set(one.rigs) & set(other.rigs)


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


@pairwise
def test_textures_meshes_and_lights_of_stages_are_disjoint_even_for_one_seed(one, other):
    for first, second in zip(fingerprints(one, 1), fingerprints(other, 1), strict=True):
        assert len(first) > 20
        assert len(second) > 20
        assert not first & second


def test_every_family_has_all_five_classes():
    for family in FAMILIES.values():
        things = compose_design(np.random.default_rng(0), family).things
        assert {thing.class_id for thing in things} == {None, 0, 1, 2, 3, 4}
