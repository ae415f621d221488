"""Redis refuses, forgets, or has no room: every kind of error reply, and what readers see meanwhile.

The server is the test's own, so that it may be configured as no other test would like it."""
import os
import shutil
import signal
import subprocess
import time

import pytest
import redis

import outage
from stream import Stream
from weir import DONE, REFUSED, ROOT, eventually, free_port

RETRIED = ("READONLY", "OOM", "MISCONF", "LOADING")


class Server:
    """A Redis whose protected settings may be changed."""

    def __init__(self, folder, *options):
        self.folder, self.port = folder, free_port()
        self.up(*options)

    def up(self, *options):
        program = shutil.which("redis-server") or ROOT / ".weir/servers/redis-server"
        self.process = subprocess.Popen(
            [program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder,
             "--save", "", "--enable-protected-configs", "yes", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.client = redis.Redis(port=self.port, decode_responses=True)

    def down(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()

    def set(self, name, value):
        self.client.config_set(name, value)


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "redis"
    folder.mkdir()
    server = Server(folder)
    yield server
    server.down()


@pytest.fixture
def ranking(server, worlds, tmp_path):
    """start(seed, n) -> a stream with weir-count and weir-rank, whose ranking goes to the server."""
    def start(seed, n=4500, **more):
        world = worlds(partitions=3, idle=4000)
        world.settings["redis.address"] = f"127.0.0.1:{server.port}"
        world.redis.close()
        world.redis = redis.Redis(port=server.port, decode_responses=True)
        return Stream(world, tmp_path, "http://127.0.0.1:9", seed, n=n, rate=500, seconds=2 * n,
                      daemons=("count", "rank"), **more)
    return start


def rank_of(s):
    return s.programs["rank"][0]


def failures(program, code):
    return program.metrics().get(f'weir_redis_errors_total{{code="{code}"}}', 0)


def shows(program):
    """Waits until it has published something."""
    before = program.total("weir_windows_shown_total")

    def more():
        assert program.total("weir_windows_shown_total") > before
    eventually(more)


def ends_well(s):
    assert s.replay.wait() == DONE
    s.world.settle("count", "rank")
    rows = s.world.rows()
    eventually(lambda: outage.unfrozen_windows_are(s.world, rows), 30)
    s.nothing_crashed()


# ---------------------------------------------------------------------------- row 27: it forgets

def test_27_redis_comes_back_empty(ranking, server):
    """Killed and restarted, then emptied under our hands: the unfrozen windows come back, and readers never see a
    part of anything."""
    s = ranking(271)
    with outage.Reader(s.world) as reader:
        shows(rank_of(s))
        server.down()
        time.sleep(1)
        server.up()
        shows(rank_of(s))
        server.client.flushall()
        shows(rank_of(s))
        ends_well(s)
    assert reader.whole > 100 and reader.absent > 0


# ---------------------------------------------------------------------------- row 28: it refuses

def provoke(server, code):
    """Redis answers with this error from now on."""
    if code == "READONLY":
        server.client.replicaof("127.0.0.1", "9")
    elif code == "OOM":
        server.set("maxmemory", "1")
    elif code == "MISCONF":    # a name that no snapshot can be renamed to
        (server.folder / "taken").mkdir(exist_ok=True)
        (server.folder / "taken/by").touch()
        server.set("dbfilename", "taken")
        server.set("save", "3600 1")
        server.client.bgsave()
        eventually(lambda: saved(server, "err"))
    elif code == "LOADING":
        server.client.mset({f"filler-{n}": os.urandom(60) for n in range(3000)})
        server.client.save()
        server.down()
        server.up("--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")


def saved(server, status):
    assert server.client.info("persistence")["rdb_last_bgsave_status"] == status


def relieve(server, code):
    if code == "READONLY":
        server.client.replicaof("NO", "ONE")
    elif code == "OOM":
        server.set("maxmemory", "0")
    elif code == "MISCONF":
        server.set("save", "")
        server.set("dbfilename", "dump.rdb")


def test_28_errors_that_pass(ranking, server):
    """Each is counted by its code, and what could not be shown is shown later."""
    s = ranking(281)
    rank = rank_of(s)
    for code in RETRIED:
        shows(rank)
        provoke(server, code)
        eventually(lambda: refused_with(rank, code))
        relieve(server, code)
    shows(rank)
    assert not rank.statuses
    ends_well(s)


def refused_with(program, code):
    assert failures(program, code) > 0, program.metrics()


@pytest.mark.parametrize("code", ["NOAUTH", "WRONGTYPE"])
def test_28_errors_that_need_an_operator(ranking, server, code):
    s = ranking(282, n=1500)
    rank = rank_of(s)
    shows(rank)
    if code == "NOAUTH":
        server.set("requirepass", "x")
        server.client.client_kill_filter(_type="normal", skipme=True)
    else:
        pipe = server.client.pipeline()
        pipe.delete(s.world.key + ":history").set(s.world.key + ":history", "?").execute()
    assert rank.wait() == REFUSED
    [line] = [line for line in rank.log.splitlines() if "event=failed" in line]
    assert code in line and "see [redis]" in line
    server.set("requirepass", "")


# ---------------------------------------------------------------------------- row 32: it has no room

def rewritten(server):
    """What it held when its log began is in it; a full disk in the middle of that is not tried again for minutes."""
    info = server.client.info("persistence")
    assert info["aof_enabled"] and not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]


def test_32_redis_has_no_room(ranking, server, disk):
    """Its log of commands is on a full disk: nothing is committed that it does not hold."""
    small = disk(64)
    s = ranking(321, n=8000)
    rank = rank_of(s)
    shows(rank)
    server.set("dir", str(small.folder))
    server.set("appendonly", "yes")
    eventually(lambda: rewritten(server))
    small.fill()
    eventually(lambda: refused_with(rank, "MISCONF"))
    small.free()
    shows(rank)
    assert not rank.statuses
    ends_well(s)
