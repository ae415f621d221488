"""weir-events -> weir-recommend -> MongoDB (DESIGN.md, sections 3, 4 and 6): one random schedule.

Modelled: several rows per record, bad and late rows, markers, partitions at different pace, waves of users over the
closed rounds of all partitions, cuts of idle partitions, bulks that are done in part, lost answers, cached
documents, first starts in the middle, users with rows in several partitions and partitions that are added (half of
the schedules), rebalances, static members, kills, freezes, zombies beside their successor. Abstract: every pause is
a throw of the dice; the inference service and the hot list, which may answer anything; weir-reset (as in
ranking.py).

Who plays whom: recommend.py consumers/recommend/recommend.c, waves.c, wave.c, task.c, cache.c; rounds.py rounds.c; start.py
consumers/start.c; mongo.py io/*_mongo.c; kafka.py the broker; log.py io/decode, flow/watermark. What must hold is
in recommending_oracle.py."""
import collections
import random

from kafka import Group
from log import Log, Rules, Time, decode
from mongo import Mongo
from recommend import Recommend
from recommending_oracle import violations
from slots import Slots

RULES = {
    # DESIGN.md, sections 3 and 4
    "bad rows": "the decoder refuses what lies outside time.min, time.max and max.ahead",
    "generation": "the broker refuses offsets of who is no member",
    "group start": "a start is committed before the first row is read",
    # section 6
    "due of late rows": "a late row belongs to the first interval still open when it arrived",
    "state before the record": "a bucket remembers the state before the record of its first row",
    "state at the hold": "the metadata holds clock and line as they were at the hold",
    "hold": "the hold covers the first row of each bucket",
    "fence": "a round starts after a commit made since the line passed it",
    "cut committed first": "what the clock closes is committed before it is served",
    "cut is kept": "a cut stays in the commits until the hold has passed it",
    "closed rounds before a cut": "a cut needs every closed round served",
    "oldest round first": "a user is served his oldest round first",
    "in one wave at a time": "two waves are under way, and share no user",
    "last.time >= E": "who has got a later one is only merged",
    "last K of a union": "of document and rows, in the order of (time, position)",
    "adopt": "where a recommendation is stored already, that is what was shown",
    "recommendations before users": "users.last says that they are stored",
    "rewards before users": "and the rewards before it",
    "rev": "users are written by the revision that was read",
    "resolve": "who was refused reads again and merges",
    "merge": "rows of a round that is served already are merged",
}

TIMES = ((10, Time(5, 20)), (20, Time(10, 40)), (10, Time(5, 0)), (20, Time(5, 7)))     # intervals with their times


class Recommending:
    def __init__(self, seed, without=()):
        self.random = random.Random(seed)
        self.rules, self.tally, self.wrong = Rules(without), collections.Counter(), []
        self.moved, self.static, self.earliest = self._chance(.3), self._chance(.5), self._chance(.7)
        self.interval, self.time = self.random.choice(TIMES)
        partitions, users = self.random.randint(1, 3), self.random.choice((2, 3, 6))
        self.log = Log(self.random, partitions, users, self.moved, self._chance(.5))
        self.epoch, self.starts, self.cuts = 1, {}, collections.defaultdict(list)
        self.hurried = False                        # time passes whenever somebody waits for it
        self.group, self.mongo = Group(self.random, self.rules), Mongo(self.moved)
        self.slots = Slots(self, lambda me: Recommend(self, me))

    def _chance(self, share):
        return self.random.random() < share

    # --- what processes ask

    def partition_n(self):
        return len(self.log.partitions)

    def partitions_of(self, process):
        return self.partition_n()

    def start_of(self, partition):
        return 0 if self.earliest else len(self.log.partitions[partition])

    def note_start(self, offsets, every):
        for partition, (offset, _) in offsets.items(): self.starts.setdefault(partition, offset)

    def note_cuts(self, offsets):
        for partition, (_, mark) in offsets.items():
            if mark.cut and mark.cut not in self.cuts[partition]: self.cuts[partition].append(mark.cut)

    def time_passes(self, share):
        return self.hurried or self.random.random() < share

    def decode(self, timestamp, row):
        return decode(timestamp, row, self.log.broker_time, self.rules)

    def refused(self, process, refusal):
        self.wrong.append("I6: %s" % refusal)

    def counted(self):
        """What happened, for people."""
        return self.tally + self.mongo.tally + collections.Counter(
            {"cuts": sum(map(len, self.cuts.values())), "recommendations": len(self.mongo.recommendations)})

    # --- the schedule

    def run(self):
        for _ in range(self.random.randint(0, 6)): self.log.append()
        for i in range(self.random.randint(1, 3)):
            self.slots.add("m%d" % i)
            self.slots.boot(self.slots.all[-1])
        kills, pauses = self.random.choice((0, .002, .01, .03)), self.random.choice((0, .002, .01, .03))
        for _ in range(self.random.choice((500, 1000, 1500))):
            self._turn(kills, pauses)
            if self.mongo.wrong or self.wrong: return self.mongo.wrong + self.wrong
        return self.settle() or violations(self)

    def _turn(self, kills, pauses):
        if self._chance(.05): self.log.append()
        if self.moved and self._chance(.001): self._grow()
        if self._chance(.02): self.group.finish(self.partition_n(), time_is_up=True)
        slot = self.random.choice(self.slots.all)
        self.slots.disturb(slot, kills, pauses)
        self.slots.run(slot)

    def _grow(self):
        if self.partition_n() == 5: return
        self.log.partitions.append([])
        if self.group.members: self.group.preparing = True

    def _is_calm(self):
        ends = [self.group.offsets.get(p, (None,))[0] for p in range(self.partition_n())]
        return not self.group.preparing and ends == [len(log) for log in self.log.partitions]

    def settle(self):
        self.hurried = self._chance(.5)
        self.slots.last_words()
        self.hurried, calm = True, 0
        for _ in range(3000):
            self.group.finish(self.partition_n(), time_is_up=self._chance(.1))
            self.slots.calm()
            if self.mongo.wrong or self.wrong: return self.mongo.wrong + self.wrong
            calm += self._is_calm()
            if calm > 3: return []
        return ["I7: it does not come to rest"]
