"""Kafka, MongoDB and Redis stop, die and come back: the results are those of the log alone."""
import time

import agree
import oracle
from weir import DONE, eventually


def test_22_mongo_is_away(stream, servers):
    s = stream(76, idle=15_000)
    time.sleep(1)
    servers.run("stop", "mongo")
    time.sleep(10)
    servers.run("start", "mongo")
    s.verify()


def test_05_mongo_is_killed(stream, servers):
    s = stream(77)
    time.sleep(1)
    servers.run("kill", "mongo")
    servers.run("start", "mongo")
    s.verify()


def test_27_redis_comes_back_empty(stream, servers):
    """Frozen windows do not come back into an emptied Redis; the others do, and all later ones."""
    s = stream(78, daemons=("count", "rank"))
    time.sleep(1.5)
    servers.run("kill", "redis")
    time.sleep(1)
    servers.run("start", "redis")
    assert s.replay.wait() == DONE
    s.world.settle("count")
    rows = s.world.rows()

    def current_is_right():
        rules = s.world.rules
        current, windows = oracle.rankings(agree.verdicts(rules, rows)["counted"], size=rules.size,
                                           slide=rules.slide, n=rules.n)
        hot = s.world.hot()
        assert agree.current_end(hot) == current
        agree.same_current(hot, windows[current], 1)
        shown = {int(end) for end in hot["history"]}
        agree.same_history(hot["history"], {end: windows[end] for end in shown & windows.keys()},
                           0, current)
        assert {end for end in windows if end > current - rules.lateness} <= shown
    eventually(current_is_right)
    s.nothing_crashed()


def test_05_the_broker_is_killed(stream, servers):
    s = stream(79, idle=12_000)
    time.sleep(1.5)
    servers.run("kill", "kafka")
    servers.run("start", "kafka")
    s.verify()
