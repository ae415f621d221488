"""Records that come twice, too late, from other times, or broken: each has the effect that the log decides, and no
other."""
import gzip
import json
import random
import re
import time
from collections import Counter

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

import agree
import logs
import oracle
import service as inference
from weir import DONE, eventually

ROW = b"u%d,i%d,c,pv,%d"


# ---------------------------------------------------------------------------- twice, out of order

def stored(world):
    """All that the daemons have made, but for when."""
    hot = world.hot()
    for name in ("updated_at", "published_at", "version"):
        hot["hash"].pop(name, None)
    return {name: world.documents(name) for name in ("events", "consumed", "recommendations", "users")} | {
        "items": hot["items"], "order": hot["order"], "history": hot["history"]}


def test_17_a_log_comes_twice(worlds, service, tmp_path):
    """The same job again does nothing, killed or not. As another job its rows are other events: the clock makes those
    behind it late, each pair is kept once, and all is as the longer log says."""
    world = worlds(partitions=3, idle=3000)
    world.settings["infer.url"] = service.url
    rows = logs.rows_of(logs.in_order(317, 1500))
    log = logs.write(tmp_path / "log.csv", rows)
    world.create_events()
    world.run_all()
    replay = world.start("replay", log, "--rate", 400, supervised=True)
    eventually(lambda: sent(world, 300))
    replay.kill()
    assert replay.wait() == DONE and -9 in replay.statuses
    agree.topic_is(world, rows)
    agree.everything(world, answer=inference.answer)
    once = stored(world)
    world.replay(log)
    agree.topic_is(world, rows)
    assert stored(world) == once

    cuts = {p: [oracle.idle_cut(part, world.rules.interval, world.rules.delay, world.rules.lateness)]
            for p, part in world.rows().items()}    # all partitions have fallen idle
    world.replay(log, "--job", "another")
    world.settle()
    agree.archive_is(world, world.rows())
    assert world.documents("consumed") == once["consumed"]
    assert len(agree.late_are(world, world.rows())) > 1000
    eventually(lambda: agree.windows_are(world, world.rows()), 20)
    agree.recommendations_are(world, world.rows(), answer=inference.answer, cuts=cuts)


def sent(world, n):
    assert len(world.read("events")) >= n


def test_18_disorder_within_the_bound_is_no_disorder(worlds):
    """A shuffled log makes the windows of the sorted one; what is beyond the bound is late, and nothing else is."""
    lines = logs.in_order(318, 3000)
    rnd = random.Random(318)
    shuffled = sorted(lines, key=lambda line: line.time + rnd.uniform(0, 100))
    behind = [line._replace(time=line.time - 2000, item="late") for line in lines[2500::10]]
    made = []
    for rows in (lines, shuffled, shuffled + behind):
        world = worlds(partitions=3)
        world.create_events()
        world.produce_rows(logs.rows_of(rows))
        world.run_all("count", "rank")
        made.append(world)
    histories = [windows_of(world) for world in made]
    assert histories[0] == histories[1] == histories[2] and len(histories[0]) > 100
    late = [agree.late_are(world, world.rows()) for world in made]
    assert [len(rows) for rows in late] == [0, 0, len(behind)]
    assert Counter(late[2].values()) == Counter(logs.rows_of(behind))


def windows_of(world):
    world.settle("count", "rank")
    eventually(lambda: agree.windows_are(world, world.rows()))
    found = map(json.loads, world.hot()["history"].values())
    return {window["window_end"]: window["ranking"] for window in found if window["events"]}


# ---------------------------------------------------------------------------- other times

def clocks(world):
    """-> {partition: clock} that weir-count has committed."""
    found = {p: re.search(r"clock=(-?\d+)", metadata) for p, (_, metadata) in world.committed("count").items()}
    return {p: int(clock[1]) for p, clock in found.items() if clock}


