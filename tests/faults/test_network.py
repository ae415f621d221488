"""Links that are slow, silent, cut or reset between the programs and their servers: the results are those of the
log alone."""
import json
import re

import pytest

import agree
import logs
from proxy import Proxy
from stream import Stream
from weir import DONE, eventually

STOP_S = 30    # TimeoutStopSec of the units


@pytest.fixture
def links():
    """make(target) -> a new Proxy; all are ended after the test."""
    made = []

    def make(target):
        made.append(Proxy(target))
        return made[-1]

    yield make
    for proxy in made:
        proxy.end()


@pytest.fixture
def broker(links, stack):
    return links(stack.kafka)


@pytest.fixture
def mongo(links, stack):
    return links(re.search(r"//([^/]*)/", stack.mongo)[1])


@pytest.fixture
def redis(links, stack):
    return links(stack.redis)


def behind(world, kafka=None, mongo=None, redis=None):
    """The programs of this world reach these servers through a proxy; the test itself does not."""
    if kafka:
        world.settings["kafka.bootstrap.servers"] = kafka.address
    if mongo:
        world.settings["mongo.uri"] = re.sub(r"//[^/]*/", f"//{mongo.address}/", world.stack.mongo)
    if redis:
        world.settings["redis.address"] = redis.address
    return world


def sent(world, n):
    assert len(world.read("events")) >= n


# ---------------------------------------------------------------------------- Kafka

def test_08_slow_and_half_open_links_to_the_broker(worlds, broker, service, tmp_path):
    """Slow at first; then the servers' ends close, then all connections fall silent for ever."""
    world = behind(worlds(partitions=3, idle=15_000), kafka=broker)
    world.settings["kafka.socket.timeout.ms"] = 4000
    s = Stream(world, tmp_path, service.url, 201, n=3000, rate=600)
    broker.latency, broker.rate = 0.03, 200_000
    eventually(lambda: sent(world, 600))
    broker.latency = broker.rate = 0
    broker.half_close()
    eventually(lambda: sent(world, 1200))
    before = broker.broken
    broker.strand()
    assert broker.broken - before >= len(s.everybody)
    s.verify()


def test_10_messages_that_time_out_are_sent_again(worlds, broker, tmp_path):
    """The broker is silent for longer than a message may take: the transaction is aborted and sent again. (Silent while it
    is asked to commit, nobody would know the outcome: that is a replay to be started again.)"""
    world = behind(worlds(partitions=3), kafka=broker)
    rows = logs.rows_of(logs.make(210, 2000))
    replay = world.start("replay", logs.write(tmp_path / "log.csv", rows), "--rate", 1000)
    eventually(lambda: sent(world, 300))
    broker.stall_at = is_produce
    eventually(lambda: complains(replay), 30)
    broker.stall(False)
    assert replay.wait() == DONE
    agree.topic_is(world, rows)


def is_produce(request):
    """Its length, then its number."""
    return request[4:6] == b"\0\0"


def complains(program):
    assert "event=abort" in program.log


def test_14_mongo_slower_than_the_longest_poll(worlds, mongo):
    """Two instances lose their partitions while they wait for MongoDB; once it is quick again all is there, once."""
    world = behind(worlds(partitions=4), mongo=mongo)
    world.create_events()
    slow = {"group.session.timeout": "1s", "kafka.max.poll.interval.ms": 2000, "mongo.timeout": "10s"}
    archives = [world.run("archive", instance=which, **slow) for which in (0, 1)]
    world.begun("archive")
    before = rebalances(archives)
    mongo.latency = 2    # twice the longest poll, there and back
    world.produce_rows(logs.rows_of(logs.make(214, 3000)))
    eventually(lambda: thrown_out(archives, before))
    mongo.latency = 0
    world.settle("archive")
    agree.archive_is(world, world.rows())
    assert all(archive.running for archive in archives)


def rebalances(programs):
    return [program.total("weir_rebalances_total") for program in programs]


def thrown_out(programs, before):
    assert all(now > then for now, then in zip(rebalances(programs), before))


def test_39_sigterm_while_redis_is_silent(worlds, redis, service, tmp_path):
    """Whoever waits for an answer leaves in time all the same, and his successor shows what he could not."""
    world = behind(worlds(partitions=3, idle=15_000), redis=redis)
    s = Stream(world, tmp_path, service.url, 239, n=3000, rate=600, plans={})
    eventually(lambda: sent(world, 1000))
    redis.stall()
    rank, recommend = (s.programs[name][0] for name in ("rank", "recommend"))
    eventually(lambda: waits(rank))
    assert [program.stop(STOP_S) for program in (rank, recommend)] == [DONE] * 2
    redis.stall(False)
    for name in ("rank", "recommend"):
        s.programs[name] = [world.start(name, instance=0, supervised=True)]
    s.verify()


