"""R1 to R5: what a world stored, reconciled with what the oracle makes of the log. Counts every difference,
and takes one partition at a time, so that millions of events fit.

    R1  the events of the file = the topic = those in MongoDB, each once, unaltered; the pairs too
    R2  how many of each behaviour in each minute
    R3  every window's ranking, and the current one in all its keys
    R4  one recommendation for each due (user, interval), and what is kept of the users
    R5  rows = archived + bad, archived = counted + late: each set of ids, and the sums of all panes
"""
from collections import Counter, defaultdict
from datetime import timezone

import agree
import logs
import oracle
import panes
import service

RULES = ("R1", "R2", "R3", "R4", "R5")
EXAMPLES = 5


class Tally:
    """What was compared under a rule, and what was wrong."""

    def __init__(self):
        self.compared, self.violations, self.examples = Counter(), 0, []

    def wrong(self, text, n=1):
        self.violations += n
        if n and len(self.examples) < EXAMPLES:
            self.examples.append(text[:500])

    def same(self, what, found, wanted):
        """Of equal values, or one violation."""
        self.compared[what] += 1
        if found != wanted:
            self.wrong(f"{what}: {found} is not {wanted}")

    def in_order(self, what, found, wanted):
        """Of lists: what only one of them has, or else that their orders differ."""
        self.compared[what] += len(wanted)
        if found != wanted:
            missing, extra = (Counter(wanted) - Counter(found)), (Counter(found) - Counter(wanted))
            self.wrong(f"{what}: missing {list(missing)[:3]}, too much {list(extra)[:3]}",
                       max(1, missing.total() + extra.total()))

    def all_there(self, what, found, wanted):
        """Of {key: value}: what is missing, too much or different."""
        self.compared[what] += len(wanted)
        for key in wanted.keys() | found.keys():
            if key not in found:
                self.wrong(f"{what}: {key!r} is missing")
            elif key not in wanted:
                self.wrong(f"{what}: {key!r} is too much")
            elif found[key] != wanted[key]:
                self.wrong(f"{what}: {key!r}: {found[key]} is not {wanted[key]}")

    def holds(self, what, check, *arguments):
        """Of a check that raises AssertionError."""
        self.compared[what] += 1
        try:
            check(*arguments)
        except AssertionError as error:
            self.wrong(f"{what}: {error}")


