"""The log of events, and what it alone decides (DESIGN.md, section 3; io/decode, flow/watermark).

A partition is a list of records. A record is (the broker's timestamp, its rows), a row (time, user, item, weight);
None in the place of a record is what a transaction leaves behind: an offset without a record. Times are small
integers."""
import collections

TIME_MIN, TIME_MAX, MAX_AHEAD = 500, 50_000, 60
NONE = -10**9                                       # WATERMARK_NONE: no row yet, no time known

Row = collections.namedtuple("Row", "time user item weight")
Time = collections.namedtuple("Time", "delay lateness")


def floor(time, step):
    return time // step * step


def decode(timestamp, row, broker_time, rules):
    """The decoder's verdict, the same in every daemon and for ever: it knows the record, and no clock of its own."""
    if row.time is None: return None                # malformed
    if not rules.keeps("bad rows"): return row
    if not TIME_MIN <= row.time <= TIME_MAX: return None
    return None if broker_time and row.time > timestamp + MAX_AHEAD else row


def late(time, clock, row_time, step):
    """Is the pane (or interval) of a row closed for good, by the clock before the row?"""
    return clock != NONE and floor(row_time, step) + step + time.lateness <= clock - time.delay


class Rules:
    """Those that are taken away, to see that somebody notices."""

    def __init__(self, without=()):
        self.without = frozenset(without)

    def keeps(self, rule):
        return rule not in self.without


class Log:
    """weir-events: grows while the daemons read it. Rows are in disorder, some late, some bad."""

    def __init__(self, random, partitions, users=6, moved=True, broker_time=False):
        self.random, self.broker_time, self.now = random, broker_time, 1000
        self.partitions = [[] for _ in range(partitions)]
        self.quiet, self.never, self.gaps = set(), set(), random.random() < .6
        self.moved = moved                          # a user's rows are in any partition, not in one of his own
        self.users = ["u%d" % u for u in range(users)]
        self.home = {user: random.randrange(partitions) for user in self.users}
        if random.random() < .25 and partitions > 1:
            self.never = {random.randrange(partitions)}

    def _row(self, user):
        chance, time = self.random.random(), self.now
        if chance < .3: time -= self.random.randint(0, 5)
        elif chance < .4: time -= self.random.randint(0, 30)
        elif chance < .43: time -= self.random.randint(0, 160)
        elif chance < .45: time = self.random.choice((None, TIME_MIN - 1, TIME_MAX + 1))
        elif chance < .47 and self.broker_time: time += self.random.choice((50, 90, 400))
        return Row(time, user, "i%d" % self.random.randrange(7), self.random.choice((0, 1, 1, 1, 3)))

    def _record(self):
        rows = []
        user = self.random.choice(self.users)
        partition = self.random.randrange(len(self.partitions)) if self.moved else self.home[user]
        mine = self.users if self.moved else [u for u in self.users if self.home[u] == partition]
        for _ in range(self.random.choice((1, 1, 1, 2, 4))):
            self.now += self.random.choice((0, 0, 1, 2))
            rows.append(self._row(self.random.choice(mine)))
        return partition, (self.now, rows)

    def append(self):
        """What a replay writes in one transaction: some records, then its markers."""
        if self.gaps and self.random.random() < .05: self.now += self.random.choice((15, 40, 100, 400))
        if self.random.random() < .08:
            n = len(self.partitions)
            self.quiet = set(self.random.sample(range(n), self.random.randrange(n)))
        touched = set()
        for _ in range(self.random.randint(1, 6)):
            partition, record = self._record()
            if partition in self.quiet or partition in self.never: continue
            self.partitions[partition].append(record)
            touched.add(partition)
        if self.random.random() < .5:
            for partition in touched: self.partitions[partition].append(None)

    def good_rows(self, partition, rules, start=0, stop=None):
        """(offset, index, row) of the good rows, for an oracle."""
        for offset, record in enumerate(self.partitions[partition][start:stop], start):
            for index, row in enumerate(record[1] if record else ()):
                if decode(record[0], row, self.broker_time, rules): yield offset, index, row
