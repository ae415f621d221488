"""The reconciliation bites: one thing dropped, doubled, swapped or altered in what a run has left, and its
rule fails."""
import json

import pytest

import panes
from trial import Trial

FAR = f"1:0:{10**9}:0"
ways = pytest.mark.parametrize("how", ["drop", "double", "swap", "alter"])


@pytest.fixture(scope="module")
def trial(stack, tmp_path_factory):
    trial = Trial(stack, tmp_path_factory.mktemp("trial"), 91, 3000, 2, idle_s=5)
    trial.start()
    trial.finish(60)
    yield trial
    trial.end()


@pytest.fixture
def failing(trial):
    """-> {rule that fails now: examples}"""
    def rules():
        tallies = trial.reconcile(exact=True)
        return {rule: tally.examples for rule, tally in tallies.items() if tally.violations}
    return rules


def test_nothing_was_touched(trial, failing):
    assert failing() == {}
    assert all(sum(tally.compared.values()) for tally in trial.tallies.values())


# ---------------------------------------------------------------------------- MongoDB

ALTERED = {
    "events": ("behavior", "bought"), "consumed": ("item", "another"),
    "recommendations": ("items", ["another"]), "users": ("history", [])}
RULES = {
    "events": {"drop": {"R1", "R2", "R5"}, "double": {"R1", "R2", "R5"}, "swap": {"R1"},
               "alter": {"R1", "R2"}},
    "consumed": {"drop": {"R1"}, "double": {"R1"}, "swap": {"R1"}, "alter": {"R1"}},
    "recommendations": {"drop": {"R4"}, "double": {"R4"}, "swap": {"R4"}, "alter": {"R4"}},
    "users": {"drop": {"R4"}, "double": {"R4"}, "swap": {"R4"}, "alter": {"R4"}}}


def damage_documents(collection, how):
    """-> how to mend it"""
    one, other = collection.find_one(sort=[("_id", 1)]), collection.find_one(sort=[("_id", -1)])
    if how == "drop":
        collection.delete_one({"_id": one["_id"]})
    elif how == "double":
        collection.insert_one({**one, "_id": FAR})
    elif how == "swap":
        collection.replace_one({"_id": one["_id"]}, {**other, "_id": one["_id"]})
        collection.replace_one({"_id": other["_id"]}, {**one, "_id": other["_id"]})
    else:
        collection.update_one({"_id": one["_id"]}, {"$set": dict([ALTERED[collection.name]])})

    def mend():
        collection.delete_one({"_id": FAR})
        for document in (one, other):
            collection.replace_one({"_id": document["_id"]}, document, upsert=True)
    return mend


@ways
@pytest.mark.parametrize("name", RULES)
def test_a_document(trial, failing, name, how):
    mend = damage_documents(trial.world.mongo[name], how)
    found = failing()
    mend()
    assert found.keys() == RULES[name][how], found


# ---------------------------------------------------------------------------- Redis

def damage_history(redis, key, how):
    ends = sorted(redis.hkeys(key), key=int)
    one, other = ends[len(ends) // 2], ends[-1]
    texts = redis.hgetall(key)
    if how == "drop":
        redis.hdel(key, one)
    elif how == "double":
        redis.hset(key, int(other) + 60_000, texts[other])
    elif how == "swap":
        redis.hset(key, mapping={one: texts[other], other: texts[one]})
    else:
        window = json.loads(texts[one])
        window["ranking"][0][1] += 1
        redis.hset(key, one, json.dumps(window))


def damage_current(redis, key, how):
    """Of a ranking that all its keys show: one of them says something else."""
    if how == "drop":
        redis.rpop(key + ":order")
    elif how == "double":
        redis.rpush(key + ":order", redis.lindex(key + ":order", 0))
    elif how == "swap":
        redis.hset(key, "window_start", redis.hget(key, "window_end"))
    else:
        redis.zincrby(key + ":items", 1, redis.lindex(key + ":order", 0))


@ways
@pytest.mark.parametrize("where", ["history", "current"])
def test_a_ranking(trial, failing, where, how):
    world = trial.world
    kept = {name: world.redis.dump(world.key + name) for name in (":history", ":order", ":items", "")}
    if where == "history":
        damage_history(world.redis, world.key + ":history", how)
    else:
        damage_current(world.redis, world.key, how)
    found = failing()
    for name, dump in kept.items():
        world.redis.restore(world.key + name, 0, dump, replace=True)
    assert found.keys() == {"R3"}, found


# ---------------------------------------------------------------------------- Kafka

def damaged(messages, how, alter):
    """What is in a topic stays there: the reading of it is altered. -> other messages"""
    one, *middle, other = messages
    return {"drop": [*middle, other], "double": [one, *messages], "swap": [other, *middle, one],
            "alter": [alter(one), *middle, other]}[how]


def other_value(message):
    """Of a row, or of one in base64."""
    return message._replace(value=message.value.replace(b"1", b"2").replace(b"M", b"N"))


def other_item(record):
    """The longest id that the batch names, ending in something else."""
    ids = [item for pane in panes.decode(record).panes.values() for item in pane.counts]
    longest = max(ids, key=len).encode()
    return record.replace(longest, longest[:-1] + b"x", 1)


@ways
def test_a_batch(trial, failing, monkeypatch, how):
    """Of weir-panes: what it adds up to, and that each goes on where the one before ended."""
    filled = [record for record in trial.tail.records if panes.decode(record).panes]
    monkeypatch.setattr(trial.tail, "records", damaged(filled, how, other_item))
    assert failing().keys() == {"R5"}


TOPICS = {    # dead letters may come twice, and what is read is put in order by its offsets
    "events": {"drop": {"R1"}, "double": {"R1"}, "alter": {"R1"}},
    "late": {"drop": {"R5"}, "double": {"R5"}, "alter": {"R5"}},
    "dead": {"drop": {"R5"}, "alter": {"R5"}}}


@pytest.mark.parametrize("which, how", [(name, how) for name, hows in TOPICS.items() for how in hows])
def test_a_message(trial, failing, monkeypatch, which, how):
    read = trial.world.read

    def misread(topic, only=None):
        messages = read(topic, only)
        first = next((i for i, m in enumerate(messages) if m.key != b"bad"), 0)    # one of the file
        return messages[:first] + damaged(messages[first:], how, other_value) if topic == which else messages
    monkeypatch.setattr(trial.world, "read", misread)
    assert failing().keys() >= TOPICS[which][how]

