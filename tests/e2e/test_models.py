"""Every kind of model, fitted by weir-fit and asked over HTTP, against the formulas."""
import json
import math
import random
import shutil
import signal
import threading
import urllib.error
import urllib.request

import pytest

import logs
import models
import oracle
from weir import DONE, REFUSED, Rules, eventually, free_port

ROWS = logs.rows_of(logs.make(101, 1500))
EVENTS = [oracle.decode(row, Rules().form) for row in ROWS]
ITEMS = sorted({event["item"] for event in EVENTS}, key=oracle.id_order)
PARTS = {"transitions": 1, "itemknn": 0.5, "ease": 0.25}
KINDS = ("popular", "transitions", "itemknn", "vmisknn", "ease", "blend")
EASE_ITEMS = 20


def by_formula(kind):
    if kind == "blend":
        return models.blend([(by_formula(part), weight) for part, weight in PARTS.items()])
    if kind == "ease":
        return models.ease(EVENTS, items_max=EASE_ITEMS)
    return getattr(models, kind)(EVENTS)


def fit(world, root, *kinds, rows=ROWS, **more):
    log = logs.write(root.parent / "log.csv", rows)
    for kind in kinds:
        fit = world.start("fit", kind, log, "--out", root / kind, ease__items=EASE_ITEMS, **more)
        assert fit.wait() == DONE, fit.log


def set_parts(root, parts):
    manifest = json.loads((root / "blend/manifest.json").read_text())
    (root / "blend/manifest.json").write_text(json.dumps({**manifest, "parts": parts}))


@pytest.fixture
def root(world, tmp_path):
    """All kinds of models; the blend mixes what PARTS says."""
    root = tmp_path / "models"
    fit(world, root, *KINDS)
    set_parts(root, PARTS)
    return root


