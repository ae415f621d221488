"""Whatever dies, freezes or goes away for a while: the results are those of the log alone.

Rows stream in during the faults, so idle.timeout is above the longest outage, as the promises
ask for."""
import random
import signal
import time

import pytest

import agree
import logs
import oracle
import service as inference
from weir import CONSUMERS, DONE, FENCED, RETRY, eventually

KILLED = -signal.SIGKILL


@pytest.fixture
def service():
    service = inference.Service()
    yield service
    service.down()


@pytest.fixture
def servers(stack):
    """The stack, whose servers may be stopped and killed: all run again afterwards."""
    yield stack
    stack.run("up")


@pytest.fixture
def stream(worlds, service, tmp_path):
    """start(seed, ...) -> (world, {name: its programs}, replay): all daemons at work, supervised,
    while the replay sends a log."""
    def start(seed, *, n=4500, rate=1500, idle=4000, instances=(0,), daemons=CONSUMERS,
              session="6s"):
        world = worlds(partitions=3, idle=idle)
        world.settings.update({"infer.url": service.url, "group.session.timeout": session})
        world.create_events()
        programs = {name: [world.start(name, instance=which, supervised=True)
                           for which in instances] for name in daemons}
        for name in daemons:
            world.begun(name) if name != "rank" else None
        log = logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(seed, n, seconds=3600)))
        return world, programs, world.start("replay", log, "--rate", rate, supervised=True)
    return start


def nothing_crashed(programs):
    for daemon in programs:
        assert set(daemon.statuses) <= {KILLED, RETRY, DONE}, (daemon.argv[0].name, daemon.statuses)


def verify(world, programs, replay):
    assert replay.wait() == DONE
    agree.everything(world, answer=inference.answer)
    nothing_crashed([replay, *programs])


def test_everybody_killed_in_mid_run(stream):
    """Each daemon and the replay, in turns and at random moments."""
    world, programs, replay = stream(71, n=6000)
    everybody = [replay, *sum(programs.values(), [])]
    rnd = random.Random(71)
    while replay.running:
        for target in rnd.sample(everybody, len(everybody)):
            time.sleep(rnd.uniform(0.1, 0.5))
            if target.running:
                target.kill()
    assert all(program.statuses.count(KILLED) >= 2 for program in everybody)
    verify(world, everybody[1:], replay)


def test_moving_members_killed(stream):
    """No static membership: the group waits for the session timeout, then goes on."""
    world, programs, replay = stream(72, instances=(None,), session="2s", idle=6000)
    rnd = random.Random(72)
    for name in CONSUMERS:
        time.sleep(rnd.uniform(0.2, 0.6))
        programs[name][0].kill()
    verify(world, sum(programs.values(), []), replay)


def test_three_instances_killed_at_random(stream):
    world, programs, replay = stream(73, instances=(0, 1, 2), daemons=("archive", "count", "rank"),
                                     session="2s", idle=6000)
    everybody = sum(programs.values(), [])
    rnd = random.Random(73)
    while replay.running:
        time.sleep(rnd.uniform(0.3, 1))
        rnd.choice(everybody).kill()
    assert replay.wait() == DONE
    world.settle("archive", "count")
    rows = world.rows()
    agree.archive_is(world, rows)
    agree.late_are(world, rows)
    eventually(lambda: agree.windows_are(world, rows), 30)
    nothing_crashed(everybody)


def test_zombies_wake(stream):
    """Frozen for longer than their sessions, while other instances take over; then they go on."""
    world, programs, replay = stream(74, session="1500ms", idle=8000)
    for name in CONSUMERS:
        world.start(name, instance=9, supervised=True)
    for heir in world.programs[-4:]:
        world.awake(heir)
    frozen = sum(programs.values(), [])
    for program in frozen:
        program.signal(signal.SIGSTOP)
    time.sleep(2.5)
    for program in frozen:
        program.signal(signal.SIGCONT)
    assert replay.wait() == DONE
    agree.everything(world, answer=inference.answer)


def test_twins_elsewhere_take_over(stream, tmp_path):
    """The same instances on another host (other locks): the older ones are fenced, for good."""
    world, programs, replay = stream(80, n=6000)
    names = ("archive", "count", "recommend")
    twins = [world.start(name, instance=0, supervised=True, daemon__runtime_dir=tmp_path)
             for name in names]
    assert [programs[name][0].wait() for name in names] == [FENCED] * 3
    assert replay.wait() == DONE
    agree.everything(world, answer=inference.answer)
    assert not any(twin.statuses for twin in twins)


def test_sigterm_drains(stream):
    """Each leaves with status 0 in mid-run; its successor goes on."""
    world, programs, replay = stream(75)
    for name in CONSUMERS:
        time.sleep(0.3)
        assert programs[name][0].stop(10) == DONE
        world.start(name, instance=0, supervised=True)
    assert replay.wait() == DONE
    agree.everything(world, answer=inference.answer)


def test_mongo_is_away_for_ten_seconds(stream, servers):
    world, programs, replay = stream(76, idle=15_000)
    time.sleep(1)
    servers.run("stop", "mongo")
    time.sleep(10)
    servers.run("start", "mongo")
    verify(world, sum(programs.values(), []), replay)


def test_mongo_is_killed(stream, servers):
    world, programs, replay = stream(77)
    time.sleep(1)
    servers.run("kill", "mongo")
    servers.run("start", "mongo")
    verify(world, sum(programs.values(), []), replay)


def test_redis_comes_back_empty(stream, servers):
    """Frozen windows do not come back into an emptied Redis; the others do, and all later ones."""
    world, programs, replay = stream(78, daemons=("count", "rank"))
    time.sleep(1.5)
    servers.run("kill", "redis")
    time.sleep(1)
    servers.run("start", "redis")
    assert replay.wait() == DONE
    world.settle("count")
    rows = world.rows()

    def current_is_right():
        rules = world.rules
        current, windows = oracle.rankings(agree.verdicts(rules, rows)["counted"], size=rules.size,
                                           slide=rules.slide, n=rules.n)
        hot = world.hot()
        assert agree.current_end(hot) == current
        agree.same_current(hot, windows[current], 1)
        shown = {int(end) for end in hot["history"]}
        agree.same_history(hot["history"], {end: windows[end] for end in shown & windows.keys()},
                           0, current)
        assert {end for end in windows if end > current - rules.lateness} <= shown
    eventually(current_is_right)
    nothing_crashed(sum(programs.values(), []))


def test_the_broker_is_killed(stream, servers):
    world, programs, replay = stream(79, idle=12_000)
    time.sleep(1.5)
    servers.run("kill", "kafka")
    servers.run("start", "kafka")
    verify(world, sum(programs.values(), []), replay)
