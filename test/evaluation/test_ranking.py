from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.evaluation.ranking import Ranking


def test_highest_come_first_and_the_rest_is_let_go():
    ranking = Ranking(2)
    for figure, entry in ((0.1, 'a'), (0.9, 'b'), (0.5, 'c')):
        ranking.add(figure, entry)
    assert ranking.entries() == ['b', 'c']


def test_nothing_was_added():
    assert Ranking(3).entries() == []


def test_entries_without_an_order_need_none():
    ranking = Ranking(3)
    first, second = object(), object()
    ranking.add(0.5, first)
    ranking.add(0.5, second)
    assert ranking.entries() == [first, second]


@given(st.lists(st.integers(0, 5)), st.integers(1, 6))
def test_agrees_with_a_stable_sort(figures, size):
    ranking = Ranking(size)
    for number, figure in enumerate(figures):
        ranking.add(figure, number)
    assert ranking.entries() == sorted(range(len(figures)), key=lambda n: -figures[n])[:size]
