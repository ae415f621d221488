"""What the daemons left in Kafka, MongoDB and Redis, compared with the oracle. Each function takes a
world that has settled and raises AssertionError where something differs."""
import base64
import json
from collections import Counter

import oracle
from weir import eventually


def flat(partitions):
    return [row for rows in partitions.values() for row in rows]


def verdicts(rules, partitions):
    """-> {"bad" | "late" | "counted": rows}"""
    found = {"bad": [], "late": [], "counted": []}
    for rows in partitions.values():
        for row, verdict in oracle.decide(rows, rules.slide, rules.delay, rules.lateness):
            found[verdict].append(row)
    return found


# ---------------------------------------------------------------------------- what a replay sent

def topic_is(world, rows):
    """weir-events holds exactly the good ones of these rows, in their order in every partition."""
    form, wanted = world.rules.form, {}
    for row in rows:
        if event := oracle.decode(row, form):
            where = oracle.partition_of(event["user"], world.rules.partitions)
            wanted.setdefault(where, []).append((event, row))
    found = {p: [(row.event, row.raw) for row in part] for p, part in world.rows().items()}
    assert {p: len(part) for p, part in found.items()} == {p: len(w) for p, w in wanted.items()}
    assert {p: [event for event, _ in part] for p, part in found.items()} == \
        {p: [event for event, _ in part] for p, part in wanted.items()}


def letter(message):
    """A late row's or a dead letter's -> (key, reason, raw bytes)"""
    found = json.loads(message.value)
    return message.key.decode(), found["reason"], base64.b64decode(found["base64"])


def dead_letters(world):
    """-> {key: (reason, raw bytes)}; the same letter may be there more than once."""
    letters = {}
    for message in world.read("dead"):
        key, *found = letter(message)
        assert letters.setdefault(key, tuple(found)) == tuple(found)
    return letters


# ---------------------------------------------------------------------------- archive

def archive_is(world, partitions, epoch=1):
    events, consumed = oracle.archive(flat(partitions), epoch)
    same_documents(world.documents("events"), events)
    same_documents(world.documents("consumed"), consumed)


def same_documents(found, wanted):
    missing, extra = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    assert not missing and not extra, (
        f"{len(missing)} missing, {len(extra)} too many: {sorted(missing)[:3]} {sorted(extra)[:3]}")
    different = [key for key in wanted if found[key] != wanted[key]]
    assert not different, (f"{len(different)} differ: {different[0]!r}: "
                           f"{found[different[0]]} is not {wanted[different[0]]}")


# ---------------------------------------------------------------------------- late rows, rankings

def late_are(world, partitions, epoch=1):
    """The late topic holds exactly the late rows, each once, under their ids."""
    wanted = {oracle.row_id(row, epoch): row.raw for row in verdicts(world.rules, partitions)["late"]}
    found = Counter(message.key.decode() for message in world.read("late"))
    once = Counter(wanted.keys())
    assert found == once, f"{found - once} {once - found}"
    return wanted


def windows_are(world, partitions, epoch=1, weights={}, default=1):
    """Redis holds every window of the oracle, and the newest one in all its keys."""
    rules = world.rules
    current, windows = oracle.rankings(
        verdicts(world.rules, partitions)["counted"], size=rules.size, slide=rules.slide, n=rules.n,
        keep=rules.history, weights=weights, default=default)
    hot = world.hot()
    assert current_end(hot) == current
    if current is not None:
        same_current(hot, windows[current], epoch)
        same_history(hot["history"], windows, current - rules.history * rules.slide, current)
    return windows


def current_end(hot):
    return int(hot["hash"]["window_end"]) if hot["hash"] else None


