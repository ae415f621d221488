"""From Kafka, as fast as it goes: weir-count alone, count and rank together into Redis, weir-replay into Kafka."""
import json
import time
from collections import Counter
from statistics import median

import oracle
from measure import Figure, Measured, in_turns, run, sample_of
from weir import DONE, eventually
from workload import LONG_S, PACKED, RATE, Field, Log, broker_cpu_s, pace, redis_cpu_s

TRANSACTION_BYTES = {1: 100_000 * 32, PACKED: 16 << 20}    # by rows of a record: OUTBOX_COMMIT_RECORDS and _BYTES of weir-replay
ALONE = {"limits.skew": 1_000_000}    # weir-count waits for no weir-rank
LATE = 0.01


def filled(c, log, packed, **rules):
    """The workload's field for a log, and its events in Kafka."""
    kind = "packed" if packed else "single"
    more = "-".join(f"{key}{value}" for key, value in rules.items())
    field = Field(c.stack, "-".join(filter(None, [kind, log.name.replace(".", "d"), more])), c.folder(kind), **rules)
    field.fill(log, PACKED if packed else 1)
    return field


def start_cost(field, *daemons, **more):
    """What the daemons use from their start to their end when nothing is left to do."""
    started = [field.start(name, **more) for name in daemons]
    for program in started:
        program.ready()
    for program in started:
        program.stop()
    return sample_of(1, *started)


# ---------------------------------------------------------------------------- floors

def bare_read(c, field, log):
    argv = [c.program("floor-read"), c.stack.kafka, field.topic("events"), field.rules.partitions]
    return sample_of(log.rows, run([str(word) for word in argv], c.log("floor-read")))


def read_floor(c, field, log):
    return lambda: bare_read(c, field, log)


# ---------------------------------------------------------------------------- weir-count

def count_once(field, log):
    field.reset("ranking")
    program = field.start("count", **ALONE)
    seen = field.caught_up("count")
    assert program.stop() == DONE, program.log
    return sample_of(log.rows, program, rate=pace(seen, log.rows))


def count_figures(c, packed):
    log = Log(c.rows)
    field = filled(c, log, packed)
    found = in_turns(c.times, own=lambda: count_once(field, log), floor=read_floor(c, field, log))
    begun = start_cost(field, "count", **ALONE)
    field.close()
    own, floor = ([s.cpu_us for s in found[side]] for side in ("own", "floor"))
    rates, name = [s.more["rate"] / 1e6 for s in found["own"]], f"count, {'packed' if packed else 'single-row'}"
    goals = dict(most=0.12) if packed else dict(most=median(floor) + 0.15)
    return [Figure(f"{name}: CPU", "s/1M", own, floor, **goals),
            Figure(f"{name}: rate", "M/s", rates, [s.per_s / 1e6 for s in found["floor"]], least=4.5 if packed else None),
            Figure(f"{name}: start and end alone", "CPU s", [begun.cpu_s]),
            Figure(f"{name}: peak memory", "MiB", [s.peak_mib for s in found["own"]])]


def count(c):
    return count_figures(c, False) + count_figures(c, True)


# ---------------------------------------------------------------------------- Kafka to Redis

def shown_last(field):
    """Waits until weir-rank has committed all; -> when the current window changed last."""
    last = {"end": None, "at": 0.0}
    ends = field.ends("panes")

    def all_shown():
        end = field.redis.hget(field.key, "window_end")
        if end != last["end"]:
            last.update(end=end, at=time.monotonic())
        field._committed_behind("rank", "panes", ends)
    eventually(all_shown, LONG_S, 0.05)
    return last["at"]


def to_redis_once(field, log, check=False):
    field.reset("ranking")
    servers = broker_cpu_s(field.stack), redis_cpu_s(field.redis)
    programs = [field.start("count"), field.start("rank")]
    seen = field.caught_up("count")
    shown = shown_last(field)
    servers = broker_cpu_s(field.stack) - servers[0], redis_cpu_s(field.redis) - servers[1]
    if check:
        same_as_oracle(field, log)
    for program in programs:
        assert program.stop() == DONE, program.log
    caught_up, end = seen[-1]
    return sample_of(log.rows, *programs, rate=pace([*seen, (max(shown, caught_up), end)], log.rows),
                     shares=[used / log.rows * 1e6 for used in (*(p.cpu_s for p in programs), *servers)])