def waits(rank):
    assert rank.total("weir_retries_total") > 0


# ---------------------------------------------------------------------------- answers cut at every byte

INSERT_EVENTS = b"insert\x00\x07\x00\x00\x00events\x00"
SHOW_WINDOW = b"\r\nEVALSHA\r\n"
EVERY = pytest.param(250, marks=[pytest.mark.long, pytest.mark.timeout(1800)], id="every")


def places(length, most):
    """-> where to cut an answer of this length: `most` numbers below it, its first and last ones among them."""
    step = -(-length // most)
    return sorted({*range(0, length, step), length - 1})


def at_least(found, n):
    assert len(found) >= n, f"{len(found)} of {n}"


def cut(proxy, request, every, within):
    """Each of the cuts, in a row of those without; waits until all are made."""
    proxy.cut_answers(request, every)
    wanted = [k for k in every if k is not None]
    eventually(lambda: at_least(proxy.made, len(wanted)), within)
    assert proxy.made == wanted


@pytest.mark.parametrize("most", [pytest.param(6, id="some"), EVERY])
def test_23_an_answer_of_mongo_is_cut(worlds, mongo, tmp_path, most):
    """The batch is applied, its answer is lost; then the answer that all of it is there already is lost, too."""
    world = behind(worlds(partitions=3), mongo=mongo)
    log = logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(223, 20_000)))
    archive = world.run("archive", batch__rows=20, batch__interval="20ms")
    mongo.cut_answers(INSERT_EVENTS)
    replay = world.start("replay", log, "--rate", 60, "--loop", 0)
    eventually(lambda: at_least(mongo.lengths, 5))
    whole = min(mongo.lengths)
    cut(mongo, INSERT_EVENTS, [word for k in places(whole, most) for word in (k, None)], 900)
    again = max(mongo.lengths)
    assert again > whole, "no answer told of duplicates"
    cut(mongo, INSERT_EVENTS, [word for k in places(again, most // 2) for word in (whole // 2, k, None)], 900)
    assert replay.stop() == DONE
    world.settle("archive", within=300)
    agree.archive_is(world, world.rows())
    assert archive.total("weir_duplicates_total") >= len(mongo.made)
    assert archive.total("weir_conflicts_total") == 0


def test_29_an_answer_of_redis_is_cut(worlds, redis, tmp_path):
    """At every byte of it. What readers find is whole at any time, and right in the end."""
    world = behind(worlds(partitions=3), redis=redis)
    world.create_events()
    world.run("count", batch__interval="20ms")
    rank = world.run("rank")
    redis.cut_answers(SHOW_WINDOW)
    replay = world.start("replay", logs.write(tmp_path / "log.csv", logs.rows_of(logs.in_order(229, 20_000))),
                         "--rate", 500, "--loop", 0)
    eventually(lambda: at_least(redis.lengths, 5))
    before = rank.total("weir_retries_total")
    every = [word for k in range(min(redis.lengths)) for word in (k, None)]
    redis.cut_answers(SHOW_WINDOW, every)
    eventually(lambda: whole_at_any_time(world, redis, len(every) // 2), every=0.01)
    assert rank.total("weir_retries_total") - before >= len(redis.made)
    assert replay.stop() == DONE
    world.settle("count", "rank")
    agree.windows_are(world, world.rows())


def whole_at_any_time(world, redis, n):
    hot = world.hot()
    if end := agree.current_end(hot):
        ranking = json.loads(hot["hash"]["ranking"])
        if not (hot["order"] == [item for item, _ in ranking] and dict(hot["items"]) == dict(ranking)
                and hot["versions"][str(end)] == f"1:{hot['hash']['version']}"
                and json.loads(hot["history"][str(end)])["ranking"] == ranking):
            pytest.fail(f"readers find half of a window: {hot}")
    at_least(redis.made, n)


# ---------------------------------------------------------------------------- all of them at once

@pytest.mark.parametrize("n", [3000, pytest.param(60_000, id="long", marks=[
    pytest.mark.long, pytest.mark.timeout(900)])])
def test_40_bad_links_everywhere(worlds, broker, mongo, redis, service, tmp_path, n):
    """Every link is slow, narrow and breaks again and again."""
    world = behind(worlds(partitions=3, idle=6000), broker, mongo, redis)
    s = Stream(world, tmp_path, service.url, 240, n=n, rate=600)
    for proxy, fragile in ((broker, 200), (mongo, 60), (redis, 20)):
        proxy.latency, proxy.rate, proxy.fragile = 0.002, 500_000, fragile
    assert s.replay.wait(60 + n // 100) == DONE
    s.verify()
    assert min(proxy.broken for proxy in (broker, mongo, redis)) > 2
