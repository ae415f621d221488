"""The judges are judged: what the oracle wants is accepted, the slightest change of it is not."""
import copy
import json
import urllib.error
import urllib.request

import pytest

import agree
import logs
import oracle
from service import Service, answer
from weir import Rules


def test_logs_have_what_the_tests_are_about():
    lines = logs.make(1, 2000)
    parts = {}
    for row in logs.rows_of(lines):
        event = oracle.decode(row, Rules().form)
        where = oracle.partition_of(event["user"], 3)
        part = parts.setdefault(where, [])
        part.append(oracle.Row(where, len(part), 0, event, row))
    found = agree.verdicts(Rules(), parts)
    assert len(found["late"]) > 10 and len(found["counted"]) > 1900
    times = [line.time for line in lines]
    assert sum(a > b for a, b in zip(times, times[1:])) > 200
    assert not found["bad"]


@pytest.mark.parametrize("reason, row", logs.BAD_ROWS, ids=range(len(logs.BAD_ROWS)))
def test_bad_rows_are_bad(reason, row):
    assert oracle.decode(row, Rules().form) is None


@pytest.mark.parametrize("row", logs.GOOD_ROWS, ids=range(len(logs.GOOD_ROWS)))
def test_good_rows_are_good(row):
    assert oracle.decode(row, Rules().form)


def test_what_is_produced_can_be_read(world):
    rows = logs.rows_of(logs.make(1, 500))
    world.create_events()
    world.produce_rows(rows)
    agree.topic_is(world, rows)
    for changed in (rows[1:], rows + rows[:1], rows[::-1]):
        with pytest.raises(AssertionError):
            agree.topic_is(world, changed)


def mutations(documents, name):
    """documents without one, with one twice, and with one changed."""
    some = sorted(documents)[len(documents) // 2]
    yield {key: doc for key, doc in documents.items() if key != some}
    yield {**documents, "another": {**documents[some], "_id": "another"}}
    changed = copy.deepcopy(documents)
    changed[some][name] = "changed"
    yield changed


def store(world, collection, documents):
    world.mongo[collection].delete_many({})
    world.mongo[collection].insert_many(copy.deepcopy(list(documents.values())))


@pytest.fixture
def filled(world):
    """A log in the topic -> its rows by partition."""
    world.create_events()
    world.produce_rows(logs.rows_of(logs.make(2, 400)))
    return world.rows()


def test_archive_is_judged(world, filled):
    events, consumed = oracle.archive(agree.flat(filled), 1)
    store(world, "events", events)
    store(world, "consumed", consumed)
    agree.archive_is(world, filled)
    for wrong in mutations(events, "item"):
        store(world, "events", wrong)
        with pytest.raises(AssertionError):
            agree.archive_is(world, filled)
    store(world, "events", events)
    for wrong in mutations(consumed, "last"):
        store(world, "consumed", wrong)
        with pytest.raises(AssertionError):
            agree.archive_is(world, filled)


def show(world, current, windows):
    now = windows[current]
    texts = {str(w.end): json.dumps({
        "window_start": w.start, "window_end": w.end, "events": w.events, "ranking": w.ranking})
        for w in windows.values()}
    world.redis.hset(world.key, mapping={
        "window_start": now.start, "window_end": now.end, "events": now.events, "version": 7,
        "complete": 1, "n": len(now.ranking), "ranking": json.dumps(now.ranking)})
    world.redis.zadd(world.key + ":items", dict(map(tuple, now.ranking)))
    world.redis.rpush(world.key + ":order", *[item for item, _ in now.ranking])
    world.redis.hset(world.key + ":history", mapping=texts)
    world.redis.hset(world.key + ":versions", mapping={end: "1:7" for end in texts})


def test_windows_are_judged(world, filled):
    rules = world.rules
    current, windows = oracle.rankings(agree.verdicts(rules, filled)["counted"], size=rules.size,
                                       slide=rules.slide, n=rules.n, keep=rules.history)
    show(world, current, windows)
    agree.windows_are(world, filled)
    some = str(sorted(windows)[len(windows) // 2])
    old = json.loads(world.redis.hget(world.key + ":history", some))
    swapped = {**old, "ranking": [old["ranking"][1], old["ranking"][0], *old["ranking"][2:]]}
    for wrong in (swapped, {**old, "events": old["events"] + 1}):
        world.redis.hset(world.key + ":history", some, json.dumps(wrong))
        with pytest.raises(AssertionError):
            agree.windows_are(world, filled)
    world.redis.hset(world.key + ":history", some, json.dumps(old))
    agree.windows_are(world, filled)
    world.redis.lset(world.key + ":order", 0, "changed")
    with pytest.raises(AssertionError):
        agree.windows_are(world, filled)


def test_recommendations_are_judged(world, filled):
    rules = world.rules
    served = oracle.rounds(filled, interval=rules.interval, delay=rules.delay,
                           lateness=rules.lateness, k=rules.k)
    items = {one.id: answer(one.user, [row.event["item"] for row in one.history]) for one in served}
    documents = {id: {**doc, "items": items[id], "source": "model"}
                 for id, doc in oracle.recommendations(served, items).items()}
    users = oracle.users(served)
    for user in users.values():
        user["rev"] = 1
        user["last"].update(items=items[user["last"]["id"]], source="model")
    store(world, "users", users)
    store(world, "recommendations", documents)
    agree.recommendations_are(world, filled, answer=answer)
    for wrong in [*mutations(documents, "history"), *mutations(documents, "previous_reward")]:
        store(world, "recommendations", wrong)
        with pytest.raises(AssertionError):
            agree.recommendations_are(world, filled, answer=answer)


def test_the_service_answers_and_goes_away():
    service = Service()
    body = json.dumps({"user": ["u"], "item": [["a", "b"]], "n_rec": 4}).encode()
    ask = lambda: urllib.request.urlopen(service.url + "/x", body, timeout=5).read()
    assert json.loads(ask()) == [answer("u", ["a", "b"], 4)]
    service.mode = "error"
    with pytest.raises(urllib.error.HTTPError):
        ask()
    service.down()
    with pytest.raises(OSError):
        ask()
    service.mode = "good"
    service.up()
    assert json.loads(ask()) == [answer("u", ["a", "b"], 4)]
    service.down()