class Asked:
    """A running weir-infer."""

    def __init__(self, world, root, **more):
        self.address = f"127.0.0.1:{free_port()}"
        self.program = world.run("infer", infer__models=root, infer__listen=self.address, **more)

    def get(self, path, body=None):
        """-> status, answer, headers."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"http://{self.address}/{path}", data, timeout=20) as reply:
                return reply.status, reply.read(), reply.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def post(self, path, **body):
        status, answer, headers = self.get(path, body)
        return status, json.loads(answer), headers

    def models(self):
        return {model["name"]: model for model in json.loads(self.get("models")[1])}

    def version(self, name):
        return self.models()[name]["version"]


def histories(n=40):
    rnd = random.Random(101)
    return [rnd.choices([*ITEMS, "unknown"], k=rnd.choice((0, 1, 2, 5, 10, 40))) for _ in range(n)]


def agrees(answer, scores, masked):
    """An answer with scores: all candidates, in their order, with the scores of the formula."""
    wanted = {item: score for item, score in scores.items() if item not in masked}
    assert {item for item, _ in answer} == wanted.keys()
    assert answer == sorted(answer, key=lambda pair: (-pair[1], oracle.id_order(pair[0])))
    for item, score in answer:
        assert score == pytest.approx(wanted[item], rel=2e-5, abs=2e-6), item


def test_the_answers_are_those_of_the_formulas(world, root):
    infer, asked = Asked(world, root), histories()
    rnd = random.Random(102)
    excluded = [rnd.sample(ITEMS, 3) for _ in asked]
    for kind in KINDS:
        formula = by_formula(kind)
        question = {"user": [f"u{n}" for n in range(len(asked))], "item": asked, "exclude": excluded,
                    "n_rec": 500, "scores": True}
        for reconsume in (False, True):
            status, answers, _ = infer.post(kind, **question, reconsume=reconsume)
            assert status == 200
            for items, more, answer in zip(asked, excluded, answers):
                agrees(answer, formula(items), {*more, *(items[-1:] if reconsume else items)})


def test_n_rec_takes_the_best(world, root):
    infer = Asked(world, root)
    for kind in KINDS:
        question = {"user": ["u"], "item": [["1", "2"]]}
        everything = infer.post(kind, **question, n_rec=500)[1][0]
        for n in (1, 3, 8):
            assert infer.post(kind, **question, n_rec=n)[1] == [everything[:n]]


def test_a_fit_is_the_same_byte_for_byte(world, tmp_path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        fit(world, tmp_path / folder / "models", *KINDS)
    for kind in KINDS:
        one, two = ({file.name: file.read_bytes() for file in (tmp_path / folder / "models" / kind).iterdir()}
                    for folder in ("first", "second"))
        assert one == two and "manifest.json" in one


def test_a_fit_from_mongodb_is_that_of_the_log(worlds, tmp_path):
    world = worlds(partitions=3)
    log = logs.write(tmp_path / "log.csv", ROWS)
    world.replay(log)
    world.run("archive")
    world.settle("archive")
    for kind in ("transitions", "vmisknn"):
        for name, source in (("log", [log]), ("archive", ["--from-mongodb"])):
            program = world.start("fit", kind, *source, "--out", tmp_path / name / kind)
            assert program.wait() == DONE, program.log
        manifests = [json.loads((tmp_path / name / kind / "manifest.json").read_text())
                     for name in ("log", "archive")]
        assert manifests[0]["ids"] == manifests[1]["ids"] and manifests[0]["data"] == manifests[1]["data"]


def test_a_replaced_model_leaves_nothing_behind(world, tmp_path):
    fit(world, tmp_path / "models", "popular")
    fit(world, tmp_path / "models", "popular", rows=ROWS[:700])
    assert len(list((tmp_path / "models/popular").iterdir())) == 3


def test_manifests_say_how_good_a_model_is(root):
    for kind in KINDS:
        validation = json.loads((root / kind / "manifest.json").read_text())["validation"]
        assert 0 < validation["ndcg@10"] <= validation["hr@10"] <= 1 and validation["cases"] >= 10


def questions(since_ms):
    """-> (items before, item) of every row since then whose item is new to its user."""
    users = {}
    for event in sorted(EVENTS, key=lambda e: e["time"]):
        before = users.setdefault(event["user"], [])
        if before and event["time"] >= since_ms and event["item"] not in before:
            yield before[-200:], event["item"]
        before.append(event["item"])


def place_of(item, items, scores):
    ranked = sorted((i for i in scores if i not in items), key=lambda i: (-scores[i], oracle.id_order(i)))
    return ranked.index(item) + 1 if item in ranked[:20] else math.inf


def test_models_are_evaluated_on_what_is_newer_than_they(world, tmp_path):
    """The last tenth of the time is held back from one, and half of it from the other: both are asked about the tenth."""
    root, kinds = tmp_path / "models", ("transitions", "itemknn")
    times = sorted(event["time"] for event in EVENTS)
    held_ms = [(times[-1] - times[0]) // 10, (times[-1] - times[0]) // 2]
    learned = [[e for e in EVENTS if e["time"] < times[-1] - held] for held in held_ms]
    for kind, held in zip(kinds, held_ms):
        fit(world, root, kind, fit__hold_back=f"{held}ms")
    program = world.start("fit", "evaluate", tmp_path / "log.csv", *(root / kind for kind in kinds))
    assert program.wait() == DONE, program.log
    lines = [dict(word.split("=", 1) for word in line.split()) for line in program.log.splitlines()
             if line.startswith("model=")]
    asked = list(questions(max(e["time"] for e in learned[0]) // 1000 * 1000 + 1000))
    assert len(asked) > 20
    for kind, events, line in zip(kinds, learned, lines, strict=True):
        formula = getattr(models, kind)(events)
        places = [place_of(item, items, formula(items)) for items, item in asked]
        assert line["version"] == json.loads((root / kind / "manifest.json").read_text())["version"]
        assert int(line["cases"]) == len(asked)
        for name, gains in {"hr@10": [p <= 10 for p in places], "mrr@20": [1 / p for p in places],
                            "ndcg@10": [1 / math.log2(p + 1) if p <= 10 else 0 for p in places]}.items():
            assert float(line[name]) == pytest.approx(sum(gains) / len(asked), abs=1e-4), (kind, name)


def test_headers_say_who_answered(world, root):
    infer = Asked(world, root)
    for kind in KINDS:
        _, _, headers = infer.post(kind, user=["u", "v"], item=[["1"], []], n_rec=3)
        assert (headers["Weir-Model"], headers["Weir-Model-Version"]) == (kind, infer.version(kind))


def test_a_split_is_by_user(world, root):
    weights = {"popular": 30, "vmisknn": 60, "itemknn": 10}
    infer = Asked(world, root, ab__trial=",".join(f"{m}:{n}" for m, n in weights.items()))
    users = [f"user-{n}" for n in range(256)]
    body = {"item": [["1", "5"]] * 256, "n_rec": 5}
    status, answers, headers = infer.post("trial", user=users, **body)
    assert status == 200
    arms = [models.arm("trial", user, weights) for user in users]
    assert headers["Weir-Model"].split(",") == arms and set(arms) == set(weights)
    assert headers["Weir-Model-Version"].split(",") == [infer.version(arm) for arm in arms]
    own = {model: infer.post(model, user=users, **body)[1][0] for model in weights}
    assert answers == [own[arm] for arm in arms]


@pytest.mark.parametrize("route", ["popular:1,none:1", "popular", "popular:0", "popular:1,,", ""])
def test_a_bad_split_is_refused(world, root, route):
    infer = world.start("infer", infer__models=root, infer__listen="127.0.0.1:0", ab__trial=route)
    assert infer.wait() == REFUSED and "ab.trial" in infer.log


def test_limits(world, root):
    infer = Asked(world, root)
    good = {"user": ["u"] * 256, "item": [["1"]] * 256, "n_rec": 500}
    assert infer.post("popular", **good)[0] == 200
    for wrong in ({**good, "n_rec": 501}, {"user": ["u"] * 257, "item": [["1"]] * 257, "n_rec": 1},
                  {"user": ["u"], "item": [["1"] * 201], "n_rec": 1}, {**good, "scores": 1},
                  {**good, "reconsume": "yes"}):
        status, answer, _ = infer.post("popular", **wrong)
        assert status == 422 and answer["detail"]
    status, answer, _ = infer.post("popular", user=["u"], item=[["1"]], n_rec=1, more="x" * 65_536)
    assert status == 413 and answer["detail"]


def test_the_unknown_are_served_and_counted(world, root):
    infer = Asked(world, root)
    assert infer.post("vmisknn", user=["a", "b", "c"], item=[["new"], ["new", "1"], []], n_rec=3)[0] == 200
    assert infer.program.total("weir_infer_users_unknown_total") == 2
    assert infer.program.total("weir_infer_items_unknown_total") == 2


def test_health_is_on_both_ports(world, root):
    infer = Asked(world, root)
    assert infer.get("healthz")[0] == infer.get("readyz")[0] == 200
    assert b"weir_infer_served_total" in infer.get("metrics")[1]


# ---------------------------------------------------------------------------- reloading

def harm_data(folder, change):
    [data] = folder.glob("data-*")
    data.write_bytes(change(data.read_bytes()))


def harm_manifest(folder, **members):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def linked(folder, pattern):
    [file] = folder.glob(pattern)
    file.rename(folder.parent / "elsewhere")
    file.symlink_to(folder.parent / "elsewhere")


HARM = {
    "truncated": lambda folder: harm_data(folder, lambda data: data[:-1]),
    "longer": lambda folder: harm_data(folder, lambda data: data + b"\0"),
    "flipped": lambda folder: harm_data(folder, lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]),
    "emptied": lambda folder: harm_data(folder, lambda data: b""),
    "another hash": lambda folder: harm_manifest(folder, data="0" * 16),
    "a path for a hash": lambda folder: harm_manifest(folder, data="../../../../etc/"),
    "another kind": lambda folder: harm_manifest(folder, kind="popular"),
    "no kind": lambda folder: harm_manifest(folder, kind="../popular"),
    "no settings": lambda folder: harm_manifest(folder, settings={}),
    "too great": lambda folder: harm_manifest(folder, settings={"recent": 1e300, "decay": 1}),
    "newer format": lambda folder: harm_manifest(folder, format=2),
    "not JSON": lambda folder: (folder / "manifest.json").write_text("{"),
    "huge": lambda folder: (folder / "manifest.json").write_text(" " * 100_000 + "{}"),
    "deep": lambda folder: (folder / "manifest.json").write_text("[" * 10_000),
    "linked data": lambda folder: linked(folder, "data-*"),
    "linked ids": lambda folder: linked(folder, "ids-*"),
    "linked manifest": lambda folder: linked(folder, "manifest.json"),
    "gone": shutil.rmtree,
}


def test_a_bad_model_is_refused_and_the_old_one_stays(world, root, tmp_path):
    infer = Asked(world, root)
    question = {"user": ["u"], "item": [["1", "2", "3"]], "n_rec": 20}
    before, shown = infer.post("itemknn", **question)[1], infer.models()["itemknn"]
    shutil.copytree(root / "itemknn", tmp_path / "good")
    for name, harm in HARM.items():
        harm(root / "itemknn")
        status, answer, _ = infer.post("models/itemknn/reload")
        assert status == 422 and "itemknn" in answer["detail"], name
        assert infer.post("itemknn", **question)[1] == before, name
        assert infer.models()["itemknn"] == shown, name
        shutil.rmtree(root / "itemknn", ignore_errors=True)
        shutil.copytree(tmp_path / "good", root / "itemknn")
    assert infer.post("models/itemknn/reload")[0] == 200


def test_a_new_model_is_served_once_it_is_loaded(world, root):
    shutil.move(root / "ease", root.parent / "ease")
    shutil.rmtree(root / "blend")
    infer = Asked(world, root)
    question = {"user": ["u"], "item": [["1"]], "n_rec": 3}
    assert infer.post("ease", **question)[0] == 404
    shutil.move(root.parent / "ease", root / "ease")
    assert infer.post("models/ease/reload")[0] == 200
    assert infer.post("ease", **question)[0] == 200


def test_a_hangup_loads_all(world, root, tmp_path):
    infer = Asked(world, root)
    before = {name: model["version"] for name, model in infer.models().items()}
    fit(world, root, "popular", "ease", "transitions", "itemknn", rows=ROWS + [b"u9,999,1,pv,1511600000"])
    infer.program.signal(signal.SIGHUP)
    eventually(lambda: all_new(infer, before, ("popular", "ease", "transitions", "itemknn", "blend")))
    assert infer.version("vmisknn") == before["vmisknn"]


def all_new(infer, before, names):
    now = infer.models()
    assert all(now[name]["version"] != before[name] for name in names)


def test_a_blend_of_models_from_different_logs_is_refused(world, root):
    infer = Asked(world, root)
    old = infer.version("blend")
    fit(world, root, "ease", rows=ROWS + [b"u9,999,1,pv,1511600000"])
    assert infer.post("models/ease/reload")[0] == 200
    status, answer, _ = infer.post("models/blend/reload")
    assert status == 422 and "different items" in answer["detail"]
    assert infer.version("blend") == old and infer.post("blend", user=["u"], item=[["1"]], n_rec=1)[0] == 200


def swap_under_load(world, tmp_path, swaps):
    """Two versions in turn, while users ask: every answer is one version's, whole, and none fails."""
    root, versions = tmp_path / "models", {}
    for name, rows in (("a", ROWS), ("b", ROWS[:900])):
        fit(world, root, "transitions", "popular", rows=rows)
        shutil.copytree(root, tmp_path / name)
    infer = Asked(world, root)
    question = {"user": ["u", "v"], "item": [["1", "2"], ["3"]], "n_rec": 10}
    wrong, stop, asked = [], threading.Event(), [0]

    def ask(kind):
        while not stop.is_set():
            status, answer, headers = infer.post(kind, **question)
            asked[0] += 1
            if status != 200 or versions.setdefault((kind, headers["Weir-Model-Version"]), answer) != answer:
                wrong.append((status, answer))

    threads = [threading.Thread(target=ask, args=(kind,)) for kind in ("transitions", "popular")]
    for thread in threads:
        thread.start()
    for n in range(swaps):
        kind, source = ("transitions", "popular")[n % 2], tmp_path / "ab"[n // 2 % 2]
        for file in sorted((source / kind).iterdir(), key=lambda f: f.name == "manifest.json"):
            shutil.copy(file, root / kind / (file.name + ".new"))
            (root / kind / (file.name + ".new")).rename(root / kind / file.name)
        status, answer, _ = infer.post(f"models/{kind}/reload")
        assert status == 200, answer
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and asked[0] > swaps / 4 and len(versions) == 4


def test_swaps_under_load(world, tmp_path):
    swap_under_load(world, tmp_path, 200)


@pytest.mark.long
def test_a_thousand_swaps_under_load(world, tmp_path):
    swap_under_load(world, tmp_path, 1000)


def test_ease_says_when_there_are_too_many_items(world, tmp_path):
    rows = [b"u%d,%d,1,pv,1511600000" % (n % 7, n) for n in range(10_001)]
    fit = world.start("fit", "ease", logs.write(tmp_path / "log.csv", rows), "--out", tmp_path / "ease")
    assert fit.wait() == REFUSED and "--ease-items" in fit.log and not (tmp_path / "ease").exists()