@pytest.mark.parametrize("kind", ["create", "append"])
def test_19_times_from_elsewhere(worlds, kind):
    """They are bad rows and move no clock. Those that are possible do: 2040 is, in a log of that time."""
    rules = {"max_ahead": 60_000} if kind == "append" else {}
    world = worlds(partitions=1, idle=60_000, **rules)
    world.settings |= {"topics.time": kind, "record.max.ahead": "60s"}
    programs = world.run_all("archive", "count")
    start = int(time.time()) if kind == "append" else logs.START_S
    odd = [0, -1, -start, 1, start * 1000, start * 1_000_000, 2**63 - 1, -2**63, 2**63 // 1000, 2**64 + start,
           4_102_444_801, 631_151_999]
    seen = []
    for step in range(20):
        produce(world, [ROW % (step, step, start + step - 20)])
        produce(world, [ROW % (step, step, at) for at in odd])
        world.settle("archive", "count")
        seen.append(clocks(world)[0])
    assert seen == [1000 * (start + step - 20) for step in range(20)], "a clock that follows the good rows alone"
    produce(world, [ROW % (1, 1, 2_208_988_800), ROW % (1, 1, start)])    # 2040
    world.settle("archive", "count")
    far = kind == "create"
    assert clocks(world)[0] == (2_208_988_800_000 if far else 1000 * start)
    rows = world.rows()
    assert sum(row.event is None for row in rows[0]) == 20 * len(odd) + (not far)
    agree.archive_is(world, rows)
    agree.late_are(world, rows)
    assert {reason for reason, _ in agree.dead_letters(world).values()} == \
        ({"range", "time"} if far else {"range", "time", "ahead"})
    assert all(program.running for program in programs)


def produce(world, rows):
    """Whatever their times are, the records are of now."""
    world.produce([(0, 0, b"u", row) for row in rows])


def test_19_live_traffic(worlds):
    """The broker's clock judges: what is more than max.ahead before it is bad, for everybody."""
    world = worlds(partitions=1, max_ahead=60_000)
    world.settings.update({"topics.time": "append", "record.max.ahead": "60s"})
    world.run_all("archive", "count")
    now = int(time.time())
    row = lambda ahead: b"u,i,c,pv,%d" % (now + ahead)
    world.produce([(0, 10**12, b"u", row(ahead)) for ahead in (-100, 0, 30, 3600, 86_400, 10)])
    world.settle("archive", "count")
    rows = world.rows()
    assert [bool(r.event) for r in rows[0]] == [True, True, True, False, False, True]
    agree.archive_is(world, rows)
    assert [reason for reason, _ in agree.dead_letters(world).values()] == ["ahead"] * 2


# ---------------------------------------------------------------------------- poison

MARK = b"\xef\xbb\xbf"
HUGE = [b"h" * 10_000_000, b"1,2," + b"\x00" * 10_000_000 + b",pv,1511539200", b"\xff" * 70_000, MARK, MARK + b"\r",
        b"1,2,3,pv," + MARK + b"1511539200", b"\x00", b"\\N,\\N,\\N,\\N,\\N", b"," * 70_000]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_20_poison_in_a_file(world, tmp_path, packed):
    """A mark at the start, CR LF, no last newline, rows of 10 MB and all other bad ones: each is a dead letter with its
    line, all others are sent."""
    rows = logs.spoiled(logs.rows_of(logs.in_order(320, 400)), 320)
    rows = logs.spoiled(rows, 321, [("", row) for row in HUGE])
    rows[0] = logs.rows_of(logs.in_order(322, 1))[0]
    text = MARK + b"\r\n".join(rows)
    path = tmp_path / ("log.csv.gz" if packed else "log.csv")
    path.write_bytes(gzip.compress(text, 1) if packed else text)
    world.replay(path)
    agree.topic_is(world, rows)
    bad = {line: row for line, row in enumerate(rows, 1) if oracle.decode(row, world.rules.form) is None}
    found = {int(key.rsplit(":", 1)[1]): raw for key, (_, raw) in agree.dead_letters(world).items()}
    assert found.keys() == bad.keys() and len(bad) >= len(HUGE) + len(logs.BAD_ROWS)
    assert all(row.startswith(raw) and len(raw) >= min(len(row), oracle.ROW_BYTES) for row, raw in
               ((bad[line] + b"\r", raw) for line, raw in found.items()))


