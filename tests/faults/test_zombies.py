"""Zombies: a process freezes right before it writes, another one takes over and goes on, then it wakes and writes.

Of each daemon two instances freeze, each before a write of its own, again and again, and a third one never does. What
the stores refuse is counted where it is refused: in the daemons' metrics."""
import json
import re
import signal
import time
from collections import Counter

import pytest

import agree
import service as inference
from stream import KILLED
from weir import CONSUMERS, DONE, FENCED, RETRY, ROOT

RATE, ROWS = 200, 100_000
SESSION = "1500ms"
STEADY = 9    # behind the others in the group's order: its partitions are what they leave
EACH = 15     # a process freezes before each so-many-th of these
WITHIN_S = 1200
RESULTS = ROOT / "build/results"

WRITES = {
    "archive": ["mongoc_collection_write_command_with_opts events", "rd_kafka_commit_queue any",
                "mongoc_collection_write_command_with_opts consumed"],
    "count": ["rd_kafka_commit_transaction any", "rd_kafka_send_offsets_to_transaction any",
              "rd_kafka_begin_transaction any"],
    "rank": ["redisGetReply any", "rd_kafka_commit_queue any", "redisGetReply any"],
    "recommend": ["mongoc_collection_write_command_with_opts recommendations",
                  "mongoc_collection_write_command_with_opts users", "rd_kafka_commit_queue any"],
}
REFUSED = {    # store: the metrics that count it
    "kafka commits": ["weir_commits_refused_total"],
    "kafka transactions": ['weir_transactions_total{result="aborted"}'],
    "redis": ["weir_windows_stale_total"],
    "mongodb": ["weir_duplicates_total", "weir_adopted_total", "weir_stale_updates_total"],
}


class Zombies:
    """The programs of a stream that freeze, and how often each was superseded and woken."""

    def __init__(self, stream, turn):
        self.world, self.crash = stream.world, stream.crash
        self.cycles, self.seen, self.wanted = Counter(), 0, True
        self.frozen = {}     # program: how far its group was then
        self.metrics = {}    # pid: its metrics, as they were last seen
        self.programs = {self.start(daemon, instance, WRITES[daemon][(instance + turn) % 3]):
                         (daemon, WRITES[daemon][(instance + turn) % 3])
                         for daemon in CONSUMERS for instance in (0, 1)}

    def start(self, daemon, instance, where):
        plan = self.crash.environment(f"before {where} %{EACH} stop")
        return self.world.start(daemon, instance=instance, supervised=True,
                                environments=lambda n: plan if self.wanted else {})

    def look(self):
        """Notes who has frozen, and wakes those whose work others have gone on with."""
        hits = self.crash.hits()
        pids = {hit.pid for hit in hits[self.seen:]}
        self.seen = len(hits)
        for program, (daemon, _) in self.programs.items():
            if str(program.process.pid) in pids:
                self.frozen[program] = self.progress(daemon)
        for program in [p for p in self.frozen if self.is_superseded(p)]:
            del self.frozen[program]
            program.signal(signal.SIGCONT)
            self.cycles[": ".join(self.programs[program])] += 1

    def progress(self, daemon):
        """-> {partition: how far the group is}"""
        if daemon == "rank":
            [(_, metadata)] = self.world.committed(daemon, "panes").values()
            return {0: int(re.search(r"next=(\d+)", metadata)[1])}
        return {p: offset for p, (offset, _) in self.world.committed(daemon).items()}

    def is_superseded(self, program):
        """Others have committed further in all partitions, so also in those that it had."""
        now = self.progress(self.programs[program][0])
        return all(now[p] > offset for p, offset in self.frozen[program].items())

    def count(self):
        """What the stores have refused: the counters of a process that ended since are kept."""
        for program in self.world.programs:
            if program.running and program not in self.frozen and program.port:
                try:
                    self.metrics[program.process.pid] = program.metrics()
                except AssertionError:
                    pass    # it is not up, or not any more

    def refused(self):
        return {store: sum(int(of.get(name, 0)) for of in self.metrics.values() for name in names)
                for store, names in REFUSED.items()}

    def restart_fenced(self):
        """Status 79 is for good, as with systemd: an operator starts it again."""
        for program, (daemon, where) in list(self.programs.items()):
            if not program.running:
                assert program.statuses[-1] == FENCED, program.statuses
                del self.programs[program]
                instance = int(program.argv[-1])
                self.programs[self.start(daemon, instance, where)] = daemon, where

    def end(self):
        """All are woken, and killed: what comes back freezes no more."""
        self.wanted = False
        for program in self.programs:
            program.kill()


def haunt(stream, seed, cycles, turn=0):
    """-> how often each kind of zombie woke, and what each store refused."""
    s = stream(seed, n=ROWS, rate=RATE, seconds=ROWS // 2, idle=8000, session=SESSION,
               instances=(STEADY,))
    zombies = Zombies(s, turn)
    deadline = time.monotonic() + WITHIN_S
    while sum(zombies.cycles.values()) < cycles or 0 in zombies.refused().values():
        assert time.monotonic() < deadline, (zombies.cycles, zombies.refused())
        zombies.look()
        zombies.count()
        zombies.restart_fenced()
    zombies.end()
    assert s.replay.stop() == DONE
    agree.everything(s.world, answer=inference.answer)
    zombies.count()
    ended = Counter(status for program in s.world.programs for status in program.statuses)
    assert ended.keys() <= {DONE, RETRY, KILLED, FENCED}
    s.end()
    return zombies.cycles, Counter(zombies.refused()) + Counter({"exits 79": ended[FENCED]})


def test_12_zombies_write(stream):
    haunt(stream, 121, 8)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_12_zombies_write_often(stream):
    cycles, refused = Counter(), Counter()
    for turn in range(3):
        more = haunt(stream, 122 + turn, 70, turn)
        cycles, refused = cycles + more[0], refused + more[1]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "zombies.json").write_text(json.dumps(
        {"seed": 122, "cycles": sum(cycles.values()), "by": cycles, "refused": refused}, indent=1))
    assert sum(cycles.values()) >= 200
