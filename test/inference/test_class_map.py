"""Other names for classes."""

import pytest

from perception_nodes.inference.class_map import map_classes

MODEL = ('sky', 'road', 'pavement', 'car')


@pytest.mark.parametrize(
    ('renamed', 'names', 'groups', 'unlabelled'),
    [
        ({}, MODEL, ((0,), (1,), (2,), (3,)), ()),
        ({'road': 'floor'}, ('sky', 'floor', 'pavement', 'car'), ((0,), (1,), (2,), (3,)), ()),
        (
            {'road': 'floor', 'pavement': 'floor'},
            ('sky', 'floor', 'car'),
            ((0,), (1, 2), (3,)),
            (),
        ),
        ({'car': 'sky'}, ('sky', 'road', 'pavement'), ((0, 3), (1,), (2,)), ()),
        ({'sky': 'unlabelled'}, ('road', 'pavement', 'car'), ((1,), (2,), (3,)), (0,)),
    ],
    ids=['nothing', 'one', 'two become one', 'into one that exists', 'nothing is said'],
)
def test_classes_get_other_names(renamed, names, groups, unlabelled):
    found = map_classes(MODEL, renamed, 'remap')
    assert (found.names, found.groups, found.unlabelled) == (names, groups, unlabelled)
    assert found.is_identity == (groups == ((0,), (1,), (2,), (3,)))


def test_two_maps_one_after_the_other():
    bundle = map_classes(MODEL, {'road': 'ground', 'pavement': 'ground', 'sky': 'unlabelled'}, '')
    robot = map_classes(bundle.names, {'car': 'obstacle', 'ground': 'unlabelled'}, '')
    both = bundle.then(robot)
    assert (both.names, both.groups, both.unlabelled) == (('obstacle',), ((3,),), (0, 1, 2))


@pytest.mark.parametrize(
    ('renamed', 'reason'),
    [
        ({'raod': 'floor'}, r"class_map: there is no class 'raod'; did you mean 'road'\?"),
        ({'lane': 'floor'}, r'classes: sky, road, pavement, car'),
        (dict.fromkeys(MODEL, 'unlabelled'), 'keep at least one'),
    ],
)
def test_what_cannot_be_is_named(renamed, reason):
    with pytest.raises(ValueError, match=reason):
        map_classes(MODEL, renamed, 'class_map')