def same_as_oracle(field, log, windows=5):
    """Some windows of the history against a count of the rows themselves."""
    history = {int(end): json.loads(text) for end, text in field.redis.hgetall(field.key + ":history").items()}
    chosen = sorted(history)[::max(1, len(history) // windows)]
    counts = {end: Counter() for end in chosen}
    with open(log.file(), "rb") as rows:
        for row in rows:
            _, item, _, _, stamp = row.split(b",")
            at = int(stamp) * 1000
            for end in chosen:
                if end - field.rules.size <= at < end:
                    counts[end][item] += 1
    for end in chosen:
        best = oracle.ranked({item.decode(): n for item, n in counts[end].items()}, field.rules.n)
        assert history[end]["ranking"] == best, (end, history[end]["ranking"], best)
        assert history[end]["events"] == counts[end].total(), (end, history[end]["events"])
    expected = (max(history) - min(history)) // field.rules.slide + 1
    assert len(history) == expected, f"{len(history)} windows of {expected}"


def to_redis_figures(c, packed, late=0.0):
    log = Log(c.rows, late)
    field = filled(c, log, packed)
    to_redis_once(field, log, check=True)
    found = in_turns(c.times, own=lambda: to_redis_once(field, log), floor=read_floor(c, field, log))
    begun = start_cost(field, "count", "rank")
    field.close()
    own, floor = ([s.cpu_us for s in found[side]] for side in ("own", "floor"))
    name = f"Kafka to Redis, {'packed' if packed else 'single-row'}{', 1 % late' if late else ''}"
    goal = (1.5 if late else 1) * (0.19 if packed else median(floor) + 0.30)
    rates = Figure(f"{name}: rate", "M/s", [s.more["rate"] / 1e6 for s in found["own"]],
                   [s.per_s / 1e6 for s in found["floor"]], least=4.0 if packed and not late else None)
    return [Figure(f"{name}: CPU", "s/1M", own, floor, most=goal), rates,
            *(Figure(f"{name}: {part}", "s/1M", [s.more["shares"][i] for s in found["own"]])
              for i, part in enumerate(("count's part", "rank's part", "the broker beside", "Redis beside"))),
            Figure(f"{name}: start and end alone", "CPU s", [begun.cpu_s])]


def kafka_to_redis(c):
    return [figure for late in (0.0, LATE) for packed in (False, True) for figure in to_redis_figures(c, packed, late)]


# ---------------------------------------------------------------------------- weir-replay

def replay_once(field, log, rows_per_record):
    field.reset("all")
    return sample_of(log.rows, field.fill(log, rows_per_record))


def made_anew(field):
    """Its topics are empty, and there: a replay of nothing makes them."""
    field.reset("all")
    assert field.start("replay", "/dev/null").wait() == DONE


def bare_produce(c, field, log, rows_per_record, *more):
    """Into a topic as weir-replay's, which is new as that one is."""
    made_anew(field)
    argv = [c.program("floor-produce"), c.stack.kafka, field.topic("events"), field.rules.partitions,
            log.file(), rows_per_record, TRANSACTION_BYTES[rows_per_record], *more]
    return sample_of(log.rows, run([str(word) for word in argv], c.log("floor-produce")))


def replay_figures(c, packed):
    log, per = Log(c.rows), PACKED if packed else 1
    log.file()
    field = Field(c.stack, "replay", c.folder("replay"))
    keyed = {} if packed else {"keyed": lambda: bare_produce(c, field, log, per, "keyed")}
    found = in_turns(c.times, own=lambda: replay_once(field, log, per),
                     floor=lambda: bare_produce(c, field, log, per), **keyed)
    field.reset("all")
    field.close()
    cpu = {side: [s.cpu_us for s in samples] for side, samples in found.items()}
    own, floor = cpu["own"], cpu["floor"]
    name = f"replay, {'packed' if packed else 'single-row'}"
    return [Figure(f"{name}: CPU", "s/1M", own, floor, most=None if packed else 1.1 * median(floor)),
            *(Figure(f"{name}: CPU, beside a producer by key", "s/1M", own, cpu[side]) for side in keyed),
            Figure(f"{name}: rate", "M/s", [s.per_s / 1e6 for s in found["own"]],
                   [s.per_s / 1e6 for s in found["floor"]], least=6.0 if packed else None),
            Figure(f"{name}: peak memory", "MiB", [s.peak_mib for s in found["own"]])]


def parse_figures(c):
    log = Log(c.rows)
    def parse(*more):
        return sample_of(log.rows, run([str(c.program("bench-parse")), str(log.file()), *more], c.log("parse")))
    field = Field(c.stack, "replay", c.folder("replay"))
    found = in_turns(c.times, own=parse, floor=lambda: parse("floor"),
                     dry=lambda: sample_of(log.rows, field.fill(log, 1, replay__dry__run="yes")))
    field.close()
    rate = {side: [1 / s.cpu_us for s in found[side]] for side in found}
    return [Figure("parse and validate", "M rows/s/core", rate["own"], rate["floor"], least=15),
            Figure("replay --dry-run", "M rows/s/core", rate["dry"], rate["floor"])]


def at_the_end(reader):
    reader.must_run()
    assert "waiting" in reader.log


def behind(c, field, log, speed, send):
    """-> how far a reader saw the rows behind their schedule while they were sent."""
    made_anew(field)
    argv = [c.program("bench-lag"), c.stack.kafka, field.topic("events"), field.rules.partitions, speed, log.rows]
    reader = Measured([str(word) for word in argv], c.log("lag"))
    eventually(lambda: at_the_end(reader))
    send()
    assert reader.wait(60) == DONE, reader.log
    return json.loads(reader.log.splitlines()[-1])


def paced_figures(c, rate=200_000, seconds=10):
    """How far committed rows are from their schedule, as their readers see them, beside a bare producer in the same pace."""
    log, speed = Log(rate * seconds), rate / RATE
    log.file()
    field = Field(c.stack, "paced", c.folder("paced"))
    argv = [c.program("floor-produce"), c.stack.kafka, field.topic("events"), field.rules.partitions, log.file(), 1,
            TRANSACTION_BYTES[1], rate]
    found = in_turns(
        c.times, own=lambda: behind(c, field, log, speed, lambda: field.fill(log, 1, replay__speed=f"{speed:.3f}x")),
        floor=lambda: behind(c, field, log, rate / 1000, lambda: run([str(word) for word in argv], c.log("floor-produce"))))
    field.close()
    return [Figure(f"paced replay, {rate:,} rows/s: {which}", "ms behind",
                   *([said[f"{which}_ms"] for said in found[side]] for side in ("own", "floor")),
                   most=50 if which == "max" else None) for which in ("median", "p99", "max")]


def replay(c):
    return parse_figures(c) + replay_figures(c, False) + replay_figures(c, True) + paced_figures(c)


# ---------------------------------------------------------------------------- weir-rank

def rank_slide(c):
    figures, key = [], "{bench-slide}"

    def slide(panes, items, changed=1000, **environment):
        argv = [c.program("bench-slide"), c.stack.redis, key, panes, items, changed]
        said = json.loads(run([str(word) for word in argv], c.log("slide"), environment).log)
        c.forget(key)
        return said
    for name, panes, items, more in (("45 panes", 45, 1_000_000, {}), ("720 panes", 720, 1_000_000, {}),
                                     ("45 panes, 10,000 items", 45, 10_000, {}),
                                     ("45 panes, all counts equal", 45, 1_000_000, {"FLAT": "1"})):
        said = [slide(panes, items, **more) for _ in range(c.times)]
        figures.append(Figure(f"slide, {name}: rank and Redis", "CPU ms",
                              [(s["own_us"] + s["redis_us"]) / 1e3 for s in said], most=1.0))
        figures.append(Figure(f"slide, {name}: rank alone", "CPU ms", [s["own_us"] / 1e3 for s in said]))
    absorbed = [json.loads(run([str(c.program("bench-slide")), "absorb", "5000000"], c.log("absorb")).log)
                for _ in range(c.times)]
    figures.append(Figure("deltas absorbed", "M/s/core", [a["pairs"] / a["us"] for a in absorbed], least=8))
    return figures
