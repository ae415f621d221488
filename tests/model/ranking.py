"""weir-events -> weir-count -> weir-panes -> weir-rank -> Redis (DESIGN.md, sections 3 to 5): one random schedule.

Modelled: several rows per record, bad and late rows, markers, batches that end inside a record, workers at
different pace that wait for each other, idle partitions, partitions without a row, partitions that are added, first
starts in the middle of the log, transactions and their timeouts, rebalances, static members, kills, freezes,
zombies beside their successor, a Redis that goes away or restarts empty, deletion of all that rank has released,
weir-reset. Abstract: every pause is a throw of the dice; the broker and Redis never err; a daemon that starts
while weir-reset runs is not frozen; nobody looks at the order of a ranking.

Who plays whom: count.py consumers/count, start.c; rank.py consumers/rank; windows.py common/flow/windows, panes,
lines; redis.py io/sink_redis; kafka.py the broker; log.py io/decode, flow/watermark; reset below tools/reset. What
must hold is in ranking_oracle.py."""
import collections
import random

from count import Count
from kafka import Group, Topic, Transactions
from log import NONE, Log, Rules, Time
from rank import Rank
from ranking_oracle import violations
from redis import Redis
from slots import Slots
from windows import Shape

RULES = {
    # DESIGN.md, section 3
    "bad rows": "the decoder refuses what lies outside time.min, time.max and max.ahead",
    # section 4
    "generation": "the broker refuses offsets of who is no member",
    "stable fetch": "fetching offsets waits for a predecessor's open transaction",
    "group start": "a start is committed before the first row is read",
    "owner of partition 0": "only the owner of partition 0 starts the group",
    "start of all": "and starts all partitions in one request",
    "row in metadata": "a batch that ends inside a record says how far it has come",
    "clock in metadata": "the clock comes back with the offset",
    "epoch in metadata": "offsets of another epoch are refused",
    # section 5, weir-count
    "offsets of all": "a batch carries the offsets of all own partitions, also where nothing was read",
    "since": "panes of a group that began in the middle are complete only behind its first row",
    "since by panes": "and that row was counted up to the end of its pane",
    # section 5, weir-rank
    "chain": "a line goes on where the one before it ended",
    "epoch in batches": "batches of another epoch are refused",
    "lines of all": "nothing fires before the lines of all partitions are known",
    "corrections first": "a batch's panes are judged by Z before its lines raise it",
    "frozen windows": "a frozen window keeps what it has",
    "F never freezes": "the current window is never frozen",
    "idle holds nobody back": "idle partitions are left out of Z",
    "Z stays when idle": "showing the last window costs no lateness",
    "a partition without a clock": "holds Z and F back until it is idle",
    "urgent": "what has frozen is shown before the next batch",
    "version of the newest change": "what is shown again keeps its version",
    "complete anew": "windows whose panes turn out to be complete, or not, are shown anew",
    "hold: panes": "the hold covers the first batch of each pane kept",
    "hold: lines": "the hold covers each partition's newest line",
    "F and Z in metadata": "F and Z come back with the offset",
    "silent below next": "a restart publishes nothing before `next`",
    # section 5, the script
    "epoch in Redis": "a smaller epoch is STALE",
    "trimmed stay away": "a window that has left the history is STALE",
    "version in Redis": "an older version of a window is STALE",
    "window_end in Redis": "the current window does not go back",
    "only F is current": "only window F becomes the current one",
    "trim": "the history holds the newest windows only",
}
SHAPES = (Shape(10, 30, 6), Shape(10, 10, 6), Shape(10, 60, 8))
TIMES = (Time(5, 20), Time(5, 0), Time(5, 7))


