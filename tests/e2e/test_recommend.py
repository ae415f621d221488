"""weir-recommend: one document for every user and interval in which something happened, whatever the
inference service does."""
import json
import urllib.request

import pytest
from confluent_kafka.admin import NewPartitions

import agree
import logs
import models as formulas
import oracle
import service as inference
from weir import DONE, REFUSED, eventually, free_port


def sources(documents):
    return {document["source"] for document in documents.values()}


def settled(world, **more):
    """-> the stored recommendations, after they were found to be exact."""
    world.settle("recommend")
    return agree.recommendations_are(world, world.rows(), **more)


@pytest.fixture
def logged(worlds):
    """make(seed, n) -> a world whose topic holds a log."""
    def make(seed, n=1500, partitions=3, **rules):
        world = worlds(partitions=partitions, **rules)
        world.create_events()
        world.produce_rows(logs.rows_of(logs.make(seed, n)))
        return world
    return make


@pytest.mark.parametrize("partitions, instances", [(1, 1), (3, 1), (4, 1), (1, 3), (3, 3), (4, 3)])
def test_every_round_is_exact(worlds, service, partitions, instances):
    world = worlds(partitions=partitions)
    world.create_events()
    world.produce_rows(logs.spoiled(logs.rows_of(logs.make(30 + partitions, 2000)), 1))
    world.run_all("recommend", instances=instances, infer__url=service.url)
    documents = settled(world, answer=inference.answer)
    assert len(documents) > 1000
    assert all(path == "/transitions" for path, _ in service.requests)
    assert max(len(request["user"]) for _, request in service.requests) > 1


def test_requests_are_what_the_contract_says(logged, service):
    world = logged(40, 600)
    world.run("recommend", infer__url=service.url, infer__algorithm="ddpg", infer__batch=5)
    documents = settled(world, answer=inference.answer)
    asked = set()
    for path, request in service.requests:
        assert path == "/ddpg" and request["n_rec"] == world.rules.recommend_n
        assert len(request["user"]) == len(request["item"]) <= 5
        asked |= {(user, *map(str, items))
                  for user, items in zip(map(str, request["user"]), request["item"])}
    assert asked == {(doc["user"], *doc["history"]) for doc in documents.values()}
    assert {doc["model"] for doc in documents.values()} == {"ddpg"}


def test_more_rows_go_on_from_what_was_stored(logged, service):
    """History, previous and rewards across a restart; rows behind the cut that idleness made."""
    world = logged(41, 900)
    first = world.run("recommend", infer__url=service.url)
    settled(world, answer=inference.answer)
    assert first.stop() == DONE
    cuts = {}
    for partition, rows in world.rows().items():
        cuts[partition] = [oracle.idle_cut(rows, 20_000, 10_000, 120_000)]
    world.produce_rows(logs.rows_of(logs.make(42, 900, seconds=9000)))
    world.run("recommend", infer__url=service.url)
    settled(world, answer=inference.answer, cuts=cuts)


@pytest.fixture
def popular(logged):
    """make(seed) -> a world with a log and its ranking in Redis."""
    def make(seed, **rules):
        world = logged(seed, **rules)
        world.run_all("count", "rank")
        world.settle("count")
        rows = world.rows()
        eventually(lambda: agree.windows_are(world, rows))
        return world
    return make


def hot_fill(items, history, hot, n):
    """Good items of an answer, filled up from the hot list: no repeats, nothing consumed."""
    filled = []
    for item in [*items, *hot]:
        if len(filled) < n and item not in filled and item not in history:
            filled.append(item)
    return filled


def test_without_a_service_the_hot_list_fills(popular, service):
    service.down()
    world = popular(43)
    hot = world.hot()
    world.run("recommend", infer__url=service.url, infer__budget="300ms")
    documents = settled(world)
    assert sources(documents) == {"hot"}
    for document in documents.values():
        assert document["items"] == hot_fill([], document["history"], hot["order"], 8)
        assert document["hot_version"] == int(hot["hash"]["version"])
    service.up()


