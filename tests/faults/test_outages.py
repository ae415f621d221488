"""Each server is away for a while as everything streams. Nothing is lost, the results are those of the log, and what
it cost is written down: memory, and the time until work went on."""
import json
import signal
import time

import pytest

import agree
import outage
import service as inference
from weir import ROOT, eventually

RESULTS = ROOT / "build/results/outages.json"
RATE, AROUND_S = 500, 10    # of streaming before and after the outage
LONG_S = 60
MEMORY_MIB, WATCHDOG_S = 32, 60    # of the units
SHORT = pytest.param(5, id="short")
LONG = pytest.param(LONG_S, id="long", marks=[pytest.mark.long, pytest.mark.timeout(600)])
both_forms = pytest.mark.parametrize("seconds", [SHORT, LONG])


def streaming(stream, seed, seconds, idle_s=15, **more):
    """A log that reaches from before the outage to well behind it; a new window six times a second."""
    seconds_in_all = seconds + AROUND_S
    return stream(seed, n=RATE * seconds_in_all, rate=RATE, seconds=360 * seconds_in_all,
                  idle=1000 * (seconds + idle_s), **more)


def report(name, seconds, seed, found):
    print(f"\n{name} away for {seconds} s, seed {seed}")
    for program, figures in found.items():
        print(f"  {program:10} resumed after {figures['resumed_s']:5.2f} s, memory "
              f"{figures['grown_mib']:+6.1f} MiB, watchdog unfed for {figures['silent_s']:4.1f} s, "
              f"restarts {figures['restarts']}")
        assert figures["grown_mib"] <= MEMORY_MIB, program
        assert figures["silent_s"] < WATCHDOG_S / 2, program
    if seconds == LONG_S:
        write(name, {"seconds": seconds, "seed": seed, "programs": found})


def write(name, result):
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    every = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**every, name: result}, indent=1) + "\n")


def killed(servers, name):
    """-> how it is taken away, and how it comes back"""
    return lambda: servers.run("kill", name), lambda: servers.run("start", name)


@both_forms
def test_05_06_kafka_is_killed_and_away(stream, servers, seconds):
    """What the broker had not written to its disk is gone."""
    s = streaming(stream, 601, seconds)
    report("kafka", seconds, 601, outage.endure(s, *killed(servers, "kafka"), seconds))
    s.verify()


@both_forms
def test_05_22_mongo_is_killed_and_away(stream, servers, seconds):
    """Nothing is committed that is not stored."""
    s = streaming(stream, 602, seconds, idle_s=8)
    report("mongo", seconds, 602, outage.endure(s, *killed(servers, "mongo"), seconds))
    s.verify()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [LONG_S])
def test_27_redis_is_away_and_comes_back_empty(stream, servers, seconds):
    s = streaming(stream, 603, seconds, idle_s=8)
    report("redis", seconds, 603, outage.endure(s, *killed(servers, "redis"), seconds))
    s.world.settle()
    rows = s.world.rows()
    agree.archive_is(s.world, rows)
    agree.late_are(s.world, rows)
    eventually(lambda: agree.recommendations_are(s.world, rows, answer=inference.answer))
    eventually(lambda: outage.unfrozen_windows_are(s.world, rows))
    s.nothing_crashed()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [LONG_S])
def test_30_the_inference_service_is_away(stream, service, seconds):
    """Users are served from the hot list meanwhile."""
    s = streaming(stream, 604, seconds, idle_s=8)
    report("inference", seconds, 604, outage.endure(
        s, service.down, service.up, seconds, recommend=outage.MODEL))
    agree.everything(s.world)
    s.nothing_crashed()


@both_forms
def test_26_mongo_is_frozen(stream, servers, seconds):
    """Its sockets stay open and nobody answers: the time limit of one answer acts, again and again."""
    s = streaming(stream, 605, seconds, idle_s=12)
    frozen = [s.programs[name][0] for name in ("archive", "recommend")]
    time.sleep(1)
    before = [program.total("weir_retries_total") for program in frozen]
    servers.signal("mongo", signal.SIGSTOP)
    for program, retries in zip(frozen, before):
        eventually(lambda: more(program, retries), 30)
    time.sleep(seconds)
    assert [program.get("/healthz")[0] for program in frozen] == [200, 200]
    servers.signal("mongo", signal.SIGCONT)
    s.verify()


def more(program, retries):
    assert program.total("weir_retries_total") > retries
