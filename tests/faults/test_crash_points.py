"""Death at every point: each process of each program dies at a call of its own, the next one at another, and what
they leave together is what the log alone decides.

Which call the k-th one is differs from run to run, since the libraries have threads of their own: what was hit is
counted from the shim's log. The log is fed until every planned death has been died."""
import json
import random

import pytest

import agree
import crash
import service as inference
from weir import CONSUMERS, DONE, ROOT, eventually

PROGRAMS = ("replay", *CONSUMERS)
RESULTS = ROOT / "build/results"
RATE = 200                 # rows per second, for as long as it takes
ROWS = 100_000             # more than are ever read
DEATHS_WITHIN_S = 900

# Between which two effects: (program, where), each a step of its protocol.
WINDOWS = {
    "archive": ["after mongoc_collection_write_command_with_opts events",
                "after mongoc_collection_write_command_with_opts consumed",
                "before rd_kafka_commit_queue any", "after rd_kafka_commit_queue any"],
    "count": ["after rd_kafka_begin_transaction any", "before rd_kafka_send_offsets_to_transaction any",
              "before rd_kafka_commit_transaction any", "after rd_kafka_commit_transaction any"],
    "rank": ["before redisGetReply any", "after redisGetReply any", "before rd_kafka_commit_queue any",
             "after rd_kafka_commit_queue any"],
    "recommend": ["after mongoc_collection_write_command_with_opts recommendations",
                  "before mongoc_collection_write_command_with_opts users",
                  "after mongoc_collection_write_command_with_opts users",
                  "before rd_kafka_commit_queue any"],
    "replay": ["after rd_kafka_begin_transaction any", "before rd_kafka_commit_transaction any",
               "after rd_kafka_commit_transaction any"],
}


def survive(stream, seed, plans):
    """Every plan comes true; then the results are those of the log. -> the hits."""
    s = stream(seed, n=ROWS, rate=RATE, seconds=ROWS // 2, idle=8000, plans=plans)
    planned = {f"weir-{name}": len(all_of_it) for name, all_of_it in plans.items()}

    def all_died():
        died = {name: sum(of.values()) for name, of in crash.sums(s.crash.hits()).items()}
        assert died == planned
    eventually(all_died, DEATHS_WITHIN_S, 0.5)
    before = len(s.world.read("events"))
    eventually(lambda: goes_on(s.world, before))
    assert s.replay.stop() == DONE
    sent = sum(len(rows) for rows in s.world.rows().values())
    agree.topic_is(s.world, s.rows[:sent])
    agree.everything(s.world, answer=inference.answer)
    s.nothing_crashed()
    s.end()
    return s.crash.hits()


def goes_on(world, before):
    """The replay feeds again: it has read where it was, and it minds signals."""
    assert len(world.read("events")) > before


def at_calls(ks, rnd):
    """-> plans of all programs: one death at each of the k-th calls that send or receive."""
    def shuffled():
        return rnd.sample([f"{rnd.choice(('before', 'after'))} any any {k} die" for k in ks], len(ks))
    return {name: shuffled() for name in PROGRAMS}


def in_windows(each, rnd):
    """-> plans of all programs: `each` deaths in every window, the first to the fifth time it is passed."""
    def shuffled(windows):
        plans = [f"{window} {1 + n % 5} die" for window in windows for n in range(each)]
        return rnd.sample(plans, len(plans))
    return {name: shuffled(windows) for name, windows in WINDOWS.items()}


def report(name, seed, hits):
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"seed": seed, "points": len(hits), "recovered": len(hits),
                       "hits": crash.sums(hits)}, indent=1)
    (RESULTS / name).write_text(text)


def test_03_everybody_dies_at_calls(stream):
    survive(stream, 301, at_calls(range(3, 200, 10), random.Random(301)))


def test_04_everybody_dies_between_two_effects(stream):
    survive(stream, 401, in_windows(3, random.Random(401)))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_03_everybody_dies_at_every_call(stream):
    """The first 400 calls of each of the five programs."""
    rnd, hits, step = random.Random(302), [], 8
    for first in range(1, step + 1):
        hits += survive(stream, 302 + first, at_calls(range(first, 401, step), rnd))
    report("crash_points.json", 302, hits)
    assert len(hits) >= 2000


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_04_everybody_dies_between_two_effects_often(stream):
    """Each window a hundred times."""
    rnd, hits = random.Random(402), []
    for turn in range(4):
        hits += survive(stream, 402 + turn, in_windows(25, rnd))
    report("crash_windows.json", 402, hits)
    assert all(n >= 25 for of in crash.sums(hits).values() for n in of.values())
