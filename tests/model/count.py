"""weir-count (consumers/count: count.c, ledger.c, op_count.c). One process is a generator that stops
between any two effects, where the schedule may kill it, freeze it or let its successor go first."""
import collections

from kafka import UNSTABLE
from log import NONE, decode, floor, late
from start import positions
from windows import UNKNOWN, Batch, Line, Refused

NO_START = None


class Account:
    """What the ledger knows about a partition (consumers/count/ledger.c)."""

    def __init__(self, offset, meta):
        self.begin = self.offset = offset
        self.row, self.clock, self.start, self.since = meta["row"], meta["clock"], meta["start"], meta["since"]
        self.at_end = self.idle = False
        if self.start is NO_START:
            self.start = offset
            if offset == 0: self.since = NONE

    def meta(self, rules, epoch):
        return {"epoch": epoch, "row": self.row if rules.keeps("row in metadata") else 0,
                "clock": self.clock if rules.keeps("clock in metadata") else NONE,
                "start": self.start, "since": self.since}


class Count:
    def __init__(self, world, me):
        self.world, self.me, self.slot, self.random, self.rules = world, me, me[0], world.random, world.rules
        self.epoch = world.epoch
        self.group, self.kafka = world.counters, world.kafka
        self.limits = self.random.choice((2, 10, 1000)), world.skew        # rows of a batch, windows ahead of rank
        self.fired, self.at = NONE, {}
        self.pace = self.random.choice((1, 1, .3, .1))

    def life(self):
        self.producer = self.kafka.begin_producer(self.slot)
        yield
        while True:
            yield from self.group.enter(self.me, lambda: self.world.partition_n(), self.world.static)
            if self.me not in self.group.members: continue
            self.generation = self.group.generation
            yield from self._assignment()
            if self.kafka.epoch[self.slot] != self.producer: return         # exit 79: another instance has taken over

    def _mine(self):
        return self.group.calm(self.me, self.generation)

    def _assignment(self):
        while self._mine():
            parts = yield from positions(self, self.group.owned(self.me))
            if parts is None:
                yield
                continue
            self.at = {p: Account(*part) for p, part in parts.items()}
            self._forget()
            self.changed = bool(parts)
            if (yield from self._read()): break
            self.at = {}                            # aborted: read back what is committed
            if self.kafka.epoch[self.slot] != self.producer: return
        # revoked: what is in hand may still be written, while the rebalance is being prepared
        if self.at and self.changed and self.group.is_mine(self.me, self.generation): yield from self._flush()
        self.at = {}

    # --- where to begin

    def fetch(self, partitions):
        while True:
            found = {p: self.kafka.fetch(p) for p in partitions}
            if UNSTABLE not in found.values(): break
            yield
            if not self._mine(): return None
        for part in found.values():
            if part and part[1]["epoch"] != self.epoch and self.rules.keeps("epoch in metadata"):
                raise Refused("offsets of another epoch")
        return found

    def first(self):
        return {"epoch": self.epoch, "row": 0, "clock": NONE, "start": NO_START, "since": UNKNOWN}

    # --- reading

    def _forget(self):
        self.panes, self.late, self.taken = {}, [], 0

    def _may_read(self, account):
        rows, skew = self.limits
        shape, time = self.world.shape, self.world.time
        limit = UNKNOWN if self.fired == NONE else self.fired + time.delay + skew * shape.size
        clocks = [a.clock for a in self.at.values() if not a.idle and a.clock != NONE]
        if clocks: limit = min(limit, min(clocks) + shape.size)
        return account.clock <= limit

    def _take_row(self, partition, account, offset, index, record):
        row = decode(record[0], record[1][index], self.world.log.broker_time, self.rules)
        self.taken += 1
        if row is not None and row.time is not None:
            if account.since == UNKNOWN: account.since = self._since(row.time)
            if late(self.world.time, account.clock, row.time, self.world.shape.slide):
                self.late.append((partition, offset, index))
            else:
                pane = self.panes.setdefault(row.time // self.world.shape.slide, [0, collections.Counter()])
                pane[0] += 1
                if row.weight: pane[1][row.item] += row.weight
            account.clock = max(account.clock, row.time)
        account.offset, account.row = offset, index + 1
        account.at_end = account.idle = False
        self.changed = True

    def _since(self, time):
        slide, conf = self.world.shape.slide, self.world.time
        if not self.rules.keeps("since"): return NONE
        end = floor(time, slide) + slide if self.rules.keeps("since by panes") else time
        return floor(end + conf.delay + conf.lateness + slide - 1, slide)

    def _take(self, partition, account):
        """Some records of a partition; a batch may end inside one. False: aborted."""
        log = self.world.log.partitions[partition]
        stop = min(len(log), account.offset + self.random.choice((1, 2, 5, 20)))
        while account.offset < stop and self._may_read(account):
            offset, record = account.offset, log[account.offset]
            for index in range(account.row, len(record[1]) if record else 0):
                self._take_row(partition, account, offset, index, record)
                if self.taken >= self.limits[0] and not (yield from self._flush()): return False
            account.offset, account.row = offset + 1, 0
        if account.offset == len(log): account.at_end = True
        return True

    def _time(self):
        for account in self.at.values():
            if account.at_end and not account.idle and self._may_read(account) and self.world.time_passes(.3):
                account.idle = self.changed = True
        fired = self.world.committed_fired()
        if fired != NONE and self.random.random() < .5: self.fired = fired

    def _read(self):
        """Until partitions are to be given back (True) or read back (False)."""
        while self._mine() or self.random.random() < .5:
            for partition, account in self.at.items():
                if self._may_read(account) and not (yield from self._take(partition, account)): return False
            self._time()
            if self.at and self._is_due() and not (yield from self._flush()): return False
            yield
        return True

    def _is_due(self):
        if not self.taken and not self.changed: return not self.world.hurried and self.random.random() < .02
        return self.world.time_passes(.4)

    # --- one transaction

    def _batch(self):
        lines = [Line(p, max(self.world.partition_n(), p + 1), a.start, a.begin, a.offset, a.clock, a.since, a.idle)
                 for p, a in sorted(self.at.items())]
        return Batch(self.epoch, lines, {pane: (events, dict(sums)) for pane, (events, sums) in self.panes.items()})

    def _transact(self, number):
        if not self.kafka.put(number, self._batch()): return False
        yield
        for row in self.late:
            if not self.kafka.put_late(number, row): return False
        if self.late: yield
        told = {p: a for p, a in self.at.items()
                if self.rules.keeps("offsets of all") or a.offset != a.begin}
        offsets = {p: (a.offset, a.meta(self.rules, self.epoch)) for p, a in told.items()}
        if not self.kafka.put_offsets(number, self.me, self.generation, offsets): return False
        yield
        return True

    def _flush(self):
        number = self.kafka.begin(self.slot, self.producer)
        if number is None: return False
        yield
        good = yield from self._transact(number)
        if not self.kafka.end(number, "committed" if good else "aborted") or not good:
            self._forget()
            return False
        for account in self.at.values(): account.begin = account.offset
        self._forget()
        self.changed = False
        return True
