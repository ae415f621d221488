"""All daemons, two of each, and the replay of a seeded log, while faults happen to them; then the
reconciliation."""
import random
import secrets
import signal
import time
from collections import deque

from confluent_kafka import Producer

import logs
import oracle
import service as inference
from aside import Aside
from monitor import Monitor
from panes import Tail
from reconcile import Reconciliation, Tally
from schedule import Lane
from weir import CONSUMERS, DONE, RETRY, YEAR_1990, World, eventually

KILLED = -signal.SIGKILL
INSTANCES = (0, 1)
SESSION_S, IDLE_S = 6, 30
USERS = logs.USERS + [str(n) for n in range(1000, 1300)]
ITEMS = logs.ITEMS + [str(n) for n in range(1000, 1200)]
ROWS_PER_S = 20             # of event time
DUE_ROWS = 500_000          # more rows than this make the intervals longer, so that MongoDB keeps up
BAD_SHARE = 0.001
FRESH_S, REPUBLISH_S, RETURN_S = 20, 60, 60
PER_MINUTE = {"kill": 30, "pause": 2, "term": 3, "broker": 0.5, "mongo": 0.5, "redis": 0.5, "infer": 1}


class Trial:
    def __init__(self, stack, folder, seed, events, seconds, rows_per_record=1, idle_s=IDLE_S):
        self.seed, self.events, self.seconds = seed, events, seconds
        self.event_seconds = max(3600, events // ROWS_PER_S)
        self.world = World(stack, f"chaos-{secrets.token_hex(3)}", folder, partitions=6, idle=idle_s * 1000,
                           lateness=300_000, history=100_000, n=50,
                           interval=60_000 * (1 + events // DUE_ROWS))
        self.world.settings["replay.rows.per.record"] = rows_per_record
        self.service, self.shown_from, self.tallies = inference.Service(), None, {}
        self.service.requests = deque(maxlen=1)
        self.files = [logs.write(folder / "log.csv", log_rows(seed, events, self.event_seconds))]

    # ---- its life

    def start(self, on_failure="wait"):
        world = self.world
        world.settings.update({"infer.url": self.service.url, "group.session.timeout": f"{SESSION_S}s",
                               "recommend.on_failure": on_failure})
        world.create_events()
        self.programs = {f"{name}-{which}": world.start(name, instance=which, supervised=True)
                         for name in CONSUMERS for which in INSTANCES}
        for name in ("count", "archive", "recommend"):
            world.begun(name)
        self.tail = Tail(world)
        self.spoiler = Spoiler(world, self.seed)
        self.programs["replay"] = world.start("replay", self.files[0], "--rate",
                                              round(self.events / self.seconds), supervised=True)
        self.monitor = Monitor(self.programs)

    def harm(self, counts):
        """{fault: how many}; -> the Lanes, when all is over."""
        lanes = [Lane(name, self.seed, count, self.seconds, getattr(self, name))
                 for name, count in counts.items()]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        return lanes

    def finish(self, patience_s):
        """To the end of the log, then a fresh event; until all is done and everybody has left."""
        assert self.programs["replay"].wait(patience_s) == DONE
        self.spoiler.stop()
        self.world.settle("archive", "count", "rank", within=patience_s)
        self.tallies["R6"] = self.fresh()
        self.world.settle(within=patience_s)
        eventually(self._all_shown)
        self.monitor.stop()
        self.last = {name: program.stop() if program.running else program.statuses[-1]
                     for name, program in self.programs.items()}
        eventually(self._all_read)
        self.tail.stop()

    def end(self):
        self.world.end()
        self.service.down()

    # ---- faults: each returns when its victim is at work again

    def kill(self, rnd):
        program = self._victim(rnd)
        process = program.process
        process.kill()
        eventually(lambda: self._another(program, process), RETURN_S, 0.01)

    def pause(self, rnd):
        """For longer than its session: another instance takes over, and this one wakes as a zombie."""
        process = self._victim(rnd).process
        process.send_signal(signal.SIGSTOP)
        time.sleep(SESSION_S * rnd.uniform(1.3, 1.7))
        process.send_signal(signal.SIGCONT)

    def term(self, rnd):
        assert self._victim(rnd).restart() in (DONE, KILLED, RETRY)

    def broker(self, _):
        self._server("kafka")

    def mongo(self, _):
        self._server("mongo")

    def redis(self, _):
        """It has nothing on disk: what is not frozen must come back, and all that follows must be there."""
        self._server("redis")
        self.shown_from = eventually(self._republished, REPUBLISH_S)

    def infer(self, rnd):
        self.service.down()
        time.sleep(rnd.uniform(1, 5))
        self.service.up()

    def _server(self, name):
        self.world.stack.run("kill", name)
        self.world.stack.run("start", name)

    def _victim(self, rnd):
        """Any program that runs now; the replay too, until it has done its work."""
        while True:
            program = self.programs[rnd.choice(sorted(self.programs))]
            if program.running and program.process.poll() is None:
                return program
            time.sleep(0.01)

    @staticmethod
    def _another(program, process):
        """Also when it was just asked to leave: it is started again then."""
        if program.running or program.statuses[-1] != DONE:
            assert program.running and program.process is not process

    def _republished(self):
        """-> the first of the windows that no row may change any more, but could when Redis was emptied."""
        rules, hot = self.world.rules, self.world.hot()
        assert hot["hash"]
        newest = int(hot["hash"]["window_end"])
        first = newest - oracle.floor(rules.lateness, rules.slide) + rules.slide
        assert all(str(end) in hot["history"] for end in range(first, newest, rules.slide))
        return first

    # ---- afterwards

    def fresh(self):
        """R6: events sent when all faults are over show in every store soon; those behind them move the
        watermarks."""
        rules, tally = self.world.rules, Tally()
        first = oracle.pane_end((logs.START_S + self.event_seconds) * 1000, rules.interval) + rules.size
        self.shown_end = first + rules.slide
        mover = first + max(rules.slide, rules.interval) + rules.delay
        lines = [logs.Line(user, "fresh", "1", "pv", time // 1000)
                 for time in (first, mover) for user in one_user_each(rules.partitions)]
        self.last_ms = mover
        self.files.append(logs.write(self.world.folder / "fresh.csv", logs.rows_of(lines)))
        self.world.replay(self.files[1])
        for what, check in (("event", self._archived), ("ranking", self._ranked),
                            ("recommendation", self._served)):
            tally.holds(what, eventually, check, FRESH_S)
        return tally

    def _archived(self):
        found = self.world.mongo["events"].count_documents({"item": "fresh"})
        assert found == 2 * self.world.rules.partitions

    def _ranked(self):
        assert "fresh" in (self.world.redis.hget(self.world.key + ":history", self.shown_end) or "")

    def _served(self):
        found = self.world.mongo["recommendations"].count_documents({"history": "fresh"})
        assert found >= self.world.rules.partitions

    def _all_shown(self):
        end = self.world.redis.hget(self.world.key, "window_end")
        assert int(end) == oracle.pane_end(self.last_ms, self.world.rules.slide)

    def _all_read(self):
        assert self.tail.at >= self.world.ends("panes")[0] and not self.tail.lost

    def reconcile(self, exact):
        """-> {rule: Tally}, R1 to R7"""
        found = Reconciliation(self.world, self.files, self.tail.records, shown_from=self.shown_from,
                               exact=exact).run()
        return {**found, **self.tallies, "R7": self.lives()}

    def lives(self):
        """R7: nothing grew beyond its limits, or ended but by our hand and by its own retry."""
        tally = Tally()
        tally.compared["processes"] = sum(len(program.statuses) for program in self.programs.values())
        for excess in self.monitor.excesses():
            tally.wrong(excess)
        for name, program in self.programs.items():
            if set(program.statuses) - {KILLED, RETRY, DONE} or self.last[name] != DONE:
                tally.wrong(f"{name} ended with {program.statuses}")
        return tally


class Spoiler(Aside):
    """Puts bad rows into the topic behind weir-replay's back. Which of them arrive is nobody's promise."""

    def __init__(self, world, seed):
        super().__init__()
        self.world, self.rnd = world, random.Random(f"{seed}-spoiler")
        self.start()

    def work(self):
        producer = Producer(self.world.stack.client)
        while not self.ended.wait(0.5):
            _, row = self.rnd.choice(logs.BAD_ROWS)
            where = self.rnd.randrange(self.world.rules.partitions)
            producer.produce(self.world.topic("events"), row or None, b"bad", where, timestamp=YEAR_1990)
            producer.poll(0)
        producer.flush(30)


def log_rows(seed, events, seconds):
    """-> about so many rows, one by one, bad ones among them."""
    rnd = random.Random(f"{seed}-bad")
    for line in logs.flow(seed, events, seconds=seconds, users=USERS, items=ITEMS):
        yield line.row()
        if rnd.random() < BAD_SHARE:
            yield rnd.choice(logs.BAD_ROWS)[1]


def one_user_each(partitions):
    homes = {oracle.partition_of(user, partitions): user for user in USERS}
    return [homes[partition] for partition in range(partitions)]
