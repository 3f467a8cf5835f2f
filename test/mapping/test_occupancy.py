import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perception_nodes.mapping import (
    CellClasses,
    MapFault,
    MapFileError,
    MapFormat,
    MapMode,
    OccupancyMap,
    load_map,
    save_map,
)

COSTS = hnp.arrays(
    np.int8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-1, 100)
)


@pytest.fixture
def graded():
    """Return all values that a cell can have, -1 in the first cell of the lowest row."""
    costs = np.arange(-1, 101, dtype=np.int8).reshape(6, 17)
    return OccupancyMap(costs=costs, resolution_m=0.05, origin_xy=(-1.5, 2.25))


@pytest.mark.parametrize('mode', ['raw', 'scale'])
def test_grades_survive_saving_and_loading(tmp_path, graded, mode):
    loaded = load_map(save_map(tmp_path / 'map', graded, MapFormat(mode=mode)))
    assert np.array_equal(loaded.costs, graded.costs)
    assert loaded.costs.dtype == np.int8
    assert (loaded.resolution_m, loaded.origin_xy) == (0.05, (-1.5, 2.25))


def test_trinary_keeps_free_occupied_and_unknown(tmp_path, graded):
    costs = load_map(save_map(tmp_path / 'map', graded)).costs
    expected = np.full(graded.costs.shape, -1, np.int8)
    expected[(graded.costs >= 0) & (graded.costs <= 25)] = 0
    expected[graded.costs >= 65] = 100
    assert np.array_equal(costs, expected)


@settings(max_examples=25, deadline=None)
@given(costs=COSTS, mode=st.sampled_from(MapMode))
def test_saving_what_was_loaded_changes_nothing_more(tmp_path_factory, costs, mode):
    folder, format_ = tmp_path_factory.mktemp('map'), MapFormat(mode=mode)
    first = load_map(save_map(folder / 'a', OccupancyMap(costs=costs, resolution_m=0.1), format_))
    again = load_map(save_map(folder / 'b', first, format_))
    assert np.array_equal(again.costs, first.costs)


def test_files_are_what_map_server_reads(tmp_path):
    """Nav2's map_saver: first picture row is the highest y; 254 free, 0 occupied, 205 unknown."""
    costs = np.array([[0, 100], [-1, 10]], np.int8)
    path = save_map(tmp_path / 'yard', OccupancyMap(costs=costs, resolution_m=0.5))
    document = yaml.safe_load(path.read_text())
    assert document == {
        'image': 'yard.pgm', 'mode': 'trinary', 'resolution': 0.5, 'origin': [0.0, 0.0, 0.0],
        'negate': 0, 'occupied_thresh': 0.65, 'free_thresh': 0.196,
    }  # fmt: skip
    picture = (tmp_path / 'yard.pgm').read_bytes()
    assert picture.startswith(b'P5')
    assert picture[-4:] == bytes([205, 254, 254, 0])


def test_scale_keeps_the_unknown_as_transparency(tmp_path, graded):
    path = save_map(tmp_path / 'map', graded, MapFormat(mode=MapMode.SCALE))
    assert yaml.safe_load(path.read_text())['image'] == 'map.png'


def test_map_made_by_map_saver_with_negate_is_read(tmp_path):
    (tmp_path / 'm.pgm').write_bytes(b'P5\n# made by hand\n3 1\n255\n' + bytes([0, 128, 255]))
    text = 'image: m.pgm\nresolution: 0.1\norigin: [0, 0, 0]\nnegate: 1\n'
    (tmp_path / 'm.yaml').write_text(text + 'occupied_thresh: 0.65\nfree_thresh: 0.196\n')
    assert load_map(tmp_path / 'm.yaml').costs.tolist() == [[0, -1, 100]]


GOOD = {
    'image': 'map.pgm', 'mode': 'trinary', 'resolution': 0.05, 'origin': [0.0, 0.0, 0.0],
    'negate': 0, 'occupied_thresh': 0.65, 'free_thresh': 0.196,
}  # fmt: skip


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'image': None}, 'expected a mapping with "image"'),
        ({'image': 'none.pgm'}, 'cannot read the picture'),
        ({'mode': 'quaternary'}, 'not one of trinary, scale, raw'),
        ({'resolution': 0}, 'resolution_m must be > 0'),
        ({'resolution': 'fine'}, 'resolution must be a finite number'),
        ({'origin': [0, 0]}, r'origin must be \[x, y, yaw\]'),
        ({'origin': [0, 0, 1.5]}, 'a turned map'),
        ({'free_thresh': 0.9}, 'free_thresh < occupied_thresh'),
    ],
)
def test_broken_map_is_an_error_that_says_what_is_wrong(tmp_path, graded, change, message):
    save_map(tmp_path / 'map', graded)
    (tmp_path / 'map.yaml').write_text(yaml.safe_dump({**GOOD, **change}))
    with pytest.raises(MapFileError, match=message):
        load_map(tmp_path / 'map.yaml')


