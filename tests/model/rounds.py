"""One partition of the log as weir-recommend sees it (consumers/recommend/rounds.c), function by function."""
import collections

from log import NONE, floor, late

State = collections.namedtuple("State", "clock line")
Mark = collections.namedtuple("Mark", "offset state done cut")             # cut: (offset, line) or None
Entry = collections.namedtuple("Entry", "time position item weight")       # position: (partition, offset, row)
START = Mark(0, State(NONE, NONE), NONE, None)


class Bucket:
    def __init__(self, due, offset, state):
        self.due, self.offset, self.state, self.users, self.taken = due, offset, state, {}, set()


class Rounds:
    def __init__(self, world, partition, mark):
        self.interval, self.time, self.rules, self.partition = world.interval, world.time, world.rules, partition
        self.now = self.before = mark.state
        self.next, self.done, self.fence = mark.offset, mark.done, NONE
        self.cut, self.cut_pending = mark.cut, False
        self.buckets = []                           # by due

    # --- reading

    def _raise_line(self, line):
        self.now = self.now._replace(line=max(self.now.line, line))

    def _pass_cut(self):
        if self.cut and self.next >= self.cut[0] and not self.cut_pending: self._raise_line(self.cut[1])

    def begin(self, offset):
        self.next = offset
        self._pass_cut()
        self.before = self.now

    def reach(self, offset):
        self.next = max(self.next, offset)
        self._pass_cut()

    def _due(self, time):
        end = floor(time, self.interval) + self.interval
        if self.now.line == NONE or end > self.now.line or not self.rules.keeps("due of late rows"): return end
        return self.now.line + self.interval

    def _bucket(self, due):
        found = next((bucket for bucket in self.buckets if bucket.due == due), None)
        if found: return found
        state = self.before if self.rules.keeps("state before the record") else self.now
        self.buckets.append(Bucket(due, self.next, state))
        self.buckets.sort(key=lambda bucket: bucket.due)
        return self._bucket(due)

    def row(self, index, row):
        if late(self.time, self.now.clock, row.time, self.interval): return
        due = self._due(row.time)
        if due > self.done:
            position = (self.partition, self.next, index)
            self._bucket(due).users.setdefault(row.user, []).append(Entry(row.time, position, row.item, row.weight))
        clock = max(self.now.clock, row.time)
        self.now = self.now._replace(clock=clock)
        self._raise_line(floor(clock - self.time.delay, self.interval))

    def row_n(self):
        return sum(len(rows) for bucket in self.buckets for rows in bucket.users.values())

    # --- committing

    def mark(self):
        offset, state = self.next, self.now
        for bucket in self.buckets if self.rules.keeps("hold") else ():
            if bucket.offset < offset: offset, state = bucket.offset, bucket.state
        if not self.rules.keeps("state at the hold"): state = self.now
        outstanding = self.cut and offset < self.cut[0] and (self.cut_pending or self.rules.keeps("cut is kept"))
        return Mark(offset, state, self.done, self.cut if outstanding else None)

    def committed(self):
        self.cut_pending = False
        self._pass_cut()
        self.fence = self.now.line

    def closed(self):
        return bool(self.buckets) and self.buckets[0].due <= self.now.line

    def fenced(self):
        return self.rules.keeps("fence") and any(self.fence < b.due <= self.now.line for b in self.buckets)

    def propose_cut(self):
        closed = self.closed() and self.rules.keeps("closed rounds before a cut")
        if not self.buckets or self.cut_pending or closed: return
        if not self.rules.keeps("cut committed first"): return self._raise_line(self.buckets[-1].due)
        self.cut, self.cut_pending = (self.next, self.buckets[-1].due), True

    # --- serving

    def take(self, n, busy):
        """(rounds, bucket, user) of closed and committed rounds, oldest first, passing over who is in the making."""
        taken, fence = [], self.fence if self.rules.keeps("fence") else self.now.line
        order = self.buckets if self.rules.keeps("oldest round first") else reversed(self.buckets)
        for bucket in order:
            for user in bucket.users if bucket.due <= fence else ():
                if len(taken) == n: return taken
                if user in busy or user in bucket.taken: continue
                busy.add(user)
                bucket.taken.add(user)
                taken.append((self, bucket, user))
        return taken

    def served(self, bucket, user):
        del bucket.users[user]
        while self.buckets and not self.buckets[0].users:
            self.done = max(self.done, self.buckets.pop(0).due)
