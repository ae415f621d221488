"""weir-count and weir-rank: every window of the log, exactly; every late row told, once."""
import base64
import json

import pytest
from confluent_kafka.admin import NewPartitions

import agree
import logs
from weir import DONE, REFUSED, eventually


def rank_is_exact(world, within=20):
    """Everything counted and published equals the oracle; -> the rows by partition."""
    world.settle("count")
    rows = world.rows()
    eventually(lambda: agree.windows_are(world, rows), within)
    world.settle("rank")
    agree.windows_are(world, rows)
    agree.late_are(world, rows)
    return rows


@pytest.mark.parametrize("partitions, instances", [
    (1, 1), (3, 1), (4, 1), (1, 3), (3, 3), (4, 3)])
def test_every_window_is_exact(worlds, partitions, instances):
    world = worlds(partitions=partitions)
    world.create_events()
    world.produce_rows(logs.spoiled(logs.rows_of(logs.make(10 + partitions, 3000)), 1))
    counts = world.run_all("count", instances=instances)
    world.run_all("rank", instances=instances)
    rows = rank_is_exact(world)
    found = agree.verdicts(world.rules, rows)
    assert len(found["late"]) > 10
    read, late, bad = (sum(c.total(f"weir_rows_{name}_total") for c in counts)
                       for name in ("in", "late", "bad"))
    assert (read, late, bad) == (sum(map(len, found.values())), len(found["late"]),
                                 len(found["bad"]))


def test_late_rows_keep_their_bytes(worlds):
    world = worlds(partitions=1)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.make(20, 800, beyond=0.1)))
    world.run_all("count")
    world.settle("count")
    wanted = agree.late_are(world, world.rows())
    for message in world.read("late"):
        letter = json.loads(message.value)
        assert letter["source"] == message.key.decode()
        assert base64.b64decode(letter["base64"]) == wanted[letter["source"]]
        assert letter["reason"] == "late" and letter["time"] < letter["clock"]


def test_quiet_partitions_hold_nobody_back(worlds):
    """One partition without any row, one that falls asleep after a third of the log."""
    world = worlds(partitions=4)
    world.create_events()
    awake = logs.quiet_partitions(4, silent=[2], asleep=[1])
    world.produce_rows(logs.rows_of(logs.make(21, 2000, awake=awake)))
    world.run_all("count", "rank")
    assert not rank_is_exact(world).get(2)


def test_rows_behind_correct_windows_that_were_shown(worlds):
    world = worlds(partitions=3)
    world.create_events()
    world.run_all("count", "rank")
    lines = logs.in_order(22, 1500)
    world.produce_rows(logs.rows_of(lines))
    before = rank_is_exact(world)
    shown = world.hot()
    newest = max(line.time for line in lines)
    behind = [line._replace(user=user, item="late", time=newest - 70 - n)
              for n, line in enumerate(lines[:30]) for user in ("anna", "Bob", "101")]
    world.produce_rows(logs.rows_of(behind))
    after = rank_is_exact(world)
    assert sum(map(len, after.values())) == sum(map(len, before.values())) + 90
    corrected = world.hot()
    assert corrected["hash"]["window_end"] == shown["hash"]["window_end"]
    assert int(corrected["hash"]["version"]) > int(shown["hash"]["version"])
    assert corrected["order"][0] == "late" != shown["order"][0]


def test_weights(worlds):
    world = worlds(partitions=3)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.make(23, 1500)))
    world.run("count", weight__behaviors="pv:0,buy:5,cart:2", weight__default=3)
    world.run("rank")
    world.settle("count")
    rows, weights = world.rows(), {"pv": 0, "buy": 5, "cart": 2}
    eventually(lambda: agree.windows_are(world, rows, weights=weights, default=3), 20)


