"""weir-archive: every good row once in `events`, every pair in `consumed`, bad rows dead letters."""
import signal
from collections import Counter

import pytest

import agree
import logs
import oracle
from weir import DONE, REFUSED


@pytest.fixture
def spoiled_world(worlds):
    """make(partitions) -> a world whose topic holds good rows and bad ones of every kind."""
    def make(partitions=4):
        world = worlds(partitions=partitions)
        world.create_events()
        world.produce_rows(logs.spoiled(logs.rows_of(logs.make(3, 1500)) + logs.GOOD_ROWS, 3))
        return world
    return make


@pytest.mark.parametrize("partitions, instances", [(1, 1), (3, 1), (4, 1), (1, 3), (4, 3)])
def test_archive_is_the_log(spoiled_world, partitions, instances):
    world = spoiled_world(partitions)
    archives = world.run_all("archive", instances=instances)
    world.settle("archive")
    rows = world.rows()
    agree.archive_is(world, rows)
    bad = {oracle.row_id(r, 1): r.raw for part in rows.values() for r in part if r.event is None}
    letters = agree.dead_letters(world)
    assert {key: raw for key, (_, raw) in letters.items()} == {
        key: raw[:oracle.ROW_BYTES] for key, raw in bad.items()}
    assert Counter(reason for reason, _ in letters.values()) == \
        Counter(reason for reason, _ in logs.BAD_ROWS)
    read, wrote, refused = (sum(a.total(f"weir_rows_{name}_total") for a in archives)
                            for name in ("in", "out", "bad"))
    assert read == sum(map(len, rows.values())) == wrote + refused
    assert refused == len(logs.BAD_ROWS)


def test_packed_records_and_odd_ones(worlds):
    """Several rows in a record, no key, no value, no bytes, a newline at the end or two."""
    world = worlds(partitions=1)
    world.create_events()
    row = b"1,2,3,pv,15115392%02d"
    values = [b"\n".join(row % n for n in range(40)), None, b"", row % 41 + b"\n",
              row % 42 + b"\n\n" + row % 43, b"\n", b"bad\n" + row % 44 + b"\nbad", row % 45 + b"\r\n"]
    world.produce([(0, 1_511_539_200_000, key, value) for value in values
                   for key in (None, b"", b"k")])
    world.run("archive")
    world.settle("archive")
    rows = world.rows()
    assert Counter(row.event is None for row in rows[0]) == {False: 3 * 45, True: 3 * 6}
    agree.archive_is(world, rows)
    assert len(agree.dead_letters(world)) == 3 * 6


@pytest.mark.parametrize("rules, row", [
    ({"columns": "time,item,-,user,shop", "separator": ";"},
     b"%(time)d;i%(item)d;zzz;u%(user)d;shop"),
    ({"columns": "item,user,time", "unit": "ms", "separator": "\\t"},
     b"i%(item)d\tu%(user)d\t%(time)d000"),
    ({"kind": "json", "columns": "user,item,behavior,time"},
     b'{"time": %(time)d, "item": %(item)d, "user": "u%(user)d", "behavior": "pv", "more": [{}]}'),
], ids=["order", "tabs", "json"])
def test_other_columns(worlds, rules, row):
    world = worlds(partitions=1, **rules)
    world.create_events()
    made = [row % {b"user": n % 5, b"item": n % 7, b"time": logs.START_S + n} for n in range(50)]
    world.produce([(0, logs.START_S * 1000, b"u", value) for value in [*made, b"{}", b"1"]])
    world.run("archive")
    world.settle("archive")
    rows = world.rows()
    assert sum(r.event is not None for r in rows[0]) == 50
    agree.archive_is(world, rows)


def test_indexes(spoiled_world):
    world = spoiled_world()
    world.run("archive")
    keys = lambda name: [dict(index["key"]) for index in world.mongo[name].list_indexes()]
    assert {"user": 1, "time": -1} in keys("events") and {"time": 1} in keys("events")
    assert {"user": 1, "last": -1} in keys("consumed")


def test_a_start_goes_on_where_the_last_one_ended(spoiled_world):
    world = spoiled_world()
    first = world.run("archive")
    world.settle("archive")
    assert first.stop() == DONE
    again = world.run("archive")
    world.produce_rows(logs.rows_of(logs.make(4, 300)))
    world.settle("archive")
    assert again.total("weir_rows_in_total") == 300
    agree.archive_is(world, world.rows())
    again.signal(signal.SIGINT)
    assert again.wait() == DONE


@pytest.mark.parametrize("start", ["latest", "2017-11-24T17:00:00Z"])
def test_a_group_may_begin_later(worlds, start):
    world = worlds(partitions=3)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.in_order(5, 900)))
    old = world.rows()
    archive = world.run("archive", group__start=start)
    world.begun("archive")
    world.produce_rows(logs.rows_of(logs.in_order(6, 300)))
    world.settle("archive")
    first = 1_511_542_800_000    # 17:00
    kept = lambda row: row not in old[row.partition] or \
        start != "latest" and row.event["time"] >= first
    rows = {p: [row for row in part if kept(row)] for p, part in world.rows().items()}
    agree.archive_is(world, rows)
    assert archive.total("weir_rows_in_total") == sum(map(len, rows.values()))


def test_a_group_that_lost_its_offsets_is_refused(spoiled_world):
    world = spoiled_world()
    first = world.run("archive")
    world.settle("archive")
    assert first.stop() == DONE
    group = f"{world.name}-archive"
    world.stack.admin.delete_consumer_groups([group])[group].result(30)
    second = world.start("archive")
    assert second.wait() == REFUSED
    assert "weir-reset archive" in second.log


def test_a_twin_is_refused(spoiled_world):
    world = spoiled_world()
    first = world.run("archive")
    twin = world.start("archive")
    assert twin.wait(20) == REFUSED and first.running
