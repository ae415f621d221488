"""The measures of tests/quality against cases worked out by hand, and its splits: nothing of the test is in the training."""
import json
from math import log2

import evaluate
import metrics
import protocols
import pytest
import served
from protocols import Row

RANKED = ["a", "b", "c", "d"]


@pytest.mark.parametrize("wanted, k, hit, reciprocal, ndcg", [
    (["a"], 4, 1, 1, 1),
    (["b"], 4, 1, 1 / 2, 1 / log2(3)),
    (["d"], 4, 1, 1 / 4, 1 / log2(5)),
    (["d"], 3, 0, 0, 0),
    (["x"], 4, 0, 0, 0),
    (["a", "c"], 4, 1, 1, (1 + 1 / 2) / (1 + 1 / log2(3))),
    (["c", "x"], 4, 1, 1 / 3, 1 / 2 / (1 + 1 / log2(3))),
    (["b", "a", "c"], 2, 1, 1, 1),
    (["a", "x", "y", "z"], 10, 1, 1, 1 / (1 + 1 / log2(3) + 1 / 2 + 1 / log2(5))),
])
def test_measures_are_those_of_the_books(wanted, k, hit, reciprocal, ndcg):
    assert metrics.hit(RANKED, wanted, k) == hit
    assert metrics.reciprocal_rank(RANKED, wanted, k) == pytest.approx(reciprocal)
    assert metrics.ndcg(RANKED, wanted, k) == pytest.approx(ndcg)


def test_an_empty_ranking_is_worth_nothing():
    assert [measure([], ["a"], 5) for measure in (metrics.hit, metrics.reciprocal_rank, metrics.ndcg)] == [0, 0, 0]


def test_coverage_and_novelty():
    lists = [["a", "b"], ["a"], []]
    assert metrics.coverage(lists, 8) == 2 / 8
    assert metrics.novelty(lists, {"a": 4, "b": 1}, 4) == pytest.approx((0 + 2 + 0) / 3)


def test_intervals_come_from_whole_groups():
    steady = metrics.resample(["u", "u", "v", "v"])([0, 1, 1, 0])
    assert len(steady) == metrics.RESAMPLES and metrics.interval(steady) == (0.5, 0.5)
    means = metrics.resample([*"uuuv"])([1, 1, 1, 0])
    assert {round(float(mean), 6) for mean in means} == {0, 0.75, 1}    # vv, uv, uu
    assert metrics.interval(means) == (0, 1)
    assert (means == metrics.resample([*"uuuv"])([1, 1, 1, 0])).all()


def test_the_interval_of_a_mean_of_many():
    """Of 400 fair coins: the mean, and about 1.96 * sqrt(1 / 1600) to either side."""
    low, high = metrics.interval(metrics.resample(range(400))([0, 1] * 200))
    assert low == pytest.approx(0.5 - 0.049, abs=0.008) and high == pytest.approx(0.5 + 0.049, abs=0.008)


ROWS = [Row("u", "c", 3), Row("u", "a", 1), Row("u", "b", 1), Row("v", "a", 9), Row("w", "d", 2), Row("w", "a", 2)]


def test_the_last_one_is_hidden_and_ties_go_by_the_file():
    task = protocols.last_ones(ROWS, 1)
    assert [(c.user, c.history, c.exclude, c.wanted) for c in task.cases] == [
        ("u", ["a", "b"], [], ["c"]), ("w", ["d"], [], ["a"])]
    assert task.rows == [ROWS[1], ROWS[2], ROWS[4]]


def test_the_last_ones_are_asked_one_by_one():
    task = protocols.last_ones(ROWS, 2)
    assert [(c.history, c.wanted) for c in task.cases] == [(["a"], ["b"]), (["a", "b"], ["c"])]
    assert task.rows == [ROWS[1]]


def test_the_newest_fifth_is_hidden_and_what_the_history_leaves_out_is_excluded():
    rows = [Row("u", f"i{n}", n) for n in range(300)]
    task = protocols.last_fifth(rows)
    case = task.cases[0]
    assert task.rows == rows[:240] and case.wanted == [f"i{n}" for n in range(240, 300)]
    assert case.exclude + case.history == [f"i{n}" for n in range(240)] and len(case.history) == 200


def test_every_position_of_a_session_is_asked():
    task = protocols.next_click(ROWS, [Row("s", "x", 2), Row("s", "y", 1), Row("s", "y", 3), Row("t", "z", 1)])
    assert [(c.history, c.exclude, c.wanted) for c in task.cases] == [
        (["y"], ["y"], ["x"]), (["y", "x"], ["x"], ["y"])]


def test_the_validation_split_is_of_whole_sessions_with_known_items():
    day = protocols.DAY_S
    old = [Row("s", "a", 0), Row("s", "b", 1)]
    new = [Row("t", "a", 1), Row("t", "new", 9 * day), Row("t", "b", 9 * day)]
    task = protocols.newest_sessions(old + new)
    assert task.rows == old and [(c.user, c.history, c.wanted) for c in task.cases] == [("t", ["a"], ["b"])]


def test_requests_stay_within_the_limits_of_the_service():
    cases = [protocols.Case(f"u{n}", ["item"] * (n % 200), [], ["x"]) for n in range(500)]
    batches = list(served.batches(cases))
    assert [case for batch in batches for case in batch] == cases
    assert all(len(batch) <= served.USERS_MAX and len(json.dumps(batch)) < 65_536 for batch in batches)


@pytest.mark.parametrize("letter, models", [
    ("A", ("popular", "transitions", "itemknn", "vmisknn", "blend")), ("B", ("popular", "vmisknn"))])
def test_models_reach_their_prototypes(letter, models, tmp_path):
    """The fast form of tests/quality/run: with what weir-fit has unasked. The figures are those of simple programs that
    were written before the models."""
    protocol = protocols.PROTOCOLS[letter]
    try:
        task = protocol.test()
    except FileNotFoundError as absent:
        print(absent)
        pytest.skip(str(absent))
    outcome = evaluate.measured(task, evaluate.unchosen(protocol, models), tmp_path)
    short = [(result.model, measure, aim, score.high) for result in outcome.results
             for measure, aim in protocol.reference.get(result.model, {}).items()
             if (score := result.scores[measure]).high < aim]
    assert not short, "aims above the 95 % intervals"