def same_current(hot, window, epoch):
    found = hot["hash"]
    assert (int(found["window_start"]), int(found["window_end"])) == (window.start, window.end)
    assert int(found["events"]) == window.events
    assert json.loads(found["ranking"]) == window.ranking
    assert int(found["n"]) == len(window.ranking)
    assert int(found["complete"]) == window.complete
    assert hot["order"] == [item for item, _ in window.ranking]
    assert dict(hot["items"]) == dict(map(tuple, window.ranking))
    assert hot["versions"][str(window.end)] == f"{epoch}:{found['version']}"


def same_history(history, windows, first, current):
    """Windows without events may be there, empty, or not."""
    assert all(first < int(end) for end in history), "a window before the history"
    faults = history_faults(history, windows, current)
    assert not faults, f"{len(faults)} beside {len(windows)} windows: {faults[0]}"


def history_faults(history, windows, current):
    """-> what is wrong with the windows up to the current one, a text for each."""
    found = {int(end): json.loads(text) for end, text in history.items()}
    return [f"window {end}: {found.get(end)} is not {window}" for end, window in windows.items()
            if not same_window(found.get(end), window)] + \
           [f"window {end}: {found[end]} is nowhere in the log" for end in found.keys() - windows.keys()
            if found[end]["ranking"] or end > current]


def same_window(found, window):
    return found is not None and found["ranking"] == window.ranking and \
        (found["window_start"], found["window_end"], found["events"]) == \
        (window.start, window.end, window.events)


# ---------------------------------------------------------------------------- recommendations

def recommendations_are(world, partitions, cuts={}, answer=None):
    """Exactly one document for each due (user, interval); -> the documents.

    answer(user, history items) is what a service that always answers recommends."""
    rules = world.rules
    served = oracle.rounds(partitions, interval=rules.interval, delay=rules.delay,
                           lateness=rules.lateness, k=rules.k, cuts=cuts)
    found = world.documents("recommendations")
    ids = {one.id for one in served}
    assert found.keys() == ids, (
        f"{len(ids)} due, {len(found)} found: missing {sorted(ids - found.keys())[:3]}, "
        f"too many {sorted(found.keys() - ids)[:3]}")
    wanted = oracle.recommendations(served, {id: doc["items"] for id, doc in found.items()})
    same_documents({id: without_answer(doc) for id, doc in found.items()},
                   {id: without_answer(doc) for id, doc in wanted.items()})
    for document in found.values():
        items = document["items"]
        assert len(items) == len(set(items)) <= rules.recommend_n
        assert not set(items) & set(document["history"]), "a consumed item"
        assert document["source"] in ("model", "mixed", "hot", "none")
        if answer:
            assert document["source"] == "model", document
            assert items == answer(document["user"], document["history"])
    users_are(world, served, found)
    return found


def without_answer(document):
    names = ("_id", "user", "time", "history", "previous", "previous_reward", "reward")
    return {name: document[name] for name in names if name in document}


def users_are(world, served, recommendations):
    found = world.documents("users")
    wanted = oracle.users(served)
    for user in found.values():
        last = user["last"]
        shown = recommendations[last["id"]]
        assert (last.pop("items"), last.pop("source")) == (shown["items"], shown["source"])
        assert user.pop("rev") >= 0
    same_documents(found, wanted)


# ---------------------------------------------------------------------------- all of it

def everything(world, answer=None, epoch=1):
    """All four daemons against the log that the topic holds, once they have settled."""
    world.settle()
    partitions = world.rows()
    archive_is(world, partitions, epoch)
    late_are(world, partitions, epoch)
    eventually(lambda: windows_are(world, partitions, epoch), 20)
    eventually(lambda: recommendations_are(world, partitions, answer=answer), 20)
    sums_hold(world, partitions)


def sums_hold(world, partitions):
    """Rows of the topic = archived + bad; archived = counted + late."""
    found = verdicts(world.rules, partitions)
    archived = world.mongo["events"].count_documents({})
    assert len(flat(partitions)) == archived + len(found["bad"])
    assert archived == len(found["counted"]) + len(world.read("late"))
