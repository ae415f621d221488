"""Ids that mean something to one of the systems on their way are plain data to all of them."""
import json

import pytest

import agree
import logs
import oracle
import service as inference
from weir import CONSUMERS

IDS = [
    "$gt", "$where", '{"$gt":""}', "a.b", ".", "..", "$", "_id", "users.$[]", "0.items",            # MongoDB
    "../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "C:\\x", "~", "a/b//c", "%2e%2e%2f",    # paths
    "*3$6 FLUSHALL", "$6", "+OK", "-ERR x", ":1", "{weir:popular}", "{}", "*", "EVAL", "FLUSHALL",   # Redis
    "]]--", "[[", "redis.call('FLUSHALL')", "'..x..'", "--", "return 1", "KEYS[1]", "nil",           # Lua
    "'", '"', '\\"', "\\", "\\n", "\\u0000", "`id`", "$(id)", "; rm -rf /", "|", "&", "<b>", "a=b",  # quoting
    "%s%n%x", "%", "${HOME}", "null", "true", "NaN", "-0", "1e5", "0x10", "[]", "[1]", '["a",1]',    # numbers, JSON
    "1:0:0:0", "a:b", "=", "#", "!", "?", " ", "  x  ", "é", "e\u0301", "ß", "\u202egnp", "\ufeffx",  # Unicode
    "\u200b", "😀", "\U0010ffff", "\ufffd", "İ", "ſ", "x" * 256, "😀" * 64, "__proto__", "constructor",
]

WITH_CONTROLS = ["a\x00b", "*1\r$8\rFLUSHALL\r", "\x1f", "a\x1fb", "\x7f", "\x80", "\x9f", "\u0085", "\x1b[2J"]


def lines(ids, seed):
    """Every id as user, item and category, more than once, among ordinary rows."""
    odd = [logs.Line(user, item, category, "pv", logs.START_S + step * 7)
           for turn in range(3)
           for step, (user, item, category) in enumerate(
               zip(ids, ids[turn + 1:] + ids[:turn + 1], ids[::-1], strict=True), turn * len(ids))]
    return sorted(odd + logs.in_order(seed, 200, seconds=1500), key=lambda line: line.time)


def as_json(line):
    return json.dumps(line._asdict(), ensure_ascii=False).encode()


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_strange_ids_are_plain_data(worlds, service, tmp_path, kind):
    """From the file through everything, and read back equal."""
    separator = "\t" if kind == "csv" else ","
    world = worlds(partitions=3, kind=kind, n=200, separator="\\t" if kind == "csv" else ",")
    world.settings["infer.url"] = service.url
    good = lines(IDS, 431)
    bad = [good[0]._replace(user=f"bad{id}") for id in WITH_CONTROLS]
    bad += [good[0]._replace(item=f"bad{id}") for id in WITH_CONTROLS]
    rows = [as_json(line) if kind == "json" else line.row(separator=separator) for line in good + bad]
    finished = world.replay(logs.write(tmp_path / "log", rows))
    assert f" sent={len(good)} " in finished.log and f" bad={len(bad)} " in finished.log
    for daemon in CONSUMERS:
        world.run(daemon)
    agree.topic_is(world, rows)
    agree.everything(world, answer=inference.answer)
    events = world.documents("events").values()
    for name in ("user", "item", "category"):
        assert set(IDS) <= {event[name] for event in events}
    assert set(IDS) <= world.documents("users").keys()
    assert set(IDS) <= {item for window in world.hot()["history"].values()
                        for item, _ in json.loads(window)["ranking"]}
