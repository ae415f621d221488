"""What crash.c makes of a program that it is preloaded into: environments for it, and what was hit."""
from collections import Counter
from typing import NamedTuple
from urllib.parse import urlsplit

from weir import BIN

SHIM = BIN.parent / "tests/crash.so"


class Hit(NamedTuple):
    program: str
    pid: str
    side: str
    call: str
    peer: str
    k: str


def environment(plan, log, peers="", **more):
    """plan: "before rd_kafka_commit_queue any 3 die", as crash.c has it; None for none."""
    assert SHIM.exists(), f"{SHIM}: build the target tests"
    planned = {"CRASH": plan} if plan else {}
    return {"LD_PRELOAD": str(SHIM), "CRASH_LOG": str(log), "CRASH_PEERS": peers, **planned, **more}


class Crash:
    """Plans for the programs of a world, and the log of their hits."""

    def __init__(self, world):
        self.log = world.folder / "crash.log"
        ends = {"kafka": f"//{world.stack.kafka}", "redis": f"//{world.stack.redis}",
                "mongo": world.stack.mongo, "infer": world.settings["infer.url"]}
        self.peers = " ".join(f"{name}={urlsplit(end).port}" for name, end in ends.items())

    def environment(self, plan=None, **more):
        return environment(plan, self.log, self.peers, **more)

    def plans(self, plans):
        """-> environments of a program whose n-th process has the n-th plan, and later ones none."""
        return lambda n: self.environment(plans[n]) if n < len(plans) else {}

    def hits(self):
        if not self.log.exists():
            return []
        return [Hit(*line.split()) for line in self.log.read_text().splitlines()]


def sums(hits):
    """-> {program: {"before call peer": hits}}"""
    found = {}
    for hit in hits:
        what = f"{hit.side} {hit.call} {hit.peer}"
        found.setdefault(hit.program, Counter())[what] += 1
    return {program: dict(sorted(counts.items())) for program, counts in sorted(found.items())}
