"""Programs of Weir die, freeze and leave: the results are those of the log alone."""
import random
import signal
import statistics
import time

import pytest

import agree
import service as inference
from stream import KILLED
from weir import CONSUMERS, DONE, eventually

TIMEOUT_STOP_S = 30    # of the units


def test_02_everybody_killed_in_mid_run(stream):
    """Each daemon and the replay, in turns and at random moments."""
    s = stream(71, n=6000)
    everybody = s.everybody
    rnd = random.Random(71)
    while s.replay.running:
        for target in rnd.sample(everybody, len(everybody)):
            time.sleep(rnd.uniform(0.1, 0.5))
            if target.running:
                target.kill()
    assert all(program.statuses.count(KILLED) >= 2 for program in everybody)
    s.verify()


def test_02_moving_members_killed(stream):
    """No static membership: the group waits for the session timeout, then goes on."""
    s = stream(72, instances=(None,), session="2s", idle=6000)
    rnd = random.Random(72)
    for name in CONSUMERS:
        time.sleep(rnd.uniform(0.2, 0.6))
        s.programs[name][0].kill()
    s.verify()


def test_02_three_instances_killed_at_random(stream):
    s = stream(73, instances=(0, 1, 2), daemons=("archive", "count", "rank"),
              session="2s", idle=6000)
    everybody = sum(s.programs.values(), [])
    rnd = random.Random(73)
    while s.replay.running:
        time.sleep(rnd.uniform(0.3, 1))
        rnd.choice(everybody).kill()
    assert s.replay.wait() == DONE
    s.world.settle("archive", "count")
    rows = s.world.rows()
    agree.archive_is(s.world, rows)
    agree.late_are(s.world, rows)
    eventually(lambda: agree.windows_are(s.world, rows), 30)
    s.nothing_crashed()


def test_12_zombies_wake(stream):
    """Frozen for longer than their sessions, while other instances take over; then they go on."""
    s = stream(74, session="1500ms", idle=8000)
    for name in CONSUMERS:
        s.world.start(name, instance=9, supervised=True)
    for heir in s.world.programs[-4:]:
        s.world.awake(heir)
    frozen = sum(s.programs.values(), [])
    for program in frozen:
        program.signal(signal.SIGSTOP)
    time.sleep(2.5)
    for program in frozen:
        program.signal(signal.SIGCONT)
    assert s.replay.wait() == DONE
    agree.everything(s.world, answer=inference.answer)


@pytest.mark.parametrize("times", [
    2, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(2400)])])
def test_39_sigterm_drains(stream, times):
    """Each leaves with status 0 at random moments, in time for systemd, and what it has done is committed: its successor
    finds nothing stored already."""
    rnd, seconds = random.Random(times), {name: [] for name in CONSUMERS}
    s = stream(75, n=3000 * times, rate=1000, seconds=3600 * times)
    here = {name: s.programs[name][0] for name in CONSUMERS}
    for _ in range(times):
        for name in rnd.sample(CONSUMERS, len(CONSUMERS)):
            time.sleep(rnd.uniform(0.1, 0.6))
            repeats_nothing(here)
            since = time.monotonic()
            assert here[name].stop(TIMEOUT_STOP_S) == DONE
            seconds[name].append(time.monotonic() - since)
            here[name] = s.world.start(name, instance=0, supervised=True).ready()
    s.verify()
    repeats_nothing(here)
    for name, each in seconds.items():
        print(f"{name:10} {len(each)} drained: p50 {statistics.median(each):.3f} s, "
              f"p99 {sorted(each)[int(0.99 * len(each))]:.3f} s, max {max(each):.3f} s")


def repeats_nothing(here):
    assert here["archive"].total("weir_duplicates_total") == 0
    assert here["recommend"].total("weir_adopted_total") == 0
