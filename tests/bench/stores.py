"""Into MongoDB: weir-archive and weir-recommend, and bare loops that write the same documents."""
import json
import random
import subprocess
import time
from dataclasses import dataclass
from statistics import median

from confluent_kafka import Producer
from pymongo import WriteConcern

import oracle
from measure import Figure, in_turns, run, sample_of
from weir import DONE, eventually, free_port
from workload import FOLDER, LONG_S, PACKED, Field, Log

ROWS_MAX = 500_000    # of the archive's workload: MongoDB is a hundred times slower than Kafka


# ---------------------------------------------------------------------------- weir-archive

def archive_once(field, log):
    field.reset("archive")
    program = field.start("archive")
    seen = field.caught_up("archive")
    batches = sum(value for name, value in program.metrics().items() if "flush_seconds_count" in name)
    assert program.stop() == DONE, program.log
    begun = next(t for t, n in seen if n > 0)
    first = next(n for t, n in seen if n > 0)
    last, end = seen[-1]
    return sample_of(log.rows, program, wall_s=(last - begun) * end / (end - first),
                     batch=round(log.rows / batches))


def bare_archive(c, field, log, batch, what):
    """Into a database of its own, with the archive's indexes."""
    name = f"{field.name}-floor"
    database = field.client[name]
    field.client.drop_database(name)
    database.events.create_index([("user", 1), ("time", -1)])
    database.events.create_index([("time", 1)])
    database.consumed.create_index([("user", 1), ("last", -1)])
    argv = [c.program("floor-mongo"), c.stack.mongo, name, log.file(), batch, what]
    sample = sample_of(log.rows, run([str(word) for word in argv], c.log("floor-mongo")))
    sample.more["pairs"] = database.consumed.estimated_document_count()
    field.client.drop_database(name)
    return sample


def archive_runs(c, field, log, times, *whats):
    """The archive and bare loops by turns, in bulks as large as the archive's were. -> as in_turns"""
    batch = archive_once(field, log).more["batch"]
    floors = {what: lambda what=what: bare_archive(c, field, log, batch, what) for what in whats}
    return in_turns(times, own=lambda: archive_once(field, log), **floors)


def archive(c):
    """The archive writes events and consumed always, so its floor does both; the floor of events alone is told beside it."""
    log = Log(min(c.rows, ROWS_MAX))
    field = Field(c.stack, f"archive-{log.rows}", c.folder("archive"))
    field.fill(log, 1)
    found = archive_runs(c, field, log, c.times, "both", "events")
    field.reset("archive")
    field.close()
    rate = {side: [s.per_s / 1e3 for s in samples] for side, samples in found.items()}
    cpu = {side: [s.cpu_us for s in samples] for side, samples in found.items()}
    return [Figure("archive, events + consumed: rate", "k rows/s", rate["own"], rate["both"],
                   least=0.95 * median(rate["both"])),
            Figure("archive, events + consumed: client CPU", "s/1M", cpu["own"], cpu["both"],
                   most=1.1 * median(cpu["both"])),
            Figure("bare loop, events alone: rate", "k rows/s", rate["events"]),
            Figure("bare loop, events alone: client CPU", "s/1M", cpu["events"]),
            Figure("archive: rows of a batch", "rows", [s.more["batch"] for s in found["own"]]),
            Figure("archive: peak memory", "MiB", [s.peak_mib for s in found["own"]])]


# ---------------------------------------------------------------------------- weir-recommend

INTERVAL_S, WAVE, BEGIN_S = 20, 768, 1_511_568_000


class Answers:
    """A service that answers after so long."""

    def __init__(self, c, delay_ms):
        self.port = free_port()
        self.process = subprocess.Popen([c.program("bench-infer"), str(self.port), str(delay_ms)],
                                        stdin=subprocess.PIPE)

    def __enter__(self):
        return f"http://127.0.0.1:{self.port}"

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


@dataclass(frozen=True)
class Crowd:
    """Every user does one thing in every interval."""
    users: int
    rounds: int

    @property
    def rows(self):
        return self.users * self.rounds

    def file(self):
        path = FOLDER / f"crowd-{self.users}-{self.rounds}.csv"
        FOLDER.mkdir(parents=True, exist_ok=True)
        dice = random.Random(self.users)
        with open(path, "w") as out:
            for n in range(self.rounds):
                for user in range(1, self.users + 1):
                    at = BEGIN_S + n * INTERVAL_S + user * (INTERVAL_S - 1) // self.users
                    out.write(f"{user},{dice.randrange(100_000)},7,pv,{at}\n")
        return path


def recommend_once(field, crowd, url):
    field.reset("recommend")
    collection = field.mongo.recommendations
    program, seen = field.start("recommend", infer__url=url), []

    def all_there():
        program.must_run()
        seen.append((time.monotonic(), collection.estimated_document_count()))
        assert seen[-1][1] >= crowd.rows, seen[-1]
    eventually(all_there, LONG_S, 0.02)
    field.settle("recommend", within=LONG_S)
    assert program.stop() == DONE, program.log
    by_model = collection.count_documents({"source": "model"})
    assert by_model == crowd.rows, f"{by_model} of {crowd.rows} are the model's"
    # the last rounds wait until the log is idle: the rate is that of what came before
    most = crowd.users * (crowd.rounds - 2)
    begun = next((t, n) for t, n in seen if n > 0)
    ended = next((t, n) for t, n in seen if n >= most)
    return sample_of(crowd.rows, program, rate=(ended[1] - begun[1]) / (ended[0] - begun[0]))


