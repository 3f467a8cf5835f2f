"""Every kind of every family can be built, and what is built is sound."""

from dataclasses import replace

import numpy as np
import pytest

from perception_nodes.simulation.clutter import build_clutter
from perception_nodes.simulation.families import FAMILIES
from perception_nodes.simulation.figures import build_person
from perception_nodes.simulation.plates import PICTOGRAMS, PLATES
from perception_nodes.simulation.props import build_barrel, build_box, build_cone
from perception_nodes.simulation.signs import build_sign
from perception_nodes.simulation.textures import PAINTERS, paint

BUILDERS = {
    'torsos': build_person,
    'hats': build_person,
    'postures': build_person,
    'belongings': build_person,
    'cone_shapes': build_cone,
    'box_kinds': build_box,
    'box_forms': build_box,
    'barrel_shapes': build_barrel,
    'sign_plates': build_sign,
    'sign_mounts': build_sign,
    'sign_finishes': build_sign,
    'pictograms': build_sign,
    'clutter_shapes': build_clutter,
}
ROWS = [
    pytest.param(family, name, kind, id=f'{assets.value}-{name}-{kind}')
    for assets, family in FAMILIES.items()
    for name in BUILDERS
    for kind in sorted(set(getattr(family, name)))
]
COLORS = np.array([[0.2, 0.3, 0.4], [0.8, 0.7, 0.6]])


def signed_volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum('ij,ij->i', a, np.cross(b, c)).sum() / 6)


def lowest(part):
    height = part.reach[0] if part.mesh is None else part.mesh.vertices.min(axis=0)
    return height[2] + (0.0 if part.mesh is None else part.position[2])


def is_star_shaped(outline):
    """Whether the outline runs counter-clockwise around its mean in every step."""
    spokes = outline - outline.mean(axis=0)
    after = np.roll(spokes, -1, axis=0)
    return bool((spokes[:, 0] * after[:, 1] - spokes[:, 1] * after[:, 0] > 0).all())


@pytest.mark.parametrize(('family', 'name', 'kind'), ROWS)
def test_kind_stands_on_the_floor_with_faces_outwards(family, name, kind):
    only = replace(family, **{name: (kind,)})
    for seed in range(5):
        thing = BUILDERS[name](np.random.default_rng(seed), only)
        assert min(lowest(part) for part in thing.parts) > -0.06  # shoes give a little
        assert 0.05 < thing.height_m < 4.0
        meshes = [part.mesh for part in thing.parts if part.mesh is not None]
        assert all(signed_volume(mesh) > 0 for mesh in meshes)


@pytest.mark.parametrize('kind', PLATES)
def test_plate_can_be_extruded(kind):
    for seed in range(20):
        assert is_star_shaped(PLATES[kind](np.random.default_rng(seed), 0.3))


@pytest.mark.parametrize('kind', PICTOGRAMS)
def test_marks_lie_on_the_plate_and_can_be_extruded(kind):
    for seed in range(20):
        for outline in PICTOGRAMS[kind](np.random.default_rng(seed)):
            assert is_star_shaped(outline)
            assert np.abs(outline).max() < 1.2


@pytest.mark.parametrize('kind', PAINTERS)
def test_texture_has_the_wanted_size_and_differs_from_draw_to_draw(kind):
    first, again, second = (
        paint(kind, np.random.default_rng(seed), 48, COLORS) for seed in (1, 1, 2)
    )
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
