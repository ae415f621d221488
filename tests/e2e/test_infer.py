"""weir-fit and weir-infer: what the formula says, over the wire contract."""
import json
import random
import urllib.error
import urllib.request

import pytest

import logs
import oracle
from weir import DONE, REFUSED, Rules, free_port

ROWS = logs.rows_of(logs.make(100, 2500))


@pytest.fixture
def model(world, tmp_path):
    log = logs.write(tmp_path / "log.csv.gz", ROWS + [b"a bad one"])
    fit = world.start("fit", "transitions", log, "--out", tmp_path / "models" / "transitions")
    assert fit.wait() == DONE, fit.log
    return tmp_path / "models" / "transitions"


@pytest.fixture
def ask(world, model):
    """ask(body) -> (status, answer) of a running service."""
    address = f"127.0.0.1:{free_port()}"
    world.run("infer", infer__models=model.parent, infer__listen=address)

    def post(body, algorithm="transitions"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"http://{address}/{algorithm}", body, timeout=10) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
    return post


def test_answers_are_those_of_the_formula(ask):
    table = oracle.fit([oracle.decode(row, Rules().form) for row in ROWS])
    rnd = random.Random(100)
    asked = [rnd.choices([*table, "unknown"], k=rnd.choice((1, 2, 5, 10, 40, 200)))
             for _ in range(60)]
    excluded = [rnd.sample(sorted(table), 3) for _ in asked]
    for n_rec in (1, 8, 100):
        body = {"user": [f"u{n}" for n in range(60)], "item": asked, "n_rec": n_rec}
        assert ask(body) == (200, [oracle.infer(table, items, n_rec) for items in asked])
        assert ask({**body, "exclude": excluded}) == (200, [
            oracle.infer(table, items, n_rec, more) for items, more in zip(asked, excluded)])


def test_ids_may_be_integers(ask):
    texts = ask({"user": ["1"], "item": [["3", "1", "2"]], "n_rec": 5})
    status, answer = ask({"user": [1], "item": [[3, 1, 2]], "n_rec": 5})
    assert status == 200 and [list(map(str, row)) for row in answer] == texts[1]


WRONG = [
    b"", b"{", b"[]", b"null", b'{"user":[],"item":[],"n_rec":1', {"user": ["u"], "n_rec": 1},
    {"user": ["u"], "item": [["1"]]}, {"user": "u", "item": [["1"]], "n_rec": 1},
    {"user": ["u"], "item": ["1"], "n_rec": 1}, {"user": ["u", "v"], "item": [["1"]], "n_rec": 1},
    {"user": ["u"], "item": [["1"]], "n_rec": "1"}, {"user": ["u"], "item": [["1"]], "n_rec": -1},
    {"user": ["u"], "item": [[1.5]], "n_rec": 1}, {"user": ["u"], "item": [[None]], "n_rec": 1},
    {"user": ["u"], "item": [["1"] * 201], "n_rec": 1}, b"[" * 10_000]


def test_wrong_requests_are_422(ask):
    assert [ask(body)[0] for body in WRONG] == [422] * len(WRONG)


def test_another_algorithm_is_not_there(ask):
    body = {"user": ["u"], "item": [["1"]], "n_rec": 1}
    assert ask(body, "ddpg") == (404, {"detail": "wrong algorithm."})


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "absent", "other"])
def test_a_broken_model_is_refused(world, model, harm):
    [data] = model.glob("data-*")
    good = data.read_bytes()
    middle = len(good) // 2
    bad = {"cut": good[:-1], "empty": b"", "other": ROWS[0], "absent": None,
           "flip": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:]}[harm]
    data.unlink()
    if bad is not None:
        data.write_bytes(bad)
    infer = world.start("infer", infer__models=model.parent, infer__listen=f"127.0.0.1:{free_port()}")
    assert infer.wait() == REFUSED


def test_a_log_without_a_good_row_makes_no_model(world, tmp_path):
    fit = world.start("fit", "popular", logs.write(tmp_path / "log.csv", [b"bad"]), "--out", tmp_path / "m")
    assert fit.wait() == REFUSED and not (tmp_path / "m").exists()
