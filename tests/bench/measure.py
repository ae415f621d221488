"""What a program used, and what several runs of it say together."""
import os
import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import proc
from weir import DONE, Program


SAMPLE_S = 0.05


class Measured(Program):
    """A program whose CPU (the libraries' threads included) the kernel has counted, and its memory by samples: what
    getrusage tells of that begins with what we ourselves have."""

    def _spawn(self):
        self.began, self.peak_kib = time.monotonic(), 0
        super()._spawn()

    def _keep(self):
        threading.Thread(target=self._sample, daemon=True).start()
        _, status, self.used = os.wait4(self.process.pid, 0)
        self.ended = time.monotonic()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.statuses.append(self.process.returncode)

    def _sample(self):
        while not self.statuses:
            with suppress(OSError, StopIteration):    # it is ending
                self.peak_kib = int(proc.status(self.process.pid, "VmHWM"))
            time.sleep(SAMPLE_S)

    def signal(self, number):
        os.kill(self.process.pid, number)

    @property
    def cpu_s(self):
        return self.used.ru_utime + self.used.ru_stime

    @property
    def peak_mib(self):
        return self.peak_kib / 1024

    @property
    def wall_s(self):
        return self.ended - self.began


def run(argv, log, environment=None, within=600):
    """A floor, to its end; -> the finished program."""
    program = Measured(argv, log, environments=lambda n: environment or {})
    assert program.wait(within) == DONE, program.log
    return program


@dataclass
class Sample:
    """One run: CPU seconds and wall seconds for `n` things, peak memory; `more` is the bench's own."""
    n: int
    cpu_s: float
    wall_s: float
    peak_mib: float = 0.0
    more: dict = field(default_factory=dict)

    @property
    def cpu_us(self):
        """Per thing, which is seconds per million."""
        return self.cpu_s / self.n * 1e6

    @property
    def per_s(self):
        return self.n / self.wall_s


def sample_of(n, *programs, wall_s=None, **more):
    return Sample(n, sum(p.cpu_s for p in programs), wall_s or max(p.wall_s for p in programs),
                  max(p.peak_mib for p in programs), more)


def in_turns(times, **sides):
    """Runs each side so often, one after the other; -> {side: [what it returned]}."""
    found = {name: [] for name in sides}
    for _ in range(times):
        for name, side in sides.items():
            found[name].append(side())
    return found


@dataclass
class Figure:
    """One line of the table: some runs, and those of its floor in the same minutes. `most` and `least` are goals."""
    name: str
    unit: str
    values: list
    floor: list = field(default_factory=list)
    most: float | None = None
    least: float | None = None

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def floor_median(self):
        return statistics.median(self.floor) if self.floor else None

    @property
    def ratio(self):
        """To the floor; None without one."""
        return self.median / self.floor_median if self.floor and self.floor_median else None

    @property
    def goal(self):
        if self.most is not None:
            return f"<= {number(self.most)}"
        return f">= {number(self.least)}" if self.least is not None else ""

    @property
    def met(self):
        if self.most is None and self.least is None:
            return None
        return (self.most is None or self.median <= self.most) and (
            self.least is None or self.median >= self.least)

    def as_json(self):
        return {"name": self.name, "unit": self.unit, "values": self.values, "floor": self.floor,
                "min": min(self.values), "median": self.median, "max": max(self.values),
                "floor_median": self.floor_median, "ratio": self.ratio, "most": self.most,
                "least": self.least, "met": self.met}

    def row(self):
        floor = number(self.floor_median) if self.floor else ""
        ratio = f"{self.ratio:.2f}" if self.ratio else ""
        met = {True: "met", False: "MISSED", None: ""}[self.met]
        return [self.name, self.unit, *map(number, (min(self.values), self.median, max(self.values))),
                floor, ratio, self.goal, met]


HEAD = ["what", "unit", "min", "median", "max", "floor", "ratio", "goal", ""]


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def table(figures):
    """-> the figures as Markdown."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    head, *lines = ("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |" for row in rows)
    return "\n".join([head, "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines])
