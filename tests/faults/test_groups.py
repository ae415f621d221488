"""Members of the consumer groups come and go, meet their twins, and find more partitions."""
import random
import signal
import time

import pytest
from confluent_kafka.admin import NewPartitions

import agree
import logs
import service as inference
from aside import Aside
from effects import effects
from weir import CONSUMERS, DONE, FENCED, REFUSED, RETRY, eventually

STANDSTILL_S = 15


class Watch(Aside):
    """Samples what each daemon does; `longest` = {daemon: the longest time without an effect}."""

    def __init__(self, world):
        super().__init__()
        self.effects = effects(world)
        self.longest = dict.fromkeys(self.effects, 0)
        self.start()

    def work(self):
        last = {name: (effect.count(), time.monotonic()) for name, effect in self.effects.items()}
        while not self.ended.wait(0.1):
            for name, effect in self.effects.items():
                count, (before, since) = effect.count(), last[name]
                self.longest[name] = max(self.longest[name], time.monotonic() - since)
                if count != before:
                    last[name] = count, time.monotonic()


class Storm:
    """Up to three instances of each daemon: two have names, one is a moving member (but for weir-count,
    whose transactions need names)."""

    def __init__(self, stream, folder, seed):
        self.world, self.folder, self.rnd = stream.world, folder, random.Random(seed)
        self.slots = {name: {0: stream.programs[name][0], 1: None, 2 if name == "count" else None: None}
                      for name in stream.programs}
        self.left, self.joined = [], []

    def step(self, daemon):
        """One instance joins or leaves. One that leaves may still be about it when the next step comes."""
        slots = self.slots[daemon]
        here = [which for which, program in slots.items() if program and program not in self.left]
        away = [which for which, program in slots.items() if not program or not program.running]
        if away and (len(here) == 1 or self.rnd.random() < 0.5):
            self.join(daemon, self.rnd.choice(away))
        elif len(here) > 1:
            self.leave(slots[self.rnd.choice(here)])

    def join(self, daemon, which):
        program = self.world.start(daemon, instance=which, supervised=True,
                                   daemon__runtime_dir=self.folder / str(which))
        self.slots[daemon][which] = program
        self.joined.append(program)

    def leave(self, program):
        program.supervised = False
        program.signal(signal.SIGTERM)
        self.left.append(program)

    def ended_well(self):
        assert {program.wait() for program in self.left} == {DONE}
        assert {status for program in self.joined for status in program.statuses} <= {DONE, RETRY}