def bare_recommend(c, field, crowd):
    name = f"{field.name}-floor"
    field.client.drop_database(name)
    field.client[name].recommendations.create_index([("user", 1), ("time", -1)])
    argv = [c.program("floor-recommend"), c.stack.mongo, name, crowd.users, crowd.rounds, WAVE]
    program = run([str(word) for word in argv], c.log("floor-recommend"))
    said = json.loads(program.log)
    field.client.drop_database(name)
    return sample_of(crowd.rows, program, rate=said["recommendations"] / said["us"] * 1e6)


def recommend_figures(c, users, rounds, delays):
    crowd = Crowd(users, rounds)
    field = Field(c.stack, f"crowd-{users}-{rounds}", c.folder("recommend"), interval=INTERVAL_S * 1000, idle=1000)
    field.fill(crowd, PACKED)
    sides = {"floor": lambda: bare_recommend(c, field, crowd)}
    for delay_ms in delays:
        def own(delay_ms=delay_ms):
            with Answers(c, delay_ms) as url:
                return recommend_once(field, crowd, url)
        sides[delay_ms] = own
    found = in_turns(c.times, **{str(side): call for side, call in sides.items()})
    field.reset("recommend")
    field.close()
    floor = [s.more["rate"] / 1e3 for s in found.pop("floor")]
    figures, base = [], median(floor)
    for delay_ms, samples in found.items():
        rates, name = [s.more["rate"] / 1e3 for s in samples], f"recommend, {users:,} users a round, {delay_ms} ms"
        figures += [Figure(f"{name}: rate", "k/s", rates, floor, least=0.9 * base),
                    Figure(f"{name}: CPU", "s/1M", [s.cpu_us for s in samples]),
                    Figure(f"{name}: peak memory", "MiB", [s.peak_mib for s in samples])]
        base = median(rates)
    return figures


def live_once(c, field, rounds, users):
    """Rows come as they happen: -> (ms from the acknowledged row that closes an interval to each stored recommendation, ms from a
    bare insert to its sight: of one document after each round)."""
    delays, bare, producer = [], [], Producer({**c.stack.client, "linger.ms": 0})
    def send(rows):
        for user, at in rows:
            key = str(user)
            producer.produce(field.topic("events"), f"{user},{random.randrange(1000)},7,pv,{at}".encode(), key.encode(),
                             oracle.partition_of(key, field.rules.partitions), timestamp=at * 1000)
        assert producer.flush(10) == 0
    def seen(changes, n, since, delays):
        for _ in range(n):
            assert next(change for change in changes if change["operationType"] == "insert")
            delays.append((time.monotonic() - since) * 1e3)
    concern = WriteConcern("majority", j=True)
    floor = field.client.get_database(f"{field.name}-floor", write_concern=concern).recommendations
    with field.mongo.recommendations.watch(max_await_time_ms=1000) as changes, \
            floor.watch(max_await_time_ms=1000) as floor_changes:
        for n in range(rounds):
            start = BEGIN_S + n * INTERVAL_S
            send((user, start + 1) for user in range(1, users + 1))
            time.sleep(0.03)    # rows of an interval come before the one that closes it
            send([(users + 1, start + INTERVAL_S + field.rules.delay // 1000)])
            seen(changes, users + (n > 0), time.monotonic(), delays)
            begun = time.monotonic()
            floor.insert_one({"_id": n})
            seen(floor_changes, 1, begun, bare)
    field.client.drop_database(floor.database.name)
    return delays, bare


def live_figures(c, users, rounds=200):
    field = Field(c.stack, f"live-{users}", c.folder(f"live-{users}"), partitions=1, delay=1000,
                  interval=INTERVAL_S * 1000)
    if field.topic("events") not in c.stack.admin.list_topics(timeout=10).topics:
        field.create_events()
    field.reset("all")
    field.client.drop_database(f"{field.name}-floor")
    with Answers(c, 0) as url:
        program = field.run("recommend", infer__url=url)
        found, bare = (sorted(ms) for ms in live_once(c, field, rounds, users))
        program.stop()
    field.close()
    at = lambda ms, share: [ms[int(share * (len(ms) - 1))]]
    name = f"recommend live, {users} users a round: row to stored"
    return [Figure(f"{name}, median", "ms", at(found, 0.5), at(bare, 0.5)),
            Figure(f"{name}, p99", "ms", at(found, 0.99), at(bare, 0.99), most=50)]


def recommend(c):
    rounds = 12 if c.rows < 5_000_000 else 40
    return [*recommend_figures(c, 2000, rounds, (0, 10)), *live_figures(c, 1), *live_figures(c, 50)]
