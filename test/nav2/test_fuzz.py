"""Nothing that YAML can hold makes the check raise; what it says stays well-formed."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.nav2 import Release, Severity, check_nav2, known

HEALTHY = yaml.safe_load((Path(__file__).parent / 'healthy.yaml').read_text())
NODES = ['local_costmap', 'global_costmap', 'collision_monitor', 'velocity_smoother', '/**', '*']
WORDS = sorted(
    {
        *known.COSTMAP,
        *known.OBSTACLE_SOURCE,
        *known.SEMANTIC_SOURCE,
        *known.SEMANTIC_CLASS_TYPE,
        *known.COLLISION_MONITOR,
        *known.MONITOR_POLYGON,
        *known.MONITOR_SOURCE,
        *known.VELOCITY_SMOOTHER,
        *known.LIFECYCLE_MANAGER,
        'camera',
        'voxels',
        'camera.topic',
        'a..b',
        '.',
    }
)
PLUGINS = [f'nav2_costmap_2d::{name}' for name in known.LAYERS]

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.sampled_from(
        [*WORDS, *PLUGINS, '$(var x)', '/', '', '[[1,2]]', '[1]', '{}', 'camera voxels']
    )
    | st.text(max_size=8)
    | st.dates()
    | st.binary(max_size=4)
)
keys = st.sampled_from([*WORDS, *NODES, 'ros__parameters', 'plugin']) | st.integers() | st.none()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)


def places(block: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(block, dict):
        for key, inner in block.items():
            found += places(inner, (*path, key))
    return found


PLACES = places(HEALTHY)


def sound(findings):
    for item in findings:
        assert item.check
        assert item.where
        assert item.what
        assert item.cure or item.severity in (Severity.INFO, Severity.NOT_CHECKED)
        assert all(isinstance(text, str) for text in item.to_dict().values())


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(keys, values, max_size=4),
    st.dictionaries(keys, values, max_size=8),
    st.sampled_from(NODES),
    st.sampled_from(Release),
)
def test_random_parameters_never_raise(parameters, block, node, release):
    sound(check_nav2(parameters, release))
    sound(check_nav2({**parameters, node: {node: {'ros__parameters': block}}}, release))
    sound(check_nav2({node: {'ros__parameters': block}}, release))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), values, st.sampled_from(Release))
def test_anything_in_place_of_anything_never_raises(place, value, release):
    parameters = deepcopy(HEALTHY)
    block = parameters
    for key in place[:-1]:
        block = block[key]
    block[place[-1]] = value
    sound(check_nav2(parameters, release))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PLACES))
def test_anything_left_out_never_raises(place):
    parameters = deepcopy(HEALTHY)
    block = parameters
    for key in place[:-1]:
        block = block[key]
    del block[place[-1]]
    sound(check_nav2(parameters))


@settings(max_examples=50, deadline=None)
@given(st.integers(min_value=51, max_value=400))
def test_deep_nesting_ends(depth):
    block: Any = {'topic': 1}
    for _ in range(depth):
        block = {'a': block}
    sound(check_nav2({'local_costmap': {'local_costmap': {'ros__parameters': block}}}))
    sound(check_nav2(block))
