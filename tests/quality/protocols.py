"""The three questions that the models are asked, as (training rows, cases), and the validation split of each: the same
question carved from its training rows, so that what is chosen there has never seen a test item."""
import gzip
import subprocess
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import metrics

DAY_S = 86_400
VALIDATION_DAYS = 2
HISTORY_MAX, RANKED_MAX = 200, 500    # limits of the service
DATASET = Path(__file__).resolve().parents[2] / "deploy/dataset"


class Row(NamedTuple):
    user: str
    item: str
    time_s: int


class Case(NamedTuple):
    """One question: what comes after these items. `history` is what is sent, oldest first."""
    user: str
    history: list
    exclude: list
    wanted: list


class Measure(NamedTuple):
    name: str
    of: callable    # (ranked, wanted, k) -> value
    k: int


@dataclass(frozen=True)
class Task:
    rows: list
    cases: list
    k: int             # the length of a list, for coverage and novelty
    n_rec: int         # how many are asked for
    reconsume: bool    # items of the history may be answered again
    measures: list     # Measure; the first is that by which settings are chosen

    @property
    def owners(self):
        return Counter(item for _, item in {(row.user, row.item) for row in self.rows})

    @property
    def users_n(self):
        return len({row.user for row in self.rows})


@dataclass(frozen=True)
class Protocol:
    title: str
    text: str
    test: callable          # () -> Task
    validation: callable    # () -> Task
    settings: dict          # of weir-fit, for all models
    reference: dict         # model -> measure -> value of a simple prototype


# ---------------------------------------------------------------------------- data

def fetched(name):
    """-> the folder of a public data set."""
    done = subprocess.run([DATASET, name], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise FileNotFoundError(f"*** THE DATA SET {name} IS ABSENT; what is measured on it is left out ***")
    return Path(done.stdout.strip())


@cache
def movielens():
    lines = (fetched("movielens") / "ml-100k.inter").read_text().splitlines()[1:]
    return [Row(user, item, int(float(time))) for user, item, _, time in (line.split("\t") for line in lines)]


@cache
def serenade(part):
    with gzip.open(fetched("serenade") / f"serenade-{part}.csv.gz", "rt") as lines:
        return [Row(user, item, int(time)) for user, item, _, _, time in (line.strip().split(",") for line in lines)]


def by_user(rows):
    """-> user -> rows in order of time, equal times in the order of the file."""
    users = {}
    for row in rows:
        users.setdefault(row.user, []).append(row)
    return {user: sorted(own, key=lambda row: row.time_s) for user, own in users.items()}


# ---------------------------------------------------------------------------- A and C: what a user sees later

def cut(rows, keep):
    """-> (training rows in the order of the file, user -> (items before, items after)); keep(n) of n rows stay."""
    parts = {user: (own[:keep(len(own))], own[keep(len(own)):]) for user, own in by_user(rows).items()}
    later = {(user, row.item) for user, (_, after) in parts.items() for row in after}
    training = [row for row in rows if (row.user, row.item) not in later]
    return training, {user: ([row.item for row in before], [row.item for row in after])
                      for user, (before, after) in parts.items()}


def unseen(rows, keep):
    """All items but the user's own are ranked: those that the limit of the history leaves out are excluded."""
    training, parts = cut(rows, keep)
    return training, [Case(user, before[-HISTORY_MAX:], before[:-HISTORY_MAX], after)
                      for user, (before, after) in parts.items() if before and after]


def one_by_one(cases):
    """A question for each wanted item, with those before it in the history."""
    for case in cases:
        items = case.exclude + case.history
        for at, item in enumerate(case.wanted):
            seen = items + case.wanted[:at]
            yield Case(case.user, seen[-HISTORY_MAX:], seen[:-HISTORY_MAX], [item])


def last_ones(rows, n):
    """The last n items of each user, one question each."""
    training, cases = unseen(rows, lambda own_n: max(0, own_n - n))
    cases = list(one_by_one(cases))
    return Task(training, cases, 10, RANKED_MAX, False, [
        Measure("NDCG@10", metrics.ndcg, 10), Measure("HR@10", metrics.hit, 10),
        Measure("MRR", metrics.reciprocal_rank, RANKED_MAX)])


def last_fifth(rows):
    training, cases = unseen(rows, lambda n: n * 4 // 5)
    return Task(training, cases, 10, 10, False, [Measure("NDCG@10", metrics.ndcg, 10)])


# ---------------------------------------------------------------------------- B: the next click of a session

def next_click(rows, test_rows):
    """The item that the visitor is looking at is never an answer (Serenade removes it, too); earlier ones may be."""
    cases = []
    for session, own in by_user(test_rows).items():
        items = [row.item for row in own]
        cases += [Case(session, items[:at][-HISTORY_MAX:], [items[at - 1]], [items[at]])
                  for at in range(1, len(items))]
    return Task(rows, cases, 20, 20, True, [
        Measure("MRR@20", metrics.reciprocal_rank, 20), Measure("HR@20", metrics.hit, 20)])


def newest_sessions(rows):
    """-> next_click on the sessions that end in the last days of the rows; items new there are no test, as in
    Serenade's own split."""
    ends = {session: own[-1].time_s for session, own in by_user(rows).items()}
    since = max(ends.values()) - VALIDATION_DAYS * DAY_S
    before = [row for row in rows if ends[row.user] < since]
    known = {row.item for row in before}
    return next_click(before, [row for row in rows if ends[row.user] >= since and row.item in known])


PROTOCOLS = {
    "A": Protocol(
        "MovieLens-100K, the last film of each user",
        "The last item of each of 943 users by time (equal times: order of the file) is hidden; all items that the user "
        "has not rated are ranked. Ranks beyond 500 count 0 in MRR. Validation: the same with the three items before it.",
        lambda: last_ones(movielens(), 1), lambda: last_ones(last_ones(movielens(), 1).rows, 3), {"fit.split": "last"},
        {"popular": {"HR@10": .086, "NDCG@10": .045}, "itemknn": {"HR@10": .181, "NDCG@10": .101},
         "transitions": {"HR@10": .204, "NDCG@10": .113}, "blend": {"HR@10": .203, "NDCG@10": .115}}),
    "B": Protocol(
        "Serenade's example, the next click of each session",
        "Every position of 302 sessions of the 31st day; the 30 days before are for training. What the session has seen "
        "may be answered again (`reconsume`), but for the item that it is at. Validation: the sessions that end in the "
        f"last {VALIDATION_DAYS} days of the training part.",
        lambda: next_click(serenade("train"), serenade("test")), lambda: newest_sessions(serenade("train")),
        {"fit.split": "users", "ease.items": 5000},
        {"popular": {"HR@20": .011, "MRR@20": .002}, "vmisknn": {"HR@20": .646, "MRR@20": .334},
         "Serenade, published": {"HR@20": .640, "MRR@20": .328}}),
    "C": Protocol(
        "MovieLens-100K, the last fifth of each user's films",
        "The newest 20 % of each user's items are hidden; all that the user has not rated before are ranked. Validation: "
        "the newest 20 % of what is left.",
        lambda: last_fifth(movielens()), lambda: last_fifth(last_fifth(movielens()).rows), {"fit.split": "last"},
        {"popular": {"NDCG@10": .121}, "itemknn": {"NDCG@10": .236}}),
}
