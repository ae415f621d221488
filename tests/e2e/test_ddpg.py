"""A trained network, from numpy's files to the answers of weir-infer, against its formula. All numbers are small multiples of
powers of two, so that no sum is ever rounded: scores and ties are the same, not nearly."""
import json
import random
import urllib.request

import numpy
import pytest

import oracle
from weir import DONE, REFUSED, free_port

ITEMS, USERS, DIMS, HISTORY, ASKED = 500, 30, 32, 10, 70
SHAPES = (352, 64), (64, 64), (64, 32)


def trained(seed):
    """What a trainer saves; items of equal scores among it."""
    dice = numpy.random.default_rng(seed)
    files = {"items": dice.integers(-8, 9, (ITEMS, DIMS)) / 8, "users": dice.integers(-8, 9, (USERS, DIMS)) / 8}
    files["items"][100:160] = files["items"][200:260]
    for k, (columns, rows) in enumerate(SHAPES, 1):
        files[f"w{k}"] = dice.integers(-2, 3, (rows, columns)) / 8
        files[f"b{k}"] = dice.integers(-4, 5, rows) / 8
    return files


def item(row):
    return f"i{row}" if row % 3 else str(row)


def save(folder, files):
    folder.mkdir()
    for name, array in files.items():
        numpy.save(folder / f"{name}.npy", array.astype(numpy.float32))
    (folder / "items.txt").write_text("".join(f"{item(row)}\n" for row in range(ITEMS)))
    (folder / "users.txt").write_text("".join(f"u{row}\n" for row in range(USERS)))
    return folder


def scores(files, user, rows):
    """By row; None where nothing is known. `rows`: None is an unknown item."""
    state = numpy.zeros((1 + HISTORY, DIMS))
    last = rows[-HISTORY:]
    if user is None and all(row is None for row in last):
        return None
    if user is not None:
        state[0] = files["users"][user]
    for place, row in enumerate(last, 1 + HISTORY - len(last)):
        if row is not None:
            state[place] = files["items"][row]
    layer = state.ravel()
    for k in (1, 2):
        layer = numpy.maximum(files[f"w{k}"] @ layer + files[f"b{k}"], 0)
    return files["items"] @ (files["w3"] @ layer + files["b3"])


def best(files, user, rows, masked, n):
    found = scores(files, user, rows)
    if found is None:
        return []
    return oracle.ranked({item(row): found[row] for row in range(ITEMS) if row not in masked}, n)


def fit(world, folder, root):
    return world.start("fit", "ddpg", folder, "--out", root / "ddpg", fit__validate="no")


@pytest.fixture
def ask(world, tmp_path):
    """ask(**body) -> the answer of a service that has the model."""
    made = fit(world, save(tmp_path / "trained", trained(1)), tmp_path / "models")
    assert made.wait() == DONE, made.log
    address = f"127.0.0.1:{free_port()}"
    world.run("infer", infer__models=tmp_path / "models", infer__listen=address)

    def post(**body):
        with urllib.request.urlopen(f"http://{address}/ddpg", json.dumps(body).encode(), timeout=20) as reply:
            return json.load(reply)
    return post


@pytest.mark.parametrize("n_rec", [1, 10, 300])
def test_the_answers_are_those_of_the_network(ask, n_rec):
    files, dice = trained(1), random.Random(n_rec)
    users = [None, *(dice.choice([*range(USERS), None, None]) for _ in range(ASKED))]    # nothing is known of the first
    rows = [[], *([dice.choice([*range(ITEMS), None]) for _ in range(dice.choice((0, 1, 3, 10, 14)))] for _ in users[1:])]
    more = [dice.sample(range(ITEMS), 5) for _ in users]
    named = [["unknown" if row is None else item(row) for row in some] for some in rows]
    question = {"user": ["nobody" if user is None else f"u{user}" for user in users], "item": named, "n_rec": n_rec,
                "exclude": [[item(row) for row in some] for some in more], "scores": True}
    wanted = [best(files, user, some, {*some, *others}, n_rec) for user, some, others in zip(users, rows, more)]
    assert ask(**question) == wanted
    assert n_rec == 1 or any(one[1] == next_[1] for row in wanted for one, next_ in zip(row, row[1:]))


@pytest.mark.parametrize("harm", ["cut", "shape", "double", "nan", "absent", "names"])
def test_a_trainer_s_bad_files_are_refused(world, tmp_path, harm):
    files = trained(1)
    folder = save(tmp_path / "trained", files)
    path = folder / "w2.npy"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "absent":
        path.unlink()
    elif harm == "names":
        (folder / "items.txt").write_text("one\n")
    else:
        bad = {"shape": files["w2"][1:].astype(numpy.float32), "double": files["w2"],
               "nan": numpy.full(files["w2"].shape, numpy.nan, numpy.float32)}[harm]
        numpy.save(path, bad)
    made = fit(world, folder, tmp_path / "models")
    assert made.wait() == REFUSED and not (tmp_path / "models").exists()
    assert ("items.npy" if harm == "names" else "w2.npy") in made.log