@pytest.mark.parametrize('content', [b'', b'P5\n3', b'no picture at all'])
def test_broken_picture_is_an_error(tmp_path, graded, content):
    path = save_map(tmp_path / 'map', graded)
    (tmp_path / 'map.pgm').write_bytes(content)
    with pytest.raises(MapFileError, match=r'map\.pgm'):
        load_map(path)


@given(st.text(max_size=120))
def test_any_text_gives_a_map_or_the_one_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp('map') / 'map.yaml'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(MapFileError):
        load_map(path)


def test_folder_that_cannot_be_written_is_named(tmp_path, graded):
    (tmp_path / 'file').write_text('')
    with pytest.raises(MapFileError, match='cannot write the map'):
        save_map(tmp_path / 'file' / 'map', graded)


def test_costs_outside_the_contract_are_refused():
    with pytest.raises(ValueError, match=r'-1\.\.100'):
        OccupancyMap(costs=np.array([[101]], np.int8), resolution_m=0.1)
    with pytest.raises(ValueError, match='int8'):
        OccupancyMap(costs=np.zeros((2, 2)), resolution_m=0.1)


def with_cells(costs, ids, names=('floor', 'box')):
    cells = CellClasses(
        ids=ids, confidence=np.where(ids < 255, 200, 0).astype(np.uint8), names=names
    )
    return OccupancyMap(costs=costs, resolution_m=0.5, cells=cells)


def test_classes_survive_beside_the_files_of_map_server(tmp_path):
    ids = np.array([[0, 1], [255, 0]], np.uint8)
    saved = with_cells(np.array([[10, 100], [-1, 10]], np.int8), ids)
    loaded = load_map(save_map(tmp_path / 'yard', saved))
    assert loaded.costs.tolist() == [[0, 100], [-1, 0]]
    assert np.array_equal(loaded.cells.ids, ids)
    assert loaded.cells.confidence.tolist() == [[200, 200], [0, 200]]
    assert loaded.cells.names == ('floor', 'box')


@pytest.mark.parametrize(
    ('entry', 'fault', 'message'),
    [
        (5, MapFault.DESCRIPTION, 'cells needs "image" and "classes"'),
        ({'image': 'yard_cells.png'}, MapFault.DESCRIPTION, 'cells needs'),
        ({'image': 'no.png', 'classes': ['a']}, MapFault.PICTURE, 'cannot read'),
        ({'image': 'yard.pgm', 'classes': ['a']}, MapFault.DESCRIPTION, 'no colours'),
        ({'image': 'yard_cells.png', 'classes': ['a']}, MapFault.DESCRIPTION, 'without a name'),
    ],
)
def test_broken_classes_are_an_error_that_says_what_is_wrong(tmp_path, entry, fault, message):
    ids = np.array([[0, 1], [255, 0]], np.uint8)
    path = save_map(tmp_path / 'yard', with_cells(np.zeros((2, 2), np.int8), ids))
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), 'cells': entry}))
    with pytest.raises(MapFileError, match=message) as raised:
        load_map(path)
    assert raised.value.fault is fault


def test_cells_of_another_shape_are_refused():
    with pytest.raises(ValueError, match='shape of costs'):
        with_cells(np.zeros((2, 3), np.int8), np.zeros((2, 2), np.uint8))


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'mode': 'quaternary'}, 'not one of trinary, scale, raw'),
        ({'mode': 'scale', 'picture': 'pgm'}, 'allowed is png'),
        ({'picture': 'jpeg'}, 'allowed is pgm, png, bmp'),
        ({'free_threshold': 0.7}, 'free_threshold < occupied_threshold'),
    ],
)
def test_format_that_would_lose_something_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        MapFormat(**wrong)


def test_thresholds_decide_what_is_free_and_never_make_the_unknown_free(tmp_path, graded):
    format_ = MapFormat(picture='PNG', free_threshold=0.4, occupied_threshold=0.9)
    costs = load_map(save_map(tmp_path / 'map', graded, format_)).costs
    expected = np.full(graded.costs.shape, -1, np.int8)
    expected[(graded.costs >= 0) & (graded.costs <= 40)] = 0
    expected[graded.costs >= 90] = 100
    assert np.array_equal(costs, expected)