def test_a_window_without_events_is_shown_empty(worlds):
    world = worlds(partitions=1, idle=60_000)
    world.create_events()
    world.run_all("count", "rank")
    row = b"u,i,c,pv,%d"
    ends_at = lambda end: eventually(lambda: same_end(end))

    def same_end(end):
        assert agree.current_end(world.hot()) == end

    start = 1_511_539_200
    world.produce_rows([row % start, row % (start + 130)])
    ends_at((start + 120) * 1000)
    assert world.hot()["order"] == ["i"]
    world.produce_rows([row % (start + 3610)])    # an hour later: windows are empty
    ends_at((start + 3600) * 1000)
    hot = world.hot()
    assert hot["order"] == [] and hot["items"] == [] and hot["hash"]["ranking"] == "[]"
    assert (hot["hash"]["n"], hot["hash"]["events"]) == ("0", "0")


def test_history_is_bounded(worlds):
    world = worlds(partitions=3, history=5)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.make(24, 1500)))
    world.run_all("count", "rank")
    rank_is_exact(world)
    hot = world.hot()
    assert len(hot["history"]) == len(hot["versions"]) == 5


def test_an_emptied_redis_is_filled_again(worlds):
    world = worlds(partitions=3)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.make(25, 1500)))
    world.run_all("count", "rank")
    rank_is_exact(world)
    before = world.hot()
    world.redis.delete(*world.redis.keys(world.key.replace("{", "\\{") + "*"))

    def back():
        after = world.hot()
        same = ("window_start", "window_end", "events", "ranking", "version", "complete", "n")
        assert {name: after["hash"].get(name) for name in same} == \
            {name: before["hash"][name] for name in same}
        assert (after["items"], after["order"]) == (before["items"], before["order"])
        frozen = agree.current_end(before) - world.rules.lateness
        unfrozen = {end for end in before["history"] if int(end) > frozen}
        assert unfrozen <= after["history"].keys()
        for end, text in after["history"].items():
            assert json.loads(text)["ranking"] == json.loads(before["history"][end])["ranking"]

    eventually(back, 30)


def test_a_restart_repeats_nothing(worlds):
    world = worlds(partitions=3)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.make(26, 1500)))
    first = world.run_all("count", "rank")
    rank_is_exact(world)
    version = world.hot()["hash"]["version"]
    assert [program.stop() for program in first] == [DONE, DONE]
    count, _ = world.run_all("count", "rank")
    rank_is_exact(world)
    assert count.total("weir_rows_in_total") == 0
    assert world.hot()["hash"]["version"] == version
    world.produce_rows(logs.rows_of(logs.make(27, 500)))
    rank_is_exact(world)


def test_partitions_may_be_added(worlds):
    world = worlds(partitions=3)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.in_order(28, 800)))
    programs = world.run_all("count", "rank")
    rank_is_exact(world)
    assert [program.stop() for program in programs] == [DONE, DONE]
    topic = world.topic("events")
    world.stack.admin.create_partitions([NewPartitions(topic, 5)])[topic].result(30)
    object.__setattr__(world.rules, "partitions", 5)
    later = [line._replace(time=line.time + 7200) for line in logs.in_order(29, 800)]
    world.produce_rows(logs.rows_of(later))
    world.run_all("count", "rank")
    assert len(rank_is_exact(world)) == 5


@pytest.mark.parametrize("name, options", [
    ("weblog.csv.gz", []), ("serenade-test.csv.gz", ["--sort"])])
def test_real_logs(worlds, real_logs, name, options):
    world = worlds(partitions=4, size=3_600_000, slide=300_000, lateness=600_000, n=100)
    world.replay(real_logs / name, *options)
    world.run_all("count", "rank", instances=2)
    rows = rank_is_exact(world)
    sent, dead = sum(map(len, rows.values())), len(world.read("dead"))
    assert sent + dead == len(logs.read(real_logs / name)) and dead < 2
    assert not agree.verdicts(world.rules, rows)["late"]


def test_another_lateness_than_that_of_rank_is_refused(world):
    """A row late for one of the two and not for the other would be in no window and in no list of late rows."""
    world.create_events()
    world.run("rank", time__lateness="5min")
    world.produce_rows(logs.rows_of(logs.make(94, 100)))
    count = world.start("count")
    assert count.wait() == REFUSED
    assert "a time.lateness of 300000 ms, here it is 120000" in count.log