class Ranking:
    def __init__(self, seed, without=()):
        self.random = random.Random(seed)
        self.rules, self.tally, self.wrong = Rules(without), collections.Counter(), []
        self.static, self.trims = self._chance(.5), self._chance(.8)
        self.shape, self.time = self.random.choice(SHAPES), self.random.choice(TIMES)
        self.skew = self.random.choice((1, 4, 100))
        self.log = Log(self.random, self.random.randint(1, 4), broker_time=self._chance(.5))
        self.epoch, self.starts, self.resets, self.resetting = 1, {}, 0, None
        self.earliest = self._chance(.6)
        self.hurried = False                        # time passes whenever somebody waits for it
        self.redis = Redis(self.shape.history * self.shape.slide, self.rules)
        self._make_kafka()
        self.publications, self.currents = [], []  # (topic, view): tried, became the current one
        self.shown = []                             # (topic, whose windows, view): all that were due arrived
        self.slots = Slots(self, lambda me: (Rank if me[0][0] == "r" else Count)(self, me))

    def _chance(self, share):
        return self.random.random() < share

    def _make_kafka(self):
        self.counters, self.rankers = Group(self.random, self.rules), Group(self.random, self.rules)
        self.kafka = Transactions(self.counters, Topic())

    # --- what processes ask

    def partition_n(self):
        return len(self.log.partitions)

    def partitions_of(self, process):
        return 1 if process.group is self.rankers else self.partition_n()

    def start_of(self, partition):
        return 0 if self.earliest else len(self.log.partitions[partition])

    def note_start(self, offsets, every):
        """I9: where the group begins is one decision, taken for all partitions that there are."""
        others = [part for part in every.values() if part]
        if 0 in offsets and (others or len(offsets) < len(every)):
            self.wrong.append("I9: the group begins at several times")
        for partition, (offset, _) in offsets.items(): self.starts.setdefault(partition, offset)

    def committed_fired(self):
        found = self.rankers.offsets.get(0)
        return found[1][1].fired if found else NONE

    def time_passes(self, share):
        return self.hurried or self.random.random() < share

    def refused(self, process, refusal):
        """A refusal of a member is a loss, unless a reset is half done, or met a daemon that started meanwhile."""
        member = process.group.is_mine(process.me, getattr(process, "generation", None))
        if not member or process.epoch < self.epoch: return
        if self.resets: self.tally["resets again"] += self.resetting is None
        else: self.wrong.append("I6: %s" % refusal)
        if self.resetting is None and self.resets: self.resetting = self._reset()

    # --- weir-reset (tools/reset/reset.c), which may die between any two steps

    def _reset(self):
        self.resets += 1
        while True:
            while self.counters.members or self.rankers.members: yield
            self.epoch += 1
            yield
            if not (yield from self._delete_groups()): continue
            self.redis.empty()
            yield
            for number in list(self.kafka.open): self.kafka.end(number, "aborted")
            self.kafka.topic, self.kafka.late = Topic(), []
            yield
            if (yield from self._delete_groups()): return

    def _delete_groups(self):
        for group in (self.counters, self.rankers):
            if group.members: return False
            group.offsets.clear()
            if group is self.counters: self.starts.clear()
            yield
        return True

    def _step_reset(self):
        if self.resetting is None: return
        if not self.hurried and self._chance(.01):
            self.resetting = self._reset()          # killed, and run again
        for slot in self.slots.all:
            if slot.process and self._chance(.1): self.slots.retire(slot)
            elif slot.state == "dead" and self._chance(.01): self.slots.boot(slot)     # somebody does not wait
        if next(self.resetting, "done") == "done": self.resetting = None

    def counted(self):
        """What happened, for people."""
        return self.tally + self.kafka.tally + self.redis.tally + collections.Counter(
            {"resets": self.resets, "Redis emptied": self.redis.empties, "publications": len(self.publications)})

    # --- the schedule

    def run(self):
        for _ in range(self.random.randint(0, 6)): self.log.append()
        for name in ["c%d" % i for i in range(self.random.randint(1, 3))] + ["r0", "r1"][:self.random.randint(1, 2)]:
            self.slots.add(name)
            self.slots.boot(self.slots.all[-1])
        kills, pauses = self.random.choice((0, .002, .01, .03)), self.random.choice((0, .002, .01, .03))
        for _ in range(self.random.choice((300, 600, 1000))):
            self._turn(kills, pauses)
            if self.wrong: return self.wrong
        return self.settle() or violations(self)

    def _turn(self, kills, pauses):
        chance = self.random.random()
        if chance < .08: self.log.append()
        elif chance < .083: self.redis.empty()
        elif chance < .085: self._grow()
        elif chance < .0852 and self.resetting is None: self.resetting = self._reset()
        self._clocks()
        slot = self.random.choice(self.slots.all)
        if self.resetting is None: self.slots.disturb(slot, kills, pauses)
        self.slots.run(slot)
        self._step_reset()

    def _clocks(self):
        """Transactions and rebalances whose time is up."""
        self._time_out(.003)
        for group, n in ((self.counters, self.partition_n()), (self.rankers, 1)):
            if self._chance(.02): group.finish(n, time_is_up=True)

    def _time_out(self, chance):
        for number in list(self.kafka.open):
            if self._chance(chance): self.kafka.end(number, "aborted")

    def _grow(self):
        if self.partition_n() == 6: return
        self.log.partitions.append([])
        if self.counters.members: self.counters.preparing = True

    def _is_calm(self):
        """All is read, told and shown."""
        if self.resetting or self.kafka.open or self.counters.preparing or self.rankers.preparing: return False
        ends = [self.counters.offsets.get(p, (None,))[0] for p in range(self.partition_n())]
        mark = self.rankers.offsets.get(0)
        top = max((i + 1 for i, e in enumerate(self.kafka.topic.all) if self.kafka.seen(e)), default=0)
        return ends == [len(log) for log in self.log.partitions] and mark is not None and mark[1][1].next >= top

    def settle(self):
        self.hurried = self._chance(.5)
        self.slots.last_words()
        self.hurried, calm = True, 0
        for _ in range(3000):
            for group, n in ((self.counters, self.partition_n()), (self.rankers, 1)):
                group.finish(n, time_is_up=self._chance(.1))
            self._step_reset()
            if self.resetting is None: self.slots.calm()
            self._time_out(.02)                     # of who has left for good
            if self.wrong: return self.wrong
            calm += self._is_calm()
            if calm > 12: return []
        return ["I7: it does not come to rest"]
