"""An outage of a server while everything streams: what it costs in memory, and how soon work goes on."""
import json
import re
import resource
import time
from pathlib import Path

import redis
from confluent_kafka import Consumer, KafkaException, TopicPartition

import agree
import oracle
from aside import Aside
from weir import DONE

LOOK_S = 0.05
SETTLED_S = 2          # of streaming before the outage, for the level of memory
PATIENCE_S = 60        # until work must have gone on
REPLAY_S = 150         # until the log is at its end
EFFECTS = {            # the metric that moves with every effect of a daemon
    "archive": "weir_rows_out_total", "count": "weir_rows_out_total",
    "rank": "weir_windows_shown_total", "recommend": "weir_rows_out_total"}
MODEL = 'weir_served_total{source="model"}'    # what recommend does only while the service answers


class Memory(Aside):
    """The greatest resident memory of each program while this runs; a restarted program is looked at anew."""

    def __init__(self, programs):
        super().__init__()
        self.programs, self.most = programs, dict.fromkeys(programs, 0)

    def work(self):
        while not self.ended.wait(LOOK_S):
            for name, program in self.programs.items():
                self.most[name] = max(self.most[name], resident_bytes(program.process.pid))


def resident_bytes(pid):
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):    # it has just ended
        return 0


class Effects:
    """Tells when a program has had an effect since the last question."""

    def __init__(self, stream, metrics):
        self.programs, self.metrics, world = stream.programs, {**EFFECTS, **metrics}, stream.world
        self.reader = Consumer({**world.stack.client, "group.id": "unused",
                                "reconnect.backoff.max.ms": 100})
        self.events = [TopicPartition(world.topic("events"), part)
                       for part in range(world.rules.partitions)]
        self.last = {name: self.look(name) for name in ["replay", *self.programs]}

    def close(self):
        self.reader.close()

    def look(self, name):
        """-> its number now; None when it cannot be told: a server is away, a daemon starts again."""
        try:
            if name == "replay":
                return sum(self.reader.get_watermark_offsets(part, timeout=0.5)[1]
                           for part in self.events)
            found = self.programs[name][0].metrics()
            return sum(value for series, value in found.items()
                       if series == self.metrics[name] or series.split("{")[0] == self.metrics[name])
        except (KafkaException, AssertionError):
            return None

    def moved(self, name):
        """A daemon that started again counts from 0."""
        now = self.look(name)
        return bool(now) and now != self.last[name]

    def forget(self):
        """What the daemons have done up to now is no news."""
        self.last.update({name: self.look(name) or self.last[name] for name in self.programs})


def endure(stream, take_away, bring_back, seconds, **metrics):
    """One outage of so many seconds; bring_back returns when the server answers. The metrics of daemons whose
    effects are others than EFFECTS.

    -> {program: {"resumed_s", "grown_mib", "silent_s", "restarts"}}; silent_s is the longest time that the watchdog was
    not fed."""
    programs = {"replay": stream.replay, **{name: one[0] for name, one in stream.programs.items()}}
    restarts = {name: len(program.statuses) for name, program in programs.items()}
    effects = Effects(stream, metrics)
    with Memory(programs) as before:
        time.sleep(SETTLED_S)
    with Memory(programs) as during:
        take_away()
        silent = silence(programs, seconds)
        effects.forget()
        bring_back()
        resumed = await_all(effects, programs)
        assert stream.replay.wait(REPLAY_S) == DONE
    effects.close()
    return {name: {"resumed_s": round(resumed[name], 2),
                   "grown_mib": round((during.most[name] - before.most[name]) / 2**20, 1),
                   "silent_s": silent[name], "restarts": len(program.statuses) - restarts[name]}
            for name, program in programs.items()}


def silence(programs, seconds):
    """Waits so long. -> {name: the longest time without progress, in s}; a replay has no watchdog."""
    longest = dict.fromkeys(programs, 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, program in programs.items():
            if found := re.search(r"last progress (\d+) ms ago", program.get("/healthz")[1]):
                longest[name] = max(longest[name], int(found[1]) / 1000)
        time.sleep(LOOK_S)
    return longest


def await_all(effects, names):
    """-> {name: seconds until its first effect}"""
    start, resumed = time.monotonic(), {}
    while len(resumed) < len(names):
        for name in names:
            if name not in resumed and effects.moved(name):
                resumed[name] = time.monotonic() - start
        assert time.monotonic() - start < PATIENCE_S, f"no effect of {names.keys() - resumed.keys()}"
        time.sleep(LOOK_S)
    return resumed


# ---------------------------------------------------------------------------- rankings after Redis was emptied

def unfrozen_windows_are(world, rows):
    """Frozen windows do not come back into an emptied Redis; the others do, and all later ones."""
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


class Reader(Aside):
    """Looks at the ranking all the time, as a shop would: it is there as a whole, or not at all."""

    def __init__(self, world):
        super().__init__()
        self.world, self.whole, self.absent, self.partial = world, 0, 0, []

    def __exit__(self, *_):
        self.stop()
        assert not self.partial, self.partial[0]

    def work(self):
        while not self.ended.wait(0.002):
            try:
                self.judge(self.world.hot())
            except redis.RedisError:
                self.absent += 1

    def judge(self, hot):
        if not any(hot.values()):
            self.absent += 1
            return
        shown = hot["hash"]
        ranking = [tuple(place) for place in json.loads(shown.get("ranking", "[]"))]
        good = shown and int(shown["n"]) == len(ranking) and sorted(hot["items"]) == sorted(ranking) \
            and hot["order"] == [item for item, _ in ranking] and shown["window_end"] in hot["history"] \
            and hot["versions"].get(shown["window_end"], "").endswith(":" + shown["version"])
        self.whole += bool(good)
        if not good:
            self.partial.append(hot)