def test_20_poison_in_the_topic(worlds, service):
    """The same in records, alone and among good rows: no daemon stops, and all agree with the reference."""
    world = worlds(partitions=1)
    world.settings["infer.url"] = service.url
    world.create_events()
    good = logs.rows_of(logs.make(323, 600))
    poison = [row[:300_000] for row in HUGE] + [row for _, row in logs.BAD_ROWS]
    world.produce_rows(logs.spoiled(good, 324, [("", row) for row in poison]))
    world.produce([(0, 10**12, b"k", b"\n".join([good[n], row, good[-n]])) for n, row in enumerate(poison)])
    programs = world.run_all()
    agree.everything(world, answer=inference.answer)
    dead = Counter(raw for _, raw in agree.dead_letters(world).values())
    assert dead == Counter(row.raw[:oracle.ROW_BYTES] for row in agree.flat(world.rows()) if row.event is None)
    assert all(program.running for program in programs)


def test_21_odd_records(worlds, service):
    """No value, no key, no bytes, headers, and more bytes or rows than any other record has."""
    world = worlds(partitions=1)
    world.settings["infer.url"] = service.url
    world.create_events()
    allow(world, 8_000_000)
    many = b"\n".join(b"u%d,i%d,%s,pv,%d" % (n % 50, n % 999, b"c" * 300, logs.START_S) for n in range(8_000))
    long = b"\n".join([ROW % (7, 7, logs.START_S + 30), b"x" * 6_000_000, ROW % (8, 8, logs.START_S + 31)])
    producer = Producer({**world.stack.client, "message.max.bytes": 8_000_000})
    failed = []
    for value in (None, b"", b"\n", b"\r\n", ROW % (1, 1, logs.START_S), many, long):
        for key in (None, b"", b"k" * 5000):
            for headers in (None, [("", b""), ("h", None), ("h" * 300, b"\x00" * 5000)]):
                if value in (many, long) and (key is not None or headers):
                    continue
                producer.produce(world.topic("events"), value, key, 0, headers=headers, timestamp=10**12,
                                 on_delivery=lambda error, _: error and failed.append(error))
    assert producer.flush(60) == 0 and not failed
    programs = world.run_all()
    agree.everything(world, answer=inference.answer)
    assert len(world.rows()[0]) == 5 * 6 + 8_000 + 3
    assert all(program.running for program in programs)


def allow(world, n):
    """A topic that takes larger records than its maker wished."""
    topic = ConfigResource(ResourceType.TOPIC, world.topic("events"), incremental_configs=[
        ConfigEntry("max.message.bytes", str(n), incremental_operation=AlterConfigOpType.SET)])
    [done] = world.stack.admin.incremental_alter_configs([topic]).values()
    done.result(30)


# ---------------------------------------------------------------------------- somebody else's documents

def test_24_other_content_under_our_ids(worlds):
    """Documents of somebody else under the ids of events to come: each is counted and told, none is overwritten."""
    world = worlds(partitions=2)
    world.create_events()
    first = world.run("archive")
    world.begun("archive")
    world.produce_rows(logs.rows_of(logs.in_order(324, 500)))
    world.settle("archive")
    assert first.stop() == DONE
    before = world.documents("events").keys()
    world.produce_rows(logs.rows_of(logs.in_order(325, 500)))
    events, _ = oracle.archive(agree.flat(world.rows()), 1)
    ids = sorted(events.keys() - before)
    foreign = [{**events[id], "item": "other"} for id in ids[::50]] + [{"_id": id} for id in ids[1::100]]
    world.mongo["events"].insert_many(foreign)
    archive = world.run("archive", batch__rows=20)
    world.settle("archive")
    assert archive.total("weir_conflicts_total") == len(foreign)
    assert "event=conflict" in archive.log
    stored = world.documents("events")
    assert stored == {**events, **{document["_id"]: document for document in foreign}}