@pytest.mark.parametrize("seconds, every_s", [
    (12, 1), pytest.param(300, 2, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_11_rebalance_storm(stream, tmp_path, seconds, every_s):
    seed, rate = seconds, 500
    s = stream(seed, n=(seconds + 5) * rate, rate=rate, session="2s")
    storm, watch = Storm(s, tmp_path, seed), Watch(s.world)
    for _ in range(int(seconds / every_s)):
        for name in CONSUMERS:
            storm.step(name)
        time.sleep(every_s)
    watch.stop()
    print({name: round(longest, 1) for name, longest in watch.longest.items()},
          f"{len(storm.joined)} joined, {len(storm.left)} left")
    assert max(watch.longest.values()) < STANDSTILL_S, watch.longest
    s.verify()
    storm.ended_well()


def test_11_other_assignors_are_refused(world):
    """The cooperative ones lose commits in this version of the library."""
    for name in CONSUMERS:
        program = world.start(name, **{"kafka.partition.assignment.strategy": "cooperative-sticky"})
        assert program.wait() == REFUSED
        assert "kafka.partition.assignment.strategy is set by Weir itself" in program.log


def test_13_a_twin_on_the_same_host_is_refused(world):
    """It says who holds the lock; the first goes on."""
    world.create_events()
    for name in CONSUMERS:
        first = world.run(name, instance=0)
        twin = world.start(name, instance=0)
        assert twin.wait() == REFUSED
        assert f"another process (pid {first.process.pid}) is this instance already" in twin.log
        assert first.running


def test_13_twins_elsewhere_take_over(stream, tmp_path):
    """The same instances on another host (other locks): the older ones are fenced, for good."""
    s = stream(80)
    twins = [s.world.start(name, instance=0, supervised=True, daemon__runtime_dir=tmp_path)
             for name in CONSUMERS]
    assert [s.programs[name][0].wait() for name in CONSUMERS] == [FENCED] * 4
    assert s.replay.wait() == DONE
    agree.everything(s.world, answer=inference.answer)
    assert not any(twin.statuses for twin in twins)


def test_13_of_two_replays_the_newcomer_takes_over(world, tmp_path):
    rows = logs.rows_of(logs.make(131, 1500))
    log = logs.write(tmp_path / "log.csv", rows)
    first = world.start("replay", log, "--rate", 500)
    eventually(lambda: has_rows(world, 100))
    second = world.replay(log, "--rate", 2000)
    assert first.wait() == FENCED and second.statuses == [DONE]
    agree.topic_is(world, rows)


def has_rows(world, n):
    assert len(world.read("events")) >= n


# ---------------------------------------------------------------------------- partitions are added

def test_16_partitions_are_added(worlds, service, tmp_path):
    """Whoever adds up goes on over all of them; weir-recommend, whose users have moved, refuses, and so does a replay
    that has begun."""
    world = worlds(partitions=3)
    world.settings.update({"infer.url": service.url,
                           "kafka.topic.metadata.refresh.interval.ms": "300"})
    world.create_events()
    programs = {name: world.run(name, instance=0, supervised=True) for name in CONSUMERS}
    lines = logs.make(16, 6000, seconds=7200)
    log = logs.write(tmp_path / "first.csv", logs.rows_of(lines[:3000]))
    first = world.start("replay", log, "--rate", 1500)
    eventually(lambda: has_rows(world, 1000))
    grow(world, 5)
    assert first.wait() == DONE
    assert programs["recommend"].wait() == REFUSED
    assert "users have moved" in programs["recommend"].log
    again = world.replay(log, status=REFUSED)
    assert "replayed into 3 partitions, now there are 5" in again.log
    second = logs.write(tmp_path / "second.csv", logs.rows_of(lines[3000:]))
    world.replay(second, "--rate", 3000)
    rows = world.rows()
    assert len(rows) == 5 and all(rows.values())
    world.settle("archive", "count")
    agree.archive_is(world, rows)
    agree.late_are(world, rows)
    eventually(lambda: agree.windows_are(world, rows), 30)


def grow(world, partitions):
    topic = world.topic("events")
    world.stack.admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(30)
    object.__setattr__(world.rules, "partitions", partitions)


def test_16_moved_users_where_that_is_allowed(worlds, service, tmp_path):
    """No row is lost from a history, and nobody is served twice for one interval."""
    world = worlds(partitions=2, k=50)
    world.settings["infer.url"] = service.url
    lines = logs.in_order(17, 2000, seconds=3600)
    world.replay(logs.write(tmp_path / "first.csv", logs.rows_of(lines[:1000])))
    world.run("recommend")
    world.settle("recommend")
    [before] = world.programs[-1:]
    assert before.stop() == DONE
    grow(world, 5)
    world.run("recommend", recommend__allow_moved_users="yes")
    world.replay(logs.write(tmp_path / "second.csv", logs.rows_of(lines[1000:])))
    world.settle("recommend")
    eventually(lambda: histories_are_the_newest(world, lines), 20)


def histories_are_the_newest(world, lines):
    users = world.documents("users")
    assert users.keys() == {line.user for line in lines}
    for name, user in users.items():
        own = [line.item for line in lines if line.user == name]
        assert sorted(event["item"] for event in user["history"]) == sorted(own[-50:]), name
