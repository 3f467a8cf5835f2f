import numpy as np
import pytest

from perception_nodes.mapping.columns import trace_columns

KINDS = {'.': 0, '#': 1, '?': 2}


def column(text):
    """Return an (H, 1) mask from far (left) to near (right)."""
    return np.array([[KINDS[letter]] for letter in text], np.uint8)


@pytest.mark.parametrize(
    ('name', 'text', 'block_row', 'is_contact'),
    [
        ('open floor', '......', -1, False),
        ('nothing labelled', '??????', -1, False),
        ('thing on the floor', '.##...', 2, True),
        ('thing reaching the top', '####..', 3, True),
        ('two things: the nearer counts', '.#..#.', 4, True),
        ('thing filling the column', '######', 5, False),
        ('thing cut off by the lower edge', '..####', 5, False),
        ('small gap of unlabelled below', '.##??.', 2, True),
        ('gap too wide to know the contact', '##???.', 1, False),
        ('unlabelled down to the lower edge', '.##???', 2, False),
        ('unlabelled behind is no block', '??....', -1, False),
    ],
)
def test_column_says_where_a_thing_touches_the_floor(name, text, block_row, is_contact):
    trace = trace_columns(column(text), max_gap_px=2)
    assert (trace.block_rows[0], bool(trace.is_contact[0])) == (block_row, is_contact), name


def test_speckle_shorter_than_the_least_run_neither_marks_nor_blocks():
    trace = trace_columns(column('.###.#..'), min_run_px=2)
    assert trace.block_rows[0] == 3
    assert trace_columns(column('..#..#..'), min_run_px=2).block_rows[0] == -1


def test_cut_off_thing_is_marked_at_the_lower_edge_when_asked_to():
    trace = trace_columns(column('..####'), mark_cut_off=True)
    assert trace.is_contact[0]
    assert trace.contact_rows[0] == 5


def test_columns_are_independent():
    kinds = np.hstack([column('......'), column('.##...'), column('..####')])
    trace = trace_columns(kinds)
    assert trace.block_rows.tolist() == [-1, 2, 5]
    assert trace.contact_columns.tolist() == [1]
    assert trace.contact_rows.tolist() == [2]


def test_trace_agrees_with_a_walk_up_every_column_of_random_masks():
    rng = np.random.default_rng(4)
    kinds = rng.choice(3, (40, 200), p=[0.8, 0.1, 0.1]).astype(np.uint8)
    trace = trace_columns(kinds)
    for number in range(kinds.shape[1]):
        standing = np.flatnonzero(kinds[:, number] == 1)
        lowest = standing[-1] if len(standing) else -1
        assert trace.block_rows[number] == lowest
        on_ground = 0 <= lowest < 39 and kinds[lowest + 1, number] == 0
        assert trace.is_contact[number] == on_ground
