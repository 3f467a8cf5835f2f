import contextlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.mapping import (
    SIMULATOR_CLASSES,
    MapClass,
    MapClasses,
    MapClassesError,
    load_map_classes,
    parse_map_classes,
)
from perception_nodes.simulation import SEMANTIC_NAMES

TABLE = """
classes:
  road: {cost: 0, ground: true, half_life_s: 60}
  grass: {cost: 60, ground: true}
  walker: {cost: 100, dynamic: true, half_life_s: 1.5}
  wall: {cost: 100, half_life_s: .inf}
"""


def test_empty_table_is_refused():
    with pytest.raises(MapClassesError, match='1 to 64 classes, got 0'):
        MapClasses(classes=())


def test_default_table_has_the_simulators_classes_in_the_order_of_its_masks():
    assert SIMULATOR_CLASSES.names == SEMANTIC_NAMES
    assert SIMULATOR_CLASSES.ground.tolist() == [True] * 3 + [False] * 6
    assert SIMULATOR_CLASSES.names[int(np.flatnonzero(SIMULATOR_CLASSES.dynamic)[0])] == 'person'


def test_ground_of_the_simulator_is_free_in_a_map_of_three_values():
    assert SIMULATOR_CLASSES.costs[SIMULATOR_CLASSES.ground].max() <= 25


@pytest.mark.parametrize(
    ('table', 'labels', 'left_out'),
    [('simulator', SEMANTIC_NAMES, set()), ('camvid11', None, {'Sky'})],
)
def test_shipped_table_knows_the_classes_it_is_for(table, labels, left_out, project_root):
    classes = load_map_classes(project_root / f'config/map_classes/{table}.yaml')
    if labels is None:
        labels = yaml.safe_load((project_root / f'config/classes/{table}.yaml').read_text())
    assert set(labels) - set(classes.names) == left_out
    assert set(classes.names) <= set(labels)


def test_every_shipped_table_is_tested(project_root):
    stems = {path.stem for path in (project_root / 'config/map_classes').iterdir()}
    assert stems == {'simulator', 'camvid11'}


def test_table_is_read_from_yaml(tmp_path):
    path = tmp_path / 'classes.yaml'
    path.write_text(TABLE)
    table = load_map_classes(path)
    assert table.names == ('road', 'grass', 'walker', 'wall')
    assert table.costs.tolist() == [0, 60, 100, 100]
    assert table.half_lives_s.tolist() == [60, 120, 1.5, np.inf]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'needs a mapping "classes"'),
        ('classes: [road]', 'needs a mapping "classes"'),
        ('{', 'not YAML'),
        (
            'classes: {road: {cost: 0, ground: true}}\nmode: 3',
            'unknown key mode; allowed: classes',
        ),
        ('classes: {road: 3}', 'expected a mapping'),
        ('classes: {road: {ground: true}}', '"cost" is missing'),
        ('classes: {road: {cost: 101, ground: true}}', 'above the maximum 100'),
        ('classes: {road: {cost: -1, ground: true}}', 'below the minimum 0'),
        ('classes: {road: {cost: low, ground: true}}', "cost must be int, got 'low'"),
        ('classes: {road: {cost: true, ground: true}}', 'cost must be int, got True'),
        ('classes: {road: {cost: 0, ground: 1}}', 'ground must be bool'),
        ('classes: {road: {cost: 0, grund: true}}', "unknown key 'grund'; allowed: cost, ground"),
        ('classes: {road: {cost: 0, half_life_s: 0}}', 'below the minimum 0.05'),
        ('classes: {road: {cost: 0, half_life_s: .nan}}', 'below the minimum 0.05'),
        ('classes: {wall: {cost: 100}}', 'no class has "ground: true"'),
        ('classes: {dog: {cost: 9, ground: true, dynamic: true}}', 'ground and dynamic'),
        ('classes: {3: {cost: 0, ground: true}}', 'the name must be text'),
    ],
)
def test_broken_table_is_an_error_that_says_what_is_wrong(text, message):
    with pytest.raises(MapClassesError, match=message):
        parse_map_classes(text)


def test_missing_file_is_named():
    with pytest.raises(MapClassesError, match='nowhere'):
        load_map_classes(Path('nowhere.yaml'))


@given(st.text(max_size=200))
def test_any_text_gives_a_table_or_the_one_error(text):
    with contextlib.suppress(MapClassesError):
        assert len(parse_map_classes(text)) > 0


def test_labels_resolve_by_name_and_unknown_ones_mark_nothing():
    table = parse_map_classes(TABLE)
    labels = {0: 'wall', 7: 'road', 9: 'sky'}
    ids = table.id_table(labels)
    assert (ids[0], ids[7], ids[9], ids[1], ids[255]) == (3, 0, 255, 255, 255)
    assert table.unknown_labels(labels) == ('sky',)


def test_mask_value_255_cannot_be_a_label():
    with pytest.raises(MapClassesError, match='are 0'):
        SIMULATOR_CLASSES.id_table({255: 'floor'})


def test_double_names_are_refused():
    road = MapClass(name='road', ground=True)
    with pytest.raises(MapClassesError, match='given twice: road'):
        MapClasses(classes=(road, road))
