"""The harness: one stack of real servers, and in it a world of its own for every test.

    world.replay(file)      weir-replay to its end              world.run("count")   a daemon
    world.read("events")    a topic, read_committed             world.settle()       until all is done

Nothing here knows what the right results are: that is oracle.py, and agree.py compares.
"""
import fcntl
import itertools
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pymongo
import redis
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import oracle

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("WEIR_BIN", ROOT / "build/bin")).resolve()
CONSUMERS = ("archive", "count", "rank", "recommend")
DONE, RETRY, REFUSED, FENCED = 0, 1, 78, 79
YEAR_1990, YEAR_2100 = 631_152_000_000, 4_102_444_800_000
DEADLINE_S = 60
RESTART_S = 0.1    # RestartSec of the units


def eventually(check, within=DEADLINE_S, every=0.05):
    """Repeats check until it raises no AssertionError; -> what it returned."""
    deadline = time.monotonic() + within
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(every)


@lru_cache(maxsize=None)
def own_ports():
    """-> (100 ports, again and again, their lease), below the range that the kernel gives to outgoing connections; no other process that asks
    here gets them while this one lives."""
    for first in random.SystemRandom().sample(range(10_000, 20_000, 100), 100):
        lease = open(Path(tempfile.gettempdir()) / f"weir-ports-{first}", "w")
        with suppress(OSError):
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return itertools.cycle(range(first, first + 100)), lease
    raise OSError("all ports are taken")


def free_port():
    for port in own_ports()[0]:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


# ---------------------------------------------------------------------------- the stack

