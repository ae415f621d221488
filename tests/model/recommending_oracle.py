"""What must hold after a schedule of recommending.py: one pass over the log and the committed cuts, without a fault.

For users with one partition:
I1 (DESIGN.md 6)  exactly one recommendation per (user, due) that has a row
I2 (6)  its history is the last K of the user's rows up to it, its previous the one before, its previous_reward and
        that one's reward the weights of rows whose item was shown
I3 (6)  users: the last K of all rows, last = the newest recommendation
For users with rows in several partitions:
I1' no recommendation without a row; the newest is there
I3' no row is lost from history
Always:
I4 (4)  what was served stays served: recommendations are only inserted, a reward never changes (mongo.py looks at
        each write)
I5 (6)  users.last never goes back (mongo.py)
I6 (4)  nobody refuses
I7 (4)  it comes to rest, all rows served and committed"""
import collections

from log import NONE, Rules, floor, late
from recommend import newest
from rounds import Entry


class Due:
    """The rounds of one partition: (due, user) -> rows."""

    def __init__(self, world, partition):
        self.world, self.partition = world, partition
        self.rounds, self.clock, self.line = collections.defaultdict(list), NONE, NONE
        self.cuts = sorted(world.cuts[partition])
        for offset, index, row in world.log.good_rows(partition, Rules(), world.starts.get(partition, 0)):
            self._row(offset, index, row)

    def _row(self, offset, index, row):
        interval, delay = self.world.interval, self.world.time.delay
        while self.cuts and self.cuts[0][0] <= offset: self.line = max(self.line, self.cuts.pop(0)[1])
        if late(self.world.time, self.clock, row.time, interval): return
        due = floor(row.time, interval) + interval
        if due <= self.line: due = self.line + interval
        self.rounds[due, row.user].append(Entry(row.time, (self.partition, offset, index), row.item, row.weight))
        self.clock = max(self.clock, row.time)
        self.line = max(self.line, floor(self.clock - delay, interval))


def violations(world):
    rounds, mongo = collections.defaultdict(list), world.mongo
    for partition in range(world.partition_n()):
        for due, rows in Due(world, partition).rounds.items(): rounds[due] += rows
    extra = [key for key in mongo.recommendations if key[::-1] not in rounds]
    if extra: return ["I1: nobody is due %s" % (extra[0],)]
    by_user = collections.defaultdict(list)
    for (due, user), rows in sorted(rounds.items()): by_user[user].append((due, rows))
    wrong = [text for user, dues in by_user.items() for text in (moved if world.moved else exact)(mongo, user, dues)]
    return mongo.wrong + wrong


def users(mongo, user, seen, last):
    stored = mongo.users.get(user)
    if stored is None or stored.history != newest(seen):
        return ["I3: history of %s: %s, not %s" % (user, stored, newest(seen))]
    return [] if last is None or stored.last == last else ["I3: last of %s" % user]


def moved(mongo, user, dues):
    if (user, dues[-1][0]) not in mongo.recommendations: return ["I1': %s@%d is missing" % (user, dues[-1][0])]
    return users(mongo, user, [row for _, rows in dues for row in rows], None)


def exact(mongo, user, dues):
    seen, before = [], None
    for due, rows in dues:
        seen += rows
        found = mongo.recommendations.get((user, due))
        if found is None: return ["I1: %s@%d is missing" % (user, due)]
        if found.history != newest(seen): return ["I2: history of %s@%d" % (user, due)]
        if found.previous != (before and before[0]): return ["I2: previous of %s@%d" % (user, due)]
        if before and not rewarded(mongo.recommendations[user, before[0]], before[0], rows, found):
            return ["I2: reward of %s@%d" % (user, before[0])]
        before = (due, found.items)
    return users(mongo, user, seen, before)


def rewarded(previous, time, rows, found):
    value = sum(row.weight for row in rows if row.item in previous.items and row.time >= time)
    return found.previous_reward == value == previous.reward
