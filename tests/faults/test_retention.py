"""Records that were not read yet are deleted under the daemons: they say exactly which, and go no further."""
import re
import signal

import pytest
from confluent_kafka import Consumer, TopicPartition

import agree
import logs
from weir import CONSUMERS, DONE, REFUSED, eventually


def delete_below(world, which, partition, offset):
    asked = TopicPartition(world.topic(which), partition, offset)
    [done] = world.stack.admin.delete_records([asked]).values()
    assert done.result(30).low_watermark == offset


def lost(world, program):
    """-> {(topic, partition): (first, last)} as a daemon has reported it."""
    found = re.findall(r"event=lost topic=(\S+) partition=(\d+) first=(\d+) last=(\d+)", program.log)
    prefix = len(world.name) + 1
    return {(topic[prefix:], int(p)): (int(first), int(last)) for topic, p, first, last in found}


@pytest.fixture
def behind(worlds, service, tmp_path):
    """-> (world, what each group has committed): all daemons have left, then more rows came."""
    world = worlds(partitions=3)
    world.settings["infer.url"] = service.url
    lines = logs.make(15, 3000)
    world.replay(logs.write(tmp_path / "first.csv", logs.rows_of(lines[:1500])))
    programs = world.run_all()
    world.settle()
    assert [program.stop() for program in programs] == [DONE] * 4
    world.replay(logs.write(tmp_path / "second.csv", logs.rows_of(lines[1500:])))
    return world, {name: world.committed(name) for name in CONSUMERS if name != "rank"}


def test_15_what_was_deleted_is_reported_exactly(behind):
    """Two of three partitions have lost records, with as much in between as was deleted and not read."""
    world, committed = behind
    gaps = {}
    for partition, share in ((0, 0.5), (2, 0.9)):
        first = committed["archive"][partition][0]
        end = [m.offset for m in world.read("events") if m.partition == partition][-1]
        gaps[partition] = first + int(share * (end - first))
        delete_below(world, "events", partition, gaps[partition])
    for name, positions in committed.items():
        program = world.start(name)
        assert program.wait() == REFUSED
        assert lost(world, program) == {
            ("events", p): (positions[p][0], low - 1) for p, low in gaps.items()}
        assert "accept the loss with weir-reset" in program.log
        assert world.committed(name) == positions


def test_15_panes_that_were_deleted(behind):
    world, _ = behind
    [hold, _] = world.committed("rank", "panes")[0]
    count = world.run("count", limits__skew=1000)    # does not wait for weir-rank
    world.settle("count")
    assert count.stop() == DONE
    low = [m.offset for m in world.read("panes")][-1]
    delete_below(world, "panes", 0, low)
    rank = world.start("rank")
    assert rank.wait() == REFUSED
    assert lost(world, rank) == {("panes", 0): (hold, low - 1)}


def test_15_deleted_while_it_sleeps(worlds, tmp_path):
    """Frozen within its session, with rows in hand: they count as lost, too. Then the loss is accepted, and the
    archive is that of what is left."""
    world = worlds(partitions=1)
    world.settings["group.session.timeout"] = "30s"
    lines = logs.make(152, 2000)
    archive = world.run("archive", batch__interval="60s")
    world.replay(logs.write(tmp_path / "first.csv", logs.rows_of(lines[:1000])))
    eventually(lambda: read_all(archive, 1000))
    archive.signal(signal.SIGSTOP)
    world.replay(logs.write(tmp_path / "second.csv", logs.rows_of(lines[1000:])))
    delete_below(world, "events", 0, 1300)
    archive.signal(signal.SIGCONT)
    assert archive.wait() == REFUSED
    assert lost(world, archive) == {("events", 0): (0, 1299)}
    assert not world.documents("events")
    assert world.start("reset", "archive", "--yes").wait() == DONE
    world.run("archive")
    world.settle("archive")
    eventually(lambda: agree.archive_is(world, world.rows()))


def read_all(program, rows):
    assert program.total("weir_rows_in_total") == rows


def test_15_where_a_partition_begins_once_records_are_deleted(world):
    """A group that starts just then starts with the first record that is left, not behind the last."""
    world.create_events()
    times = {}
    for low in range(10, 400, 10):
        rows = [b"u,i,c,pv,%d" % (logs.START_S + low + n) for n in range(20)]
        world.produce((0, (logs.START_S + low + n) * 1000, b"u", row) for n, row in enumerate(rows))
        delete_below(world, "events", 0, low)
        times[low] = first_offset(world)
    assert all(found == low for low, found in times.items()), times


def first_offset(world):
    reader = Consumer({**world.stack.client, "group.id": "unused"})
    asked = [TopicPartition(world.topic("events"), 0, logs.START_S * 1000)]
    [found] = reader.offsets_for_times(asked, 10)
    reader.close()
    return found.offset
