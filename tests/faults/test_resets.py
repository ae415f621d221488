"""weir-reset is killed at random points and run again: what is made anew is exact."""
import random
import signal
import time

import pytest

import agree
import logs
import service as inference
from weir import DONE, REFUSED, RETRY, eventually

KILLED = -signal.SIGKILL
ATTEMPTS = 3


def reset_once(world, after_s=None):
    """-> its exit status; killed after so many seconds, if it still runs then."""
    reset = world.start("reset", "all", "--yes")
    if after_s is not None:
        time.sleep(after_s)
        reset.process.kill()
    status = reset.wait()
    assert status in (DONE, KILLED), reset.log
    return status


def somebody_starts(world, rnd):
    """On what a dead reset has left a daemon begins anew, or refuses. It leaves again."""
    daemon = world.start(rnd.choice(("archive", "count", "rank", "recommend")))
    time.sleep(rnd.uniform(0, 0.5))
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() in (DONE, RETRY, REFUSED, -signal.SIGTERM), daemon.log


def epochs(world):
    return {message.key.decode(): int(message.value) for message in world.read("state")
            if message.key.startswith(b"epoch:")}


@pytest.mark.parametrize("times", [
    1, pytest.param(25, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_02_a_reset_killed_half_way(worlds, service, tmp_path, times):
    world, rnd, statuses = worlds(partitions=3), random.Random(times), []
    world.settings["infer.url"] = service.url
    rows = logs.rows_of(logs.make(22, 600))
    log = logs.write(tmp_path / "log.csv", rows)
    for _ in range(times):
        world.replay(log)
        programs = world.run_all()
        world.settle()
        assert [program.stop() for program in programs] == [DONE] * 4
        for _ in range(ATTEMPTS):
            statuses.append(reset_once(world, rnd.uniform(0, 0.7)))
            somebody_starts(world, rnd)
        assert reset_once(world) == DONE
    assert KILLED in statuses
    world.replay(log)
    world.run_all()
    world.settle()
    agree.topic_is(world, rows)
    all_is_exact(world)


def all_is_exact(world):
    partitions, now = world.rows(), epochs(world)
    agree.archive_is(world, partitions, now["epoch:source"])
    agree.late_are(world, partitions, now["epoch:source"])
    eventually(lambda: agree.windows_are(world, partitions, now["epoch:ranking"]), 20)
    eventually(lambda: agree.recommendations_are(world, partitions, answer=inference.answer), 20)
