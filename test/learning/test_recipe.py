import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.learning.recipe import (
    read_recipe,
    recipe_from_dict,
    recipe_to_dict,
)
from perception_nodes.learning.recipes.detection import DetectionRecipe

SHIPPED = Path(__file__).parents[2] / 'config' / 'recipes' / 'simulator_detector.yaml'
KEYS = ['name', 'classes', 'model', 'data', 'input_wh', 'seed', 'crop_px']
MINIMAL = {'name': 'a', 'classes': ['x']}


def test_shipped_recipe_names_the_classes_of_the_simulator():
    recipe = read_recipe(SHIPPED, DetectionRecipe)
    assert recipe.classes == ('person', 'traffic_cone', 'box', 'barrel', 'sign')
    assert recipe.input_wh == (640, 480)


def test_recipe_survives_the_way_to_plain_values_and_back():
    recipe = read_recipe(SHIPPED, DetectionRecipe)
    assert recipe_from_dict(recipe_to_dict(recipe), DetectionRecipe) == recipe


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'classes': []}, 'classes'),
        ({'classes': ['x', 'x']}, 'distinct'),
        ({'input_wh': [640, 470]}, '470'),
        ({'input_wh': [640]}, 'at least 32'),
        ({'seed': -1}, 'below the minimum'),
        ({'epoch': 3}, 'unknown epoch; allowed are'),
        ({'normalise_mean': [0.5]}, 'three numbers'),
        ({'model': {'trunk': 'vgg16'}}, 'efficientnet_lite0, .*torchvision/resnet50'),
        ({'model': 3}, 'expected fields'),
        ({'data': {'scale_min': 2.0, 'scale_max': 1.0}}, 'scale_max'),
        ({'data': {'crop_px': 100}}, 'multiple of 32'),
        ({'schedule': {'epochs': 0}}, 'epochs'),
        ({'schedule': {'speed': 1}}, 'unknown speed'),
        ({'schedule': {'epochs': 'many'}}, 'epochs'),
        ({'loss': {'box': -1.0}}, 'box'),
    ],
)
def test_wrong_value_is_named_with_what_is_allowed(change: dict, words: str):
    with pytest.raises(ValueError, match=words):
        recipe_from_dict({**MINIMAL, **change}, DetectionRecipe)


def test_missing_name_is_named():
    with pytest.raises(ValueError, match='name'):
        recipe_from_dict({'classes': ['x']}, DetectionRecipe)


def test_broken_yaml_names_the_file(tmp_path: Path):
    path = tmp_path / 'broken.yaml'
    path.write_text('a: [')
    with pytest.raises(ValueError, match=r'broken\.yaml'):
        read_recipe(path, DetectionRecipe)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ['name', 'classes', 'model', 'data', 'input_wh', 'seed', 'crop_px']
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_content_gives_a_recipe_or_a_value_error(content: object):
    with contextlib.suppress(ValueError):
        assert isinstance(recipe_from_dict(content, DetectionRecipe), DetectionRecipe)