def test_without_a_service_and_a_hot_list_there_is_a_document_still(logged, service):
    service.mode = "error"
    world = logged(44, 500)
    world.run("recommend", infer__url=service.url, infer__budget="200ms")
    documents = settled(world)
    assert sources(documents) == {"none"}
    assert all(document["items"] == [] for document in documents.values())


@pytest.mark.parametrize("mode, own", [("short", 3), ("repeating", 1)])
def test_a_short_answer_is_filled_up(popular, service, mode, own):
    world = popular(45)
    hot = world.hot()["order"]
    service.mode = mode
    world.run("recommend", infer__url=service.url)
    documents = settled(world)
    assert sources(documents) == {"mixed"}
    for document in documents.values():
        user, history = document["user"], document["history"]
        answer = inference.answer(user, history, 3) if mode == "short" else ["rec-x"]
        assert document["items"] == hot_fill(answer, history, hot, 8)


def test_rewards(popular):
    """Hot items are items of the log: users do consume what was shown."""
    world = popular(51)
    world.run("recommend", infer__budget="100ms")
    documents = settled(world)
    assert sum(bool(doc.get("reward")) for doc in documents.values()) > 50


def test_users_that_move_are_refused(logged, service):
    """More partitions: users move, nothing exact can be promised."""
    world = logged(52, 300)
    first = world.run("recommend", infer__url=service.url)
    settled(world)
    assert first.stop() == DONE
    topic = world.topic("events")
    world.stack.admin.create_partitions([NewPartitions(topic, 5)])[topic].result(30)
    second = world.start("recommend", infer__url=service.url)
    assert second.wait() == REFUSED and "allow_moved_users" in second.log
    third = world.run("recommend", infer__url=service.url, recommend__allow_moved_users="yes")
    assert third.stop() == DONE


def test_a_changed_interval_is_refused(logged, service):
    world = logged(53, 300)
    first = world.run("recommend", infer__url=service.url)
    settled(world)
    assert first.stop() == DONE
    second = world.start("recommend", infer__url=service.url, recommend__interval="30s")
    assert second.wait() == REFUSED and "weir-reset recommend" in second.log


def test_the_own_service(popular, tmp_path):
    """weir-fit learns from a log, weir-infer answers, weir-recommend stores what the formula says."""
    rows = logs.rows_of(logs.in_order(54, 1500))
    log, models = logs.write(tmp_path / "log.csv", rows), tmp_path / "models"
    world = popular(54)
    for kind in ("transitions", "popular"):
        assert world.start("fit", kind, log, "--out", models / kind).wait() == DONE
    address, weights = f"127.0.0.1:{free_port()}", {"transitions": 80, "popular": 20}
    world.run("infer", infer__models=models, infer__listen=address, ab__both="transitions:80,popular:20")
    world.run("recommend", infer__url="http://" + address, infer__algorithm="both")
    documents = settled(world)
    with urllib.request.urlopen(f"http://{address}/models") as reply:
        versions = {model["name"]: model["version"] for model in json.load(reply)}
    assert {"model", "mixed"} & sources(documents)
    table = oracle.fit([oracle.decode(row, world.rules.form) for row in rows])
    hot = world.hot()["order"]
    popular_items = formulas.popular([oracle.decode(row, world.rules.form) for row in rows])([])
    for document in documents.values():
        model = formulas.arm("both", document["user"], weights)
        answer = {"transitions": lambda: oracle.infer(table, document["history"], 8),
                  "popular": lambda: [item for item, _ in oracle.ranked(popular_items, 500)]}[model]()
        assert document["items"] == hot_fill(answer, document["history"], hot, 8)
        told = (model, versions[model]) if document["source"] in ("model", "mixed") else (None, None)
        assert (document["model"], document["version"]) == told
    assert {document["model"] for document in documents.values()} >= set(weights)


def test_a_real_log(worlds, real_logs, service):
    world = worlds(partitions=4)
    world.replay(real_logs / "weblog.csv.gz")
    world.run_all("recommend", instances=2, infer__url=service.url)
    assert len(settled(world, answer=inference.answer)) > 1000
