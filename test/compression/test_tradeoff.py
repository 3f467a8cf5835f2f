import pytest

from perception_nodes.compression.tradeoff import Candidate, NoCandidate, chosen, pareto


def form(name: str, score: float, latency_ms: float) -> Candidate:
    return Candidate(
        name=name, score=score, latency_ms=latency_ms, network_ms=latency_ms, size_mb=1.0
    )


FORMS = [form('as it was', 0.90, 50), form('half', 0.895, 30), form('rough', 0.80, 10)]


def test_fastest_within_the_loss_is_taken():
    assert chosen(FORMS, max_loss=0.01).name == 'half'
    assert chosen(FORMS, max_loss=0.2).name == 'rough'
    assert chosen(FORMS, max_loss=0.0).name == 'as it was'


def test_with_a_target_the_best_that_is_fast_enough_is_taken():
    assert chosen(FORMS, max_loss=0.2, target_ms=35).name == 'half'
    assert chosen(FORMS, max_loss=0.2, target_ms=60).name == 'as it was'


def test_of_two_as_good_ones_within_the_target_the_faster_is_taken():
    twins = [*FORMS, form('slower twin', 0.899, 40), form('faster twin', 0.899, 32)]
    assert chosen(twins, max_loss=0.01, target_ms=45).name == 'faster twin'


def test_target_out_of_reach_is_refused_with_what_comes_nearest_and_what_to_relax():
    with pytest.raises(NoCandidate) as caught:
        chosen(FORMS, max_loss=0.01, target_ms=20)
    text = str(caught.value)
    assert '"half" with 30.0 ms (--target-latency 30)' in text
    assert '"rough", which loses 0.1 (--max-loss 0.1)' in text
    with pytest.raises(NoCandidate) as caught:
        chosen(FORMS, max_loss=0.01, target_ms=5)
    assert '--max-loss' not in str(caught.value), 'no loss makes any of them that fast'


def test_what_the_refusal_names_is_enough():
    assert chosen(FORMS, max_loss=0.01, target_ms=30).name == 'half'
    assert chosen(FORMS, max_loss=0.1, target_ms=20).name == 'rough'


def test_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match='score of "broken": nan is no number'):
        form('broken', float('nan'), 10)


def test_front_holds_what_nothing_beats_in_both():
    slow_and_bad = form('slow and bad', 0.7, 40)
    twin = form('twin', 0.895, 30)
    assert [one.name for one in pareto([*FORMS, slow_and_bad])] == ['as it was', 'half', 'rough']
    assert twin in pareto([*FORMS, twin])