class Sent:
    """The files that were replayed, one after the other: their accepted rows by partition, and their
    bad lines."""

    def __init__(self, paths, rules):
        self.form, self.partitions = rules.form, rules.partitions
        self.rows, self.bad = defaultdict(list), {}
        self.minutes, self._homes = Counter(), {}
        for path in paths:
            for number, row in enumerate(logs.read(path), 1):
                self._add(f"{path.name}:{number}", row)

    def _add(self, line, row):
        event = oracle.decode(row, self.form)
        if event is None:
            self.bad[line] = row[:oracle.ROW_BYTES]
            return
        self.rows[self._home(event["user"])].append(row)
        self.minutes[event.get("behavior"), event["time"] // 60_000] += 1

    def _home(self, user):
        if user not in self._homes:
            self._homes[user] = oracle.partition_of(user, self.partitions)
        return self._homes[user]


class Reconciliation:
    """files: what was replayed. batches: of weir-panes. shown_from: the first window that Redis must hold
    (it was emptied before). exact: the inference service always answered."""

    def __init__(self, world, files, batches, *, shown_from=None, exact=True, epoch=1):
        self.world, self.rules, self.epoch = world, world.rules, epoch
        self.batches, self.shown_from, self.exact = batches, shown_from, exact
        self.tallies = {rule: Tally() for rule in RULES}
        self.sent = Sent(files, self.rules)
        self.rows, self.pairs, self.counted, self.late, self.bad = 0, {}, [], [], {}
        self.due, self.users = set(), set()

    def run(self):
        """-> {rule: Tally}"""
        self.shown = self.world.documents("recommendations")
        self.known = self.world.documents("users")
        for partition in range(self.rules.partitions):
            self._partition(partition, self.world.rows(partition).get(partition, []))
        self._events()
        self._windows()
        self._nothing_more()
        self._sums()
        return self.tallies

    # ---- one partition

    def _partition(self, partition, rows):
        self.rows += len(rows)
        found = agree.verdicts(self.rules, {partition: rows})
        self.tallies["R1"].in_order("rows of the topic", [row.raw for row in rows if row.event],
                                    self.sent.rows[partition])
        self.counted.append(oracle.pane_sums(found["counted"], self.rules.slide))
        self.late += [(oracle.row_id(row, self.epoch), row.raw) for row in found["late"]]
        self.bad.update((oracle.row_id(row, self.epoch), row.raw[:oracle.ROW_BYTES]) for row in found["bad"])
        self._archived(partition, rows)
        self._recommended(partition, rows)

    def _archived(self, partition, rows):
        events, pairs = oracle.archive(rows, self.epoch)
        self.pairs.update(pairs)
        prefix = f"{self.epoch}:{partition}"
        within = {"_id": {"$gte": prefix + ":", "$lt": prefix + ";"}}
        tally = self.tallies["R1"]
        tally.compared["events"] += len(events)
        for document in self.world.mongo["events"].find(within):
            wanted = events.pop(document["_id"], None)
            if document != wanted:
                tally.wrong(f"events: {document} is not {wanted}")
        tally.wrong(f"events: missing {list(events)[:3]}", len(events))

    def _recommended(self, partition, rows):
        rules, tally = self.rules, self.tallies["R4"]
        served = oracle.rounds({partition: rows}, interval=rules.interval, delay=rules.delay,
                               lateness=rules.lateness, k=rules.k)
        ids = {one.id for one in served}
        self.due |= ids
        found = {id: self.shown[id] for id in ids & self.shown.keys()}
        items = {id: found[id]["items"] if id in found else () for id in ids}
        wanted = oracle.recommendations(served, items)
        tally.all_there("recommendations", {id: agree.without_answer(d) for id, d in found.items()},
                        {id: agree.without_answer(d) for id, d in wanted.items()})
        for document in found.values():
            self._answered(document)
        self._users(oracle.users(served))

    def _answered(self, document):
        items, tally = document["items"], self.tallies["R4"]
        if document["source"] == "model":
            tally.same("answers", items, service.answer(document["user"], document["history"],
                                                        self.rules.recommend_n))
        elif self.exact or len(items) != len(set(items)) or set(items) & set(document["history"]):
            tally.wrong(f"items: {document}")

    def _users(self, wanted):
        self.users |= wanted.keys()
        found = {user: {**self.known[user], "last": dict(self.known[user]["last"])}
                 for user in wanted.keys() & self.known.keys()}
        for user, document in found.items():
            last, shown = document["last"], self.shown.get(document["last"]["id"], {})
            self.tallies["R4"].same("last items", (last.pop("items"), last.pop("source")),
                                    (shown.get("items"), shown.get("source")))
            document.pop("rev")
        self.tallies["R4"].all_there("users", found, wanted)

    # ---- all partitions

    def _events(self):
        self.tallies["R1"].all_there("pairs", self.world.documents("consumed"), self.pairs)
        minute = {"$dateTrunc": {"date": "$time", "unit": "minute"}}
        found = self.world.mongo["events"].aggregate(
            [{"$group": {"_id": {"behavior": "$behavior", "minute": minute}, "n": {"$sum": 1}}}])
        self.tallies["R2"].all_there("minutes", {
            (one["_id"].get("behavior"), minute_of(one["_id"]["minute"])): one["n"]
            for one in found}, self.sent.minutes)

    def _windows(self):
        rules, tally = self.rules, self.tallies["R3"]
        self.panes = {end: oracle.pane_total([part[end] for part in self.counted if end in part])
                      for end in set().union(*self.counted)}
        current, wanted = oracle.windows(self.panes, size=rules.size, slide=rules.slide, n=rules.n,
                                         keep=rules.history)
        hot = self.world.hot()
        if self.shown_from is not None:
            wanted = {end: window for end, window in wanted.items()
                      if end >= self.shown_from or str(end) in hot["history"]}
        tally.compared["windows"] += len(wanted)
        for text in agree.history_faults(hot["history"], wanted, current):
            tally.wrong(text)
        tally.holds("current", agree.same_current, hot, wanted.get(current), self.epoch)

    def _nothing_more(self):
        tally = self.tallies["R4"]
        for id in self.shown.keys() - self.due:
            tally.wrong(f"recommendations: {id!r} is too much")
        for user in self.known.keys() - self.users:
            tally.wrong(f"users: {user!r} is too much")

    def _sums(self):
        tally, world = self.tallies["R5"], self.world
        archived = world.mongo["events"].count_documents({})
        counted = sum(pane.events for pane in self.panes.values())
        tally.same("rows = archived + bad", self.rows, archived + len(self.bad))
        tally.same("archived = counted + late", archived, counted + len(self.late))
        self._letters()
        late = Counter(agree.letter(message)[::2] for message in world.read("late"))
        tally.all_there("late rows", late, Counter(self.late))
        batches = [panes.decode(record) for record in self.batches]
        tally.all_there("panes", panes.total(batches, self.rules.slide), self.panes)
        tally.same("lines that go on", panes.breaks(batches), 0)

    def _letters(self):
        """Those of weir-archive are named by the row's id, those of weir-replay by file and line; any may
        come twice."""
        tally, sent = self.tallies["R5"], self.sent.bad
        letters = {key: raw for key, (_, raw) in agree.dead_letters(self.world).items()}
        lines = {key.rsplit("/", 1)[-1]: letters.pop(key) for key in letters.keys() - self.bad if "/" in key}
        tally.all_there("bad rows", letters, self.bad)
        tally.all_there("bad lines", lines, sent)


def minute_of(date):
    return int(date.astimezone(timezone.utc).timestamp()) // 60