class Stack:
    """deploy/stack in a directory. One that was up before is used and left as it is."""

    def __init__(self, folder):
        self.folder = folder
        self.ours = subprocess.run(self.command("status"), capture_output=True).returncode != 0
        self.run("up")
        env = dict(word.split("=", 1) for word in shlex.split(self.run("env")))
        self.kafka, self.redis, self.mongo = (
            env[name] for name in ("WEIR_KAFKA", "WEIR_REDIS", "WEIR_MONGO"))
        self.client = {"bootstrap.servers": self.kafka, "log_level": 2}
        self.admin = AdminClient(self.client)

    def command(self, *words):
        return [ROOT / "deploy/stack", *words, "--dir", self.folder]

    def run(self, *words):
        """start, stop or kill a server, up ...; -> what it said."""
        done = subprocess.run(self.command(*words), stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"deploy/stack {words}"
        return done.stdout

    def signal(self, server, number):
        os.kill(int((self.folder / f"{server}.pid").read_text()), number)

    def down(self):
        if self.ours:
            self.run("down", "--wipe")


# ---------------------------------------------------------------------------- programs

@lru_cache(maxsize=None)
def known_keys(program):
    """-> the configuration keys of a program, from its --help."""
    text = subprocess.run([BIN / program, "--help"], check=True, capture_output=True, text=True)
    keys, section = set(), None
    for line in text.stdout.splitlines():
        if found := re.match(r"\[([a-z]+)\]", line):
            section = found[1]
        elif section and (found := re.match(r"#?([a-z][a-z0-9._]*) *=", line)):
            keys.add(f"{section}.{found[1]}")
    return keys


def known_of(program, settings):
    """-> those of the settings that a program knows."""
    known = known_keys(program)
    return {key: value for key, value in settings.items()
            if key in known or key.startswith("kafka.") and "topics.prefix" in known}


class Ended(Exception):
    """A program ended that should run: no reason to wait any longer."""


class Program:
    """A running program of Weir; its log goes to a file. With `supervised` it comes back as under
    systemd: after status 1 or a signal, but not after 0, 78, 79 or when it was told to stop.
    environments(n) -> what the n-th process of it, from 0 on, has in its environment beside ours."""

    def __init__(self, argv, log, port=None, supervised=False, environments=lambda n: {}):
        self.argv, self.log_path, self.port = argv, log, port
        self.supervised, self.statuses, self.environments = supervised, [], environments
        self.lives = 0
        self._spawn()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _spawn(self):
        with open(self.log_path, "ab") as log:
            environment = {**os.environ, **self.environments(self.lives)}
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment)
            self.lives += 1

    def _keep(self):
        while True:
            status = self.process.wait()
            self.statuses.append(status)
            if not self.supervised or status in (DONE, REFUSED, FENCED):
                return
            time.sleep(RESTART_S)
            if not self.supervised:
                return
            self._spawn()

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    @property
    def running(self):
        return self._keeper.is_alive()

    def signal(self, number):
        self.process.send_signal(number)

    def _await_life(self):
        """A supervised program may be between two lives: what it gets then would reach nobody."""
        def lives():
            assert not self.running or len(self.statuses) < self.lives
        eventually(lives, 10, 0.005)

    def kill(self):
        """kill -9. A supervised program comes back."""
        self._await_life()
        before = len(self.statuses)
        if not self.running:
            return
        self.process.kill()
        eventually(lambda: self._ended(before), 10, 0.005)

    def _ended(self, before):
        assert len(self.statuses) > before

    def wait(self, within=DEADLINE_S):
        """Until it has ended for good; -> its exit status."""
        self._keeper.join(within)
        assert not self.running, f"{self.argv[0].name} still runs after {within} s"
        return self.statuses[-1]

    def stop(self, within=30):
        """SIGTERM; -> its exit status."""
        self._await_life()
        self.supervised = False
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def restart(self, within=30):
        """As `systemctl restart`; -> the status that it ended with."""
        status = self.stop(within)
        self.supervised = True
        self._spawn()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        return status

    def end(self):
        """Whatever it does, it is gone afterwards."""
        self.supervised = False
        while self.running:
            self.process.kill()
            self._keeper.join(0.2)

    def must_run(self):
        if not self.running and self.statuses[-1] != DONE:
            raise Ended(f"{self.argv[0].name} ended with {self.statuses[-1]}")

    def get(self, path):
        """-> (status, text) of an HTTP path; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metrics(self):
        """-> {"weir_rows_in_total": value, 'weir_rows_bad_total{reason="time"}': value, ...}"""
        status, text = self.get("/metrics")
        assert status == 200, text
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if line[:1] not in ("", "#"))
        return {name: float(value) for name, value in lines}

    def total(self, name):
        """-> the sum of all series of a metric, 0 if there is none."""
        return sum(v for series, v in self.metrics().items() if series.split("{")[0] == name)

    def ready(self):
        """Waits until it says that it works."""
        def answers():
            self.must_run()
            assert self.get("/readyz")[0] == 200
        eventually(answers)
        return self


# ---------------------------------------------------------------------------- worlds

class Message(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def metadata_of(committed):
    """The client may read beyond the end of a metadata text: what follows it is of no meaning."""
    try:
        text = committed.metadata or ""
    except UnicodeDecodeError as error:
        text = error.object.decode(errors="replace")
    return re.match(r"(v=\d+( \w+=(-?\d+|-))*)?", text)[0]


@dataclass(frozen=True)
class Rules:
    """What gives a log its meaning, in ms: for the daemons' options and for the oracle."""
    partitions: int = 4
    size: int = 600_000
    slide: int = 60_000
    n: int = 20
    history: int = 10_000
    delay: int = 10_000
    lateness: int = 120_000
    interval: int = 20_000
    k: int = 10
    recommend_n: int = 8
    idle: int = 700
    columns: str = "user,item,category,behavior,time"
    unit: str = "s"
    separator: str = ","
    kind: str = "csv"
    max_ahead: int | None = None    # of rows in a topic with the broker's time

    @property
    def form(self):
        separator = self.separator.replace("\\t", "\t")
        return oracle.Format(self.columns, self.unit, separator, self.kind, YEAR_1990, YEAR_2100,
                             self.max_ahead)

    def options(self):
        return {
            "topics.partitions": self.partitions, "window.size": f"{self.size}ms",
            "window.slide": f"{self.slide}ms", "window.n": self.n,
            "window.history": self.history, "time.delay": f"{self.delay}ms",
            "time.lateness": f"{self.lateness}ms", "time.idle.timeout": f"{self.idle}ms",
            "recommend.interval": f"{self.interval}ms", "recommend.k": self.k,
            "recommend.n": self.recommend_n, "record.columns": self.columns,
            "record.time_unit": self.unit, "record.separator": self.separator,
            "record.format": self.kind}


