import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.learning.data.splits import recordings, split_by_time, spread_over


def frames(name: str, numbers: range) -> list[str]:
    return [f'{name}_{number:05d}' for number in numbers]


def test_nothing_is_cut_from_nothing():
    split = split_by_time([], part=0.2, gap=2)
    assert (split.kept, split.cut, split.dropped) == ((), (), ())


def test_middle_of_a_recording_is_cut_with_a_gap_on_both_sides():
    split = split_by_time(frames('a', range(0, 600, 30)), part=0.2, gap=2)
    assert split.cut == (8, 9, 10, 11)
    assert split.dropped == (6, 7, 12, 13)
    assert split.kept == (*range(6), *range(14, 20))


@pytest.mark.parametrize(
    ('names', 'lengths'),
    [
        (frames('a', range(5)) + frames('b', range(3)), [5, 3]),
        (frames('a', range(0, 300, 30)) + frames('a', range(900, 1200, 30)), [10, 10]),
        (frames('a', range(3))[::-1], [3]),
        (['f00930', 'f00960', 'f00991'], [3]),  # the camera slips a frame: no new recording
    ],
)
def test_recordings_end_where_the_name_changes_or_time_jumps(names: list[str], lengths):
    runs = recordings(names)
    assert [len(run) for run in runs] == lengths
    assert all([names[i] for i in run] == sorted(names[i] for i in run) for run in runs)


def test_short_recording_stays_whole():
    names = frames('long', range(40)) + frames('short', range(19))
    split = split_by_time(names, part=0.25, gap=1)
    assert all(names[index].startswith('long') for index in split.cut)


@given(
    st.lists(st.integers(20, 80), min_size=1, max_size=4),
    st.floats(0.0, 0.5),
    st.integers(0, 4),
)
def test_no_picture_is_used_twice_and_no_neighbour_leaks(lengths: list[int], part, gap):
    names = [name for k, length in enumerate(lengths) for name in frames(f'r{k}', range(length))]
    split = split_by_time(names, part=part, gap=gap)
    assert sorted(split.kept + split.cut + split.dropped) == list(range(len(names)))
    kept = {names[index] for index in split.kept}
    for index in split.cut:
        recording, number = names[index].split('_')
        near = range(int(number) - gap, int(number) + gap + 1)
        assert not kept & {f'{recording}_{other:05d}' for other in near if other >= 0}


@pytest.mark.parametrize(('part', 'gap'), [(1.0, 0), (-0.1, 0), (0.2, -1)])
def test_impossible_cut_is_refused(part: float, gap: int):
    with pytest.raises(ValueError, match='part'):
        split_by_time(['a1'], part=part, gap=gap)


def test_name_without_time_is_refused():
    with pytest.raises(ValueError, match="'street'"):
        split_by_time(['street'], part=0.2, gap=1)


@pytest.mark.parametrize(
    ('most', 'expected'), [(0, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (2, [0, 4]), (1, [0])]
)
def test_even_choice(most: int, expected: list[int]):
    assert spread_over(range(5), most) == expected


def test_even_choice_of_nothing():
    assert spread_over([], 3) == []
