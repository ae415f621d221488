"""Killed at random moments: nothing is lost or doubled, and how long it takes until work goes on. The times are written
down and judged where they are reported; here every kill must be recovered from."""
import json
import os
import random
import statistics
import time

import pytest

import agree
import crash
import logs
from effects import effects
from weir import CONSUMERS, DONE, RESTART_S, ROOT, eventually

KILLS = int(os.environ.get("WEIR_KILLS", "100"))    # of each daemon
MOVING_KILLS = max(1, KILLS // 5)                   # each costs a session timeout
RATE = 500
RESULTS = ROOT / "build/results/recovery.json"


# ---------------------------------------------------------------------------- the replay

@pytest.mark.parametrize("kills, longest_s", [
    (6, 0.8), pytest.param(60, 5, marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
def test_01_replay_killed_under_load(stream, kills, longest_s):
    """It goes on behind its last transaction: the topic is the file."""
    rnd, least_s = random.Random(kills), 0.2
    n = int(1500 * kills * (least_s + longest_s) / 2)
    s = stream(kills, n=n, rate=1500, daemons=("archive", "count", "rank"))
    while s.replay.running and len(s.replay.statuses) < kills:
        time.sleep(rnd.uniform(least_s, longest_s))
        if s.replay.running:
            s.replay.kill()
    assert s.replay.wait() == DONE
    assert s.replay.statuses.count(-9) >= kills / 2
    agree.topic_is(s.world, s.rows)
    s.world.settle("archive", "count")
    rows = s.world.rows()
    agree.archive_is(s.world, rows)
    agree.late_are(s.world, rows)
    eventually(lambda: agree.windows_are(s.world, rows), 20)


@pytest.mark.parametrize("packed", [1, 64])
def test_01_replay_killed_at_full_speed(world, tmp_path, packed):
    """Its transaction is open while it reads: what it has handed over already is not there twice."""
    rows = logs.rows_of(logs.make(601, 1000)) * 110    # more than a transaction holds
    died = crash.Crash(world)
    plans = ["before rd_kafka_commit_transaction any 1 die", "after rd_kafka_begin_transaction any 1 die",
             "after rd_kafka_commit_transaction any 1 die", *(f"after any kafka {k} die" for k in (40, 60, 80))]
    replay = world.start("replay", logs.write(tmp_path / "log.csv", rows), "--rows-per-record", packed,
                         supervised=True, environments=died.plans(plans))
    assert replay.wait() == DONE
    assert len(died.hits()) >= 3
    agree.topic_is(world, rows)


# ---------------------------------------------------------------------------- how long it takes

def recovery_s(program, effect):
    """Kills; -> seconds until its next effect. What the dead one had sent off arrives before its
    successor starts."""
    since = time.monotonic()
    program.kill()
    time.sleep(RESTART_S / 2)
    last = effect.count()

    def more():
        assert effect.count() > last
    eventually(more, every=0.002)
    return time.monotonic() - since


def measure(stream, kills, seed):
    """-> {daemon: seconds of each kill}, at random moments of a stream that never rests."""
    rnd, seconds = random.Random(seed), {name: [] for name in CONSUMERS}
    watched = effects(stream.world)
    for _ in range(kills):
        for name in rnd.sample(CONSUMERS, len(CONSUMERS)):
            time.sleep(rnd.uniform(0.1, 0.6))
            assert stream.replay.running, "the log was too short"
            seconds[name].append(recovery_s(stream.programs[name][0], watched[name]))
    return seconds


def summary(seconds):
    cuts = statistics.quantiles([*seconds, seconds[-1]], n=100, method="inclusive")
    histogram = {f"<= {limit} s": sum(s <= limit for s in seconds)
                 for limit in (0.2, 0.3, 0.5, 1, 2, 5, 10, 15)}
    return {"kills": len(seconds), "p50": round(cuts[49], 3), "p99": round(cuts[98], 3),
            "max": round(max(seconds), 3), "histogram": histogram}


def report(which, seed, seconds):
    found = {name: summary(each) for name, each in seconds.items()}
    for name, line in found.items():
        print(f"{which:7} {name:10} kills {line['kills']:4}  p50 {line['p50']:.3f} s  "
              f"p99 {line['p99']:.3f} s  max {line['max']:.3f} s")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**known, which: {"seed": seed, "daemons": found}}, indent=2))


def all_work(world):
    assert world.hot()["hash"] and world.mongo["recommendations"].estimated_document_count()


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which, instance, kills, a_kill_s", [
    ("static", 0, KILLS, 1.2), ("moving", None, MOVING_KILLS, 9)])
def test_02_recovery_time(stream, which, instance, kills, a_kill_s):
    seed = 210
    n = int((kills * len(CONSUMERS) * a_kill_s + 20) * RATE)
    s = stream(seed, n=n, rate=RATE, instances=(instance,), seconds=3600 * n / 20_000)
    eventually(lambda: all_work(s.world))
    report(which, seed, measure(s, kills, seed))
    s.replay.stop()
    agree.everything(s.world)
    s.nothing_crashed()