class World:
    """Topics, groups, a database, Redis keys and programs that no other test touches."""

    kind = Program

    def __init__(self, stack, name, folder, **rules):
        self.stack, self.name, self.folder = stack, name, folder
        self.rules = Rules(**rules)
        self.programs, self._groups = [], {}
        self.key = f"{{{name}}}"
        self.redis = redis.Redis.from_url(f"redis://{stack.redis}", decode_responses=True)
        self.client = pymongo.MongoClient(stack.mongo, tz_aware=True, w="majority")
        self.mongo = self.client[name]
        self.settings = {
            "kafka.bootstrap.servers": stack.kafka, "topics.prefix": name,
            "mongo.uri": stack.mongo, "mongo.database": name, "redis.address": stack.redis,
            "redis.key": self.key, "daemon.runtime_dir": folder, "batch.interval": "100ms",
            "group.session.timeout": "6s", "infer.url": "http://127.0.0.1:9",
            **self.rules.options()}

    # ---- programs

    def argv(self, program, **more):
        """The command line; options that the program does not know are left out, `more` are not.

        A keyword names a key: window__size for window.size, or {"window.size": ...} as **."""
        named = {key.replace("__", "."): value for key, value in more.items()}
        options = known_of(program, self.settings)
        words = [f"{key}={value}" for key, value in {**options, **named}.items()]
        return [BIN / program, *(part for word in words for part in ("-o", word))]

    def start(self, program, *arguments, instance=None, supervised=False,
              environments=lambda n: {}, **more):
        """Starts a program of Weir. With an instance it is a static member of its group."""
        port = free_port()
        if "http.listen" in known_keys(f"weir-{program}"):
            more = {"http.listen": f"127.0.0.1:{port}", **more}
        argv = self.argv(f"weir-{program}", **more)
        if instance is not None:
            argv += ["--instance", str(instance)]
        log = self.folder / f"{len(self.programs)}-{program}.log"
        self.programs.append(self.kind([*argv, *map(str, arguments)], log, port, supervised,
                                       environments))
        return self.programs[-1]

    def run(self, daemon, instance=None, **more):
        """Starts a daemon and waits until it is ready."""
        return self.start(daemon, instance=instance, **more).ready()

    def run_all(self, *daemons, instances=1, **more):
        """Starts several daemons, `instances` of each, at once."""
        names = [None] if instances == 1 else range(instances)
        started = [self.start(daemon, instance=name, **more)
                   for daemon in daemons or CONSUMERS for name in names]
        return [self.awake(program) for program in started]

    @staticmethod
    def awake(program):
        """An instance that stands by (weir-rank has one partition to read) need not be ready."""
        def answers():
            program.must_run()
            assert program.get("/healthz")[0] == 200
        eventually(answers)
        return program

    def replay(self, log, *arguments, status=DONE, **more):
        """Runs weir-replay to its end; -> the finished program."""
        program = self.start("replay", log, *arguments, **more)
        assert program.wait() == status, program.log
        return program

    def end(self):
        for program in self.programs:
            program.end()
        for group in self._groups.values():
            group.close()
        self.client.drop_database(self.name)
        self.client.close()
        if keys := self.redis.keys(self.key.replace("{", "\\{") + "*"):
            self.redis.delete(*keys)
        self.redis.close()
        self._forget_topics()

    def _forget_topics(self):
        ours = [topic for topic in self.stack.admin.list_topics(timeout=10).topics
                if topic.startswith(self.name + "-")]
        if ours:
            self.stack.admin.delete_topics(ours)

    # ---- Kafka

    def topic(self, which):
        return f"{self.name}-{which}"

    def create_events(self):
        """The events topic as Weir makes it for replays."""
        topic = NewTopic(self.topic("events"), self.rules.partitions, 1, config={
            "retention.ms": "-1", "message.timestamp.type": "CreateTime"})
        self.stack.admin.create_topics([topic])[topic.topic].result(30)

    def produce(self, messages):
        """Sends (partition, timestamp, key, value) to the events topic past weir-replay."""
        failed = []
        producer = Producer({**self.stack.client, "linger.ms": 5, "enable.idempotence": True,
                             "on_delivery": lambda error, _: error and failed.append(error)})
        for partition, timestamp, key, value in messages:
            producer.produce(self.topic("events"), value, key, partition, timestamp=timestamp)
            producer.poll(0)
        assert producer.flush(30) == 0 and not failed

    def produce_rows(self, rows):
        """Sends rows (bytes) one by one, each where its user belongs; bad ones anywhere."""
        def message(row):
            event = oracle.decode(row, self.rules.form) or {"user": row[:8].hex(), "time": 10**12}
            where = oracle.partition_of(event["user"], self.rules.partitions)
            return where, event["time"], event["user"].encode(), row
        self.produce(map(message, rows))

    def read(self, which, only=None):
        """All committed messages of a topic, or of one partition, in order of (partition, offset);
        none if the topic is not there."""
        about = self.stack.admin.list_topics(self.topic(which), timeout=10).topics[self.topic(which)]
        if about.error is not None:
            return []
        wanted = about.partitions if only is None else [only]
        with self._reader() as reader:
            return self._read_on(reader, which, dict.fromkeys(wanted, OFFSET_BEGINNING))

    def ends(self, which):
        """-> {partition: the offset behind its last committed message}; what transactions leave in
        the log beyond it is no message."""
        with self._reader() as reader:
            return {p: self._end(reader, which, p)
                    for p in range(1 if which == "panes" else self.rules.partitions)}

    def _end(self, reader, which, partition):
        where = TopicPartition(self.topic(which), partition)
        low, high = reader.get_watermark_offsets(where, timeout=10)
        back = 16
        while high > low:
            first = max(low, high - back)
            if found := self._read_on(reader, which, {partition: first}):
                return found[-1].offset + 1
            if first == low:
                break
            back *= 8
        return low

    @contextmanager
    def _reader(self):
        reader = Consumer({**self.stack.client, "group.id": "unused",
                           "enable.auto.commit": False, "enable.partition.eof": True,
                           "isolation.level": "read_committed", "fetch.wait.max.ms": 10})
        yield reader
        reader.close()

    def _read_on(self, reader, which, offsets):
        """{partition: offset} -> all messages from there to the ends."""
        topic, messages, open_ones = self.topic(which), [], set(offsets)
        reader.assign([TopicPartition(topic, p, offset) for p, offset in offsets.items()])
        while open_ones:
            message = reader.poll(20)
            assert message is not None, f"{topic} cannot be read to its end"
            if message.error() is None:
                messages.append(Message(message.partition(), message.offset(),
                                        message.timestamp()[1], message.key(), message.value()))
            else:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                open_ones.discard(message.partition())
        return sorted(messages, key=lambda m: (m.partition, m.offset))

    def rows(self, only=None):
        """-> {partition: the oracle's rows} of the events topic, or of one partition."""
        records = [oracle.Record(m.partition, m.offset, m.timestamp, m.value)
                   for m in self.read("events", only)]
        return oracle.read_rows(records, self.rules.form)

    def committed(self, daemon, which="events"):
        """-> {partition: (offset, metadata)} of the daemon's group."""
        group = f"{self.name}-{daemon}"
        if group not in self._groups:
            self._groups[group] = Consumer({
                **self.stack.client, "group.id": group, "isolation.level": "read_committed"})
        partitions = 1 if which == "panes" else self.rules.partitions
        asked = [TopicPartition(self.topic(which), p) for p in range(partitions)]
        try:
            found = self._groups[group].committed(asked, timeout=30)
        except KafkaException as error:    # a broker that has just started is asked again
            raise AssertionError(f"{group}: {error}") from error
        return {p.partition: (p.offset, metadata_of(p)) for p in found if p.offset >= 0}

    def begun(self, daemon):
        """Waits until the daemon's group has a position everywhere."""
        def all_there():
            assert len(self.committed(daemon)) == self.rules.partitions
        eventually(all_there)

    def settle(self, *daemons, within=DEADLINE_S):
        """Waits until each daemon's group has committed behind the last record of its input: what stands open at the end
        of a log is closed when its partitions have been idle for long enough."""
        within += self.rules.idle / 1000
        for daemon in daemons or [p for p in CONSUMERS if self._started(p)]:
            which = "panes" if daemon == "rank" else "events"
            ends = self.ends(which)
            eventually(lambda: self._committed_behind(daemon, which, ends), within)

    def _started(self, daemon):
        return any(p.argv[0].name == f"weir-{daemon}" for p in self.programs)

    def _committed_behind(self, daemon, which, ends):
        [*_, newest] = [p for p in self.programs if p.argv[0].name == f"weir-{daemon}"]
        newest.must_run()
        now = self.committed(daemon, which)
        for partition, end in ends.items():
            offset, metadata = now.get(partition, (-1, ""))
            if daemon == "rank":    # its offset is what a restart must read again
                found = re.search(r"next=(\d+)", metadata)
                offset = int(found[1]) if found else -1
            assert offset >= end, f"{daemon}: partition {partition} at {offset} of {end}"

    # ---- stores

    def documents(self, collection):
        return {document["_id"]: document for document in self.mongo[collection].find()}

    def hot(self):
        """-> what Redis holds of the ranking: hash, items, order, history, versions."""
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self.key)
            pipe.zrange(self.key + ":items", 0, -1, withscores=True)
            pipe.lrange(self.key + ":order", 0, -1)
            pipe.hgetall(self.key + ":history")
            pipe.hgetall(self.key + ":versions")
            names = ("hash", "items", "order", "history", "versions")
            return dict(zip(names, pipe.execute()))
