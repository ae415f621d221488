"""How cost and memory grow, and how long a start takes."""
import time
from dataclasses import replace
from statistics import median

from catchup import ALONE, count_once, filled, start_cost, to_redis_once
from measure import Figure, in_turns, sample_of
from stores import INTERVAL_S, Answers, Crowd, recommend_once
from weir import CONSUMERS, DONE
from workload import PACKED, RATE, Field, Log, broker_cpu_s, pace

SMALL, MIDDLE = 1_000_000, 4_000_000
MIB = 1 << 20


# ---------------------------------------------------------------------------- growth

def to_redis(c, log, **rules):
    """-> (a run of count and rank over the packed log that takes off what a start and an end cost, what ends it)."""
    field = filled(c, log, True, **rules)
    field.reset("ranking")
    to_redis_once(field, log)
    begun = start_cost(field, "count", "rank").cpu_s

    def once():
        sample = to_redis_once(field, log)
        return replace(sample, cpu_s=sample.cpu_s - begun)
    return once, field


def compared(c, name, small, large, most):
    """Two ways of the same work by turns; `most` bounds the ratio of their costs per event."""
    (one, first), (other, second) = small, large
    found = in_turns(c.times, small=one, large=other)
    first.close(), second.close()
    cpu = {side: [s.cpu_us for s in samples] for side, samples in found.items()}
    return Figure(f"{name}: CPU without the start", "s/1M", cpu["large"], cpu["small"], most=most * median(cpu["small"]))


def growth(c):
    log = Log(MIDDLE)
    per_slide = RATE * 300    # events of a slide: the same in 12 panes and in 720
    return [
        compared(c, f"events, {SMALL:,} to {c.rows:,}", to_redis(c, Log(SMALL)), to_redis(c, Log(c.rows)), 1.15),
        compared(c, "panes, 12 to 720", to_redis(c, log, slide=300_000),
                 to_redis(c, Log(MIDDLE, rate=per_slide / 5), slide=5_000), 1.15),
        compared(c, "partitions, 1 to 12", to_redis(c, log, partitions=1), to_redis(c, log, partitions=12), 1.15),
        compared(c, "items, 10,000 to 1,000,000", to_redis(c, Log(MIDDLE, items=10_000)),
                 to_redis(c, Log(MIDDLE, items=1_000_000)), 3),
        *instances(c)]


def count_by(c, field, log, instances):
    field.reset("ranking")
    before = broker_cpu_s(c.stack)
    programs = [field.start("count", instance=i, **ALONE) for i in range(instances)]
    seen = field.caught_up("count")
    for program in programs:
        assert program.stop() == DONE, program.log
    return sample_of(log.rows, *programs, rate=pace(seen, log.rows), broker=broker_cpu_s(c.stack) - before)


def instances(c):
    log = Log(c.rows)
    field = filled(c, log, True)
    found = in_turns(c.times, one=lambda: count_by(c, field, log, 1), two=lambda: count_by(c, field, log, 2))
    field.close()
    rate = {side: [s.more["rate"] / 1e6 for s in samples] for side, samples in found.items()}
    return [Figure("count, packed, two instances to one: rate", "M/s", rate["two"], rate["one"],
                   least=1.6 * median(rate["one"])),
            Figure("of that, the broker", "CPU s/1M", [s.more["broker"] / log.rows * 1e6 for s in found["two"]])]


# ---------------------------------------------------------------------------- memory

def alive(log):
    """-> (items, (item, pane) pairs) of a log that is no longer than a window."""
    pairs = set()
    with open(log.file(), "rb") as rows:
        for row in rows:
            _, item, _, _, stamp = row.split(b",")
            pairs.add((item, int(stamp) // 80))
    return len({item for item, _ in pairs}), len(pairs)


def rank_memory(c):
    log = Log(2 * SMALL, items=1_000_000, rate=2 * SMALL / 3500)
    field = filled(c, log, True)
    field.reset("ranking")
    count, rank = field.start("count"), field.start("rank")
    field.caught_up("count")
    field.settle("rank", within=120)
    for program in (count, rank):
        assert program.stop() == DONE, program.log
    field.close()
    items, pairs = alive(log)
    return Figure(f"rank, {items:,} items in {pairs:,} (item, pane): peak", "MiB", [rank.peak_mib],
                  most=32 + (64 * items + 16 * pairs) / MIB)


def recommend_memory(c, users=20_000):
    crowd = Crowd(users, 3)
    field = Field(c.stack, f"crowd-{users}-3", c.folder("memory"), interval=INTERVAL_S * 1000, idle=1000)
    field.fill(crowd, PACKED)
    with Answers(c, 0) as url:
        peak = recommend_once(field, crowd, url).peak_mib
    field.reset("recommend")
    field.close()
    return Figure(f"recommend, {users:,} users: peak", "MiB", [peak], most=48 + 512 * users / MIB)


def archive_memory(c, rows=200_000):
    field = filled(c, Log(rows), True)
    field.reset("archive")
    program = field.start("archive")
    field.caught_up("archive")
    program.stop()
    field.reset("archive")
    field.close()
    return Figure("archive, packed: peak", "MiB", [program.peak_mib], most=64)


def memory(c):
    figures = []
    for rows in (SMALL, c.rows):
        log = Log(rows)
        field = filled(c, log, True)
        peak = count_once(field, log).peak_mib
        field.close()
        figures.append(Figure(f"count, packed, {rows:,} events: peak", "MiB", [peak], most=64))
        field = Field(c.stack, "replay", c.folder("replay"))
        field.reset("all")
        figures.append(Figure(f"replay, packed, {rows:,} events: peak", "MiB", [field.fill(log, PACKED).peak_mib], most=64))
        field.close()
    return [*figures, archive_memory(c), rank_memory(c), recommend_memory(c)]


# ---------------------------------------------------------------------------- start

def seconds_to_ready(program):
    while program.get("/readyz")[0] != 200:
        program.must_run()
        time.sleep(0.001)
    return time.monotonic() - program.began


def start(c):
    field = Field(c.stack, "start", c.folder("start"))
    field.fill(Log(1000), 1)
    figures = []
    for daemon in CONSUMERS:
        field.run(daemon, instance=0).stop()
        took = []
        for _ in range(c.times):
            program = field.start(daemon, instance=0)
            took.append(seconds_to_ready(program) * 1e3)
            program.stop()
        figures.append(Figure(f"{daemon}: from exec to ready, a member that comes back", "ms", took, most=250))
    field.close()
    return figures
