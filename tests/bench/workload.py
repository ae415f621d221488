"""The workload of the goals: rows of about 27 bytes, Zipf 1.05 over 100,000 items, 10,000,000 of them in 9 days of event time.
A log is made once and kept; so is the topic that holds it, as long as the stack is up."""
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from measure import Measured
from weir import BIN, DONE, World, eventually

FOLDER = BIN.parent / "bench"
RATE = 10_000_000 / (9 * 86_400)    # rows per second of event time
USERS = ITEMS = 100_000
HOUR_MS, SLIDE_MS = 3_600_000, 80_000
PACKED = 64
LONG_S = 900


@dataclass(frozen=True)
class Log:
    rows: int
    late: float = 0.0         # the share of rows that come minutes late
    items: int = ITEMS
    users: int = USERS
    rate: float = RATE

    @property
    def name(self):
        return f"{self.rows}-{self.late:g}-{self.items}-{self.users}-{self.rate:.5g}"

    def command(self, out):
        options = {"rows": self.rows, "users": self.users, "items": self.items, "rate": f"{self.rate:.6g}",
                   "zipf": 1.05, "late": self.late, "late.max": "5min", "bad": 0, "follow": 0, "drift": 0,
                   "out": out}
        return [BIN / "weir-synth", *(word for key, value in options.items() for word in ("-o", f"synth.{key}={value}"))]

    def file(self):
        """-> its path; made when it is not there."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"log-{self.name}.csv"
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}")
            subprocess.run(self.command(partial), check=True)
            partial.rename(path)
        return path


class Field(World):
    """A world of the workload's name: its topics outlive a run of the suite when the stack does. The options are those of the
    products, but for the windows of the goals."""

    kind = Measured

    def __init__(self, stack, name, folder, **rules):
        rules = {"partitions": 4, "size": HOUR_MS, "slide": SLIDE_MS, "n": 17, "history": 10_000,
                 "lateness": 600_000, "idle": 30_000, **rules}
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(stack, f"bench-{name}", folder, **rules)
        for key in ("batch.interval", "group.session.timeout", "infer.url"):
            del self.settings[key]

    def fill(self, log, rows_per_record=1, **more):
        """Replays a log into the topic of events, unless that was done."""
        program = self.start("replay", log.file(), "--rows-per-record", rows_per_record, **more)
        assert program.wait(LONG_S) == DONE, program.log
        return program

    def reset(self, scope):
        done = subprocess.run([*self.argv("weir-reset"), scope, "--yes"], capture_output=True, text=True)
        assert done.returncode == DONE, done.stderr

    def close(self):
        """Ends all but the topics."""
        for program in self.programs:
            program.end()
        for group in self._groups.values():
            group.close()
        self._groups.clear()
        self.client.close()
        self.redis.close()

    def caught_up(self, daemon, which="events"):
        """Waits until all is committed; -> [(time, offsets committed)] on the way. Asks the broker, not the daemon."""
        ends, seen = self.ends(which), []

        def all_there():
            now = {p: offset for p, (offset, _) in self.committed(daemon, which).items()}
            seen.append((time.monotonic(), sum(now.values())))
            self.programs[-1].must_run()
            assert all(now.get(p, -1) >= end for p, end in ends.items()), f"{daemon}: {now} of {ends}"
        eventually(all_there, LONG_S, 0.05)
        return seen


def pace(seen, rows):
    """[(time, offsets)] of a catch-up -> rows per second between its first commit and its last."""
    begun = [(t, n) for t, n in seen if n > 0]
    (first, low), (last, high) = begun[0], begun[-1]
    return rows * (high - low) / high / (last - first) if last > first else float("nan")


def broker_cpu_s(stack):
    """Seconds of CPU that the broker has used so far."""
    pid = (stack.folder / "kafka.pid").read_text().strip()
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def redis_cpu_s(client):
    used = client.info("cpu")
    return used["used_cpu_user"] + used["used_cpu_sys"]
