"""Every kind of every family can be built, and what is built is sound."""

from dataclasses import replace

import numpy as np
import pytest

from perception_nodes.simulation.assembly import BUILDERS as CLASS_BUILDERS
from perception_nodes.simulation.clothes import dress
from perception_nodes.simulation.clutter import build_clutter
from perception_nodes.simulation.families import FAMILIES, Assets
from perception_nodes.simulation.figures import build_person
from perception_nodes.simulation.furniture import FURNITURE
from perception_nodes.simulation.meshes import revolve
from perception_nodes.simulation.parts import Part, Shape, rotation_from_quaternion
from perception_nodes.simulation.plates import PICTOGRAMS, PLATES
from perception_nodes.simulation.prop_forms import BARREL_FORMS, BOX_FORMS
from perception_nodes.simulation.props import build_barrel, build_box, build_cone
from perception_nodes.simulation.signs import build_sign
from perception_nodes.simulation.textures import PAINTERS, paint
from perception_nodes.simulation.torsos import build_torso

BUILDERS = {
    'torsos': build_person,
    'hats': build_person,
    'postures': build_person,
    'belongings': build_person,
    'cone_shapes': build_cone,
    'box_kinds': build_box,
    'box_forms': build_box,
    'barrel_shapes': build_barrel,
    'barrel_forms': build_barrel,
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
CLASSES = {build: number for number, build in enumerate(CLASS_BUILDERS)} | {build_clutter: None}
COLORS = np.array([[0.2, 0.3, 0.4], [0.8, 0.7, 0.6]])


def signed_volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum('ij,ij->i', a, np.cross(b, c)).sum() / 6)


def lowest(part):
    if part.mesh is None:
        return part.reach[0][2]
    turned = part.mesh.vertices @ rotation_from_quaternion(part.quaternion).T
    return turned[:, 2].min() + part.position[2]


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
        assert thing.radius_m < 2.0
        assert thing.class_id == CLASSES[BUILDERS[name]]
        meshes = [part.mesh for part in thing.parts if part.mesh is not None]
        assert all(signed_volume(mesh) > 0 for mesh in meshes)


def box_forms(rng, kind):
    base = Part(shape=Shape.BOX, size=(0.2, 0.3, 0.25), position=(0, 0, 0.25), color=np.ones(3))
    return BOX_FORMS[kind](rng, base)


def barrel_forms(rng, kind):
    drum = revolve([(0.3, 0.0), (0.35, 0.4), (0.28, 0.9)], 20)
    return BARREL_FORMS[kind](rng, [Part(shape=Shape.MESH, mesh=drum, color=np.ones(3))])


def furniture(rng, kind):
    return FURNITURE[kind](rng, 0.3, {'color': np.ones(3)})


def torsos(rng, kind):
    look = dress(np.random.default_rng(0), FAMILIES[Assets.TRAIN])
    return build_torso(rng, kind, look, 1.7, 1.0, 0.9)


@pytest.mark.parametrize(
    ('build', 'kind'),
    [
        *((box_forms, kind) for kind in sorted(BOX_FORMS)),
        *((barrel_forms, kind) for kind in ('bunged', 'handled', 'capped')),
        *((furniture, kind) for kind in sorted(FURNITURE)),
        *((torsos, kind) for kind in ('turned', 'boxy', 'padded', 'robe')),
    ],
)
def test_kind_has_another_form_with_every_draw_though_all_else_is_fixed(build, kind):
    def form(seed):
        parts = build(np.random.default_rng(seed), kind)
        meshes = [part.mesh.vertices.ravel() for part in parts if part.mesh is not None]
        places = [(*part.size, *part.position, *part.quaternion) for part in parts]
        return np.round(np.concatenate([*meshes, *places]), 6).tobytes()

    assert len({form(seed) for seed in range(20)}) == 20


def test_lying_barrel_rests_on_the_floor_and_is_no_higher_than_wide():
    only = replace(FAMILIES[Assets.TRAIN], barrel_forms=('lying',))
    for seed in range(20):
        thing = build_barrel(np.random.default_rng(seed), only)
        assert min(lowest(part) for part in thing.parts) == pytest.approx(0.0, abs=0.02)
        sides = np.sort(thing.high - thing.low)
        assert thing.height_m < sides[-1]


def test_sign_on_a_foot_has_its_plate_just_above_it():
    only = replace(FAMILIES[Assets.TRAIN], sign_mounts=('foot',))
    for seed in range(20):
        thing = build_sign(np.random.default_rng(seed), only)
        back = thing.parts[0]
        assert 0.0 < lowest(back) < 0.1


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
