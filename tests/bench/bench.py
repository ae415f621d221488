"""The benchmark suite: tests/bench/run. Each bench runs the program and its floor by turns on real servers and returns figures."""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]

import redis

import asking
import catchup
import document
import landing
import limits
import stores
from measure import table
from weir import BIN, ROOT, Stack

os.environ["MONGOC_DISABLE_SHM"] = "1"
BENCHES = {"count": catchup.count, "kafka-to-redis": catchup.kafka_to_redis, "replay": catchup.replay,
           "rank-slide": catchup.rank_slide, "archive": stores.archive, "recommend": stores.recommend,
           "growth": limits.growth, "memory": limits.memory, "start": limits.start,
           "infer": asking.infer}
SERVERLESS = {"infer"}
LANDING_TIMES = 2


class Context:
    """Where a bench works, how often, and with how many rows."""

    def __init__(self, stack, home, times, rows):
        self.stack, self.home, self.times, self.rows = stack, home, times, rows
        self.logs = 0

    def program(self, name):
        return BIN.parent / "tests" / name

    def folder(self, name):
        made = self.home / name
        made.mkdir(exist_ok=True)
        return made

    def log(self, name):
        self.logs += 1
        return self.home / f"{self.logs}-{name}.log"

    def forget(self, key):
        with redis.Redis.from_url(f"redis://{self.stack.redis}") as client:
            client.delete(*(key + suffix for suffix in ("", ":items", ":order", ":history", ":versions")))


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "commit": commit.stdout.strip(),
            "load": os.getloadavg()[0], "at": time.strftime("%Y-%m-%d %H:%M:%S")}


def save(name, c, figures, begun):
    folder = BIN.parent / "results"
    folder.mkdir(parents=True, exist_ok=True)
    about = {"bench": name, "rows": c.rows, "times": c.times, "seconds": round(time.time() - begun), **machine()}
    (folder / f"bench-{name}.json").write_text(
        json.dumps({**about, "figures": [f.as_json() for f in figures]}, indent=1) + "\n")


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"which of {', '.join(BENCHES)}; none = all")
    parser.add_argument("--times", type=int, default=5, help="runs of each side (5)")
    parser.add_argument("--landing", action="store_true", help="a minute: fails if a ratio to its floor is far off landing.json")
    parser.add_argument("--record", action="store_true", help="write landing.json")
    parser.add_argument("--document", action="store_true", help="measure nothing: put build/results into docs/PERFORMANCE.md")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the workload (10,000,000)")
    chosen = parser.parse_args()
    for name in chosen.name:
        if name not in BENCHES:
            parser.error(f"no bench {name}: {', '.join(BENCHES)}")
    return chosen


def run_all(c, names):
    for name in names:
        begun = time.time()
        figures = BENCHES[name](c)
        save(name, c, figures, begun)
        print(f"\n## {name} ({c.rows:,} rows, {c.times} runs, {time.time() - begun:.0f} s)\n\n{table(figures)}", flush=True)


def run_chosen(stack, home, chosen):
    """-> the exit status."""
    if not (chosen.landing or chosen.record):
        run_all(Context(stack, home, chosen.times, chosen.rows), chosen.name or BENCHES)
        return 0
    c = Context(stack, home, LANDING_TIMES, landing.ROWS)
    return landing.record(c) if chosen.record else int(not landing.judge(c))


def main():
    chosen = options()
    if chosen.document:
        return document.document()
    bare = bool(chosen.name) and set(chosen.name) <= SERVERLESS
    stack = None if bare else Stack(Path(os.environ.get("WEIR_STACK", ROOT / ".weir/bench")))
    try:
        with tempfile.TemporaryDirectory(prefix="weir-bench-") as home:
            return run_chosen(stack, Path(home), chosen)
    finally:
        if stack:
            stack.down()


sys.exit(main())
