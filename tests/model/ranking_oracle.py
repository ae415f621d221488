"""What must hold after a schedule of ranking.py, worked out by brute force from the log and from weir-panes.

I1 (DESIGN.md 3, 4)  the sum of all committed deltas = the counted rows, the late topic = the late rows, each once
I2 (5)  every publication, a zombie's too, is f(window_end, the batches below its version): counts, events, complete
I3 (5)  no window is published before it has fired
I4 (5)  counts of a window never shrink; window_end and version never go back in a Redis that keeps its data; one
        version is one text (redis.py looks at each write)
I5 (5)  at rest the current window ends with the newest counted pane, and it and the history are the oracle's, but
        for what came when a window had frozen; who emptied Redis lost only frozen windows; only F is ever current
I6 (5)  what a restart needs is there, the chain holds, nobody refuses (ranking.py: refused)
I7 (4)  it comes to rest (ranking.py)
I8 (5)  a window that says complete misses no row of before the start, unless the first row read was itself late
I9 (4)  where a group begins is one decision for all partitions (ranking.py: note_start)
I10 (5) what is shown again keeps the version of the newest change"""
import collections

from log import NONE, floor, late
from windows import UNKNOWN, ends_of, panes_of


class Truth:
    """What the log decides, from given offsets on."""

    def __init__(self, world, starts):
        self.panes, self.late, self.clocks, self.verdicts = {}, [], {}, {}
        for partition in range(world.partition_n()): self._decide(world, partition, starts.get(partition, 0))

    def _decide(self, world, partition, start):
        clock, slide = NONE, world.shape.slide
        for offset, index, row in world.log.good_rows(partition, world.honest, start):
            is_late = late(world.time, clock, row.time, slide)
            self.verdicts[partition, offset, index] = (is_late, row.time // slide)
            if is_late: self.late.append((partition, offset, index))
            else: self._count(row, row.time // slide)
            clock = max(clock, row.time)
        if clock != NONE: self.clocks[partition] = clock

    def _count(self, row, pane):
        counted = self.panes.setdefault(pane, [0, collections.Counter()])
        counted[0] += 1
        if row.weight: counted[1][row.item] += row.weight


def window(shape, panes, end):
    events, counts = 0, collections.Counter()
    for pane in panes_of(shape, end):
        if pane in panes:
            events += panes[pane][0]
            counts.update(panes[pane][1])
    return events, dict(counts)


class Prefix:
    """All that can be said about a prefix of weir-panes, batch by batch."""

    def __init__(self, world):
        self.world, self.shape, self.time = world, world.shape, world.time
        self.panes, self.lines, self.Z, self.F = {}, {}, NONE, NONE
        self.fired, self.frozen_as, self.missed = {}, {}, set()
        self.changes = 0                            # of what windows show

    def frozen(self, end):
        return self.Z != NONE and end + self.time.lateness <= self.Z and end < self.F

    def known(self):
        return all(p in self.lines for p in range(max((line.of for line in self.lines.values()), default=0)))

    def since(self):
        return max((line.since for line in self.lines.values()), default=UNKNOWN) if self.known() else UNKNOWN

    def complete(self, end):
        return self.since() <= end - self.shape.size

    def apply(self, offset, batch):
        touched = set()
        for pane, (events, sums) in batch.panes.items():
            counted = self.panes.setdefault(pane, [0, collections.Counter()])
            counted[0] += events
            counted[1].update(sums)
            for end in ends_of(self.shape, pane):
                if self.frozen(end): self.missed.add(end)
                elif end <= self.F: touched.add(end)
        before, since = self.F, self.since()
        for line in batch.lines: self.lines[line.partition] = line
        self._raise()
        touched.update(range(max(before, self.F - self.shape.history * self.shape.slide) + self.shape.slide,
                             self.F + self.shape.slide, self.shape.slide) if self.F > before else ())
        self.changes += bool(touched) or self.since() != since
        for end in touched:
            self.fired.setdefault(end, offset + 1)
            self.frozen_as[end] = window(self.shape, self.panes, end)

    def _raise(self):
        if not self.lines or not self.known(): return
        live = [line.clock for line in self.lines.values() if not line.idle]
        newest = max(line.clock for line in self.lines.values())
        if not live and newest != NONE: self.F = max(self.F, floor(newest, self.shape.slide) + self.shape.slide)
        if not live or NONE in live: return
        self.Z = max(self.Z, min(live) - self.time.delay)
        self.F = max(self.F, floor(self.Z, self.shape.slide))


def violations(world):
    world.honest = type(world.rules)()
    topics = {id(topic): topic for topic, _ in world.publications}
    wrong = list(world.redis.wrong)
    for topic in topics.values():
        wrong += publications(world, topic)
        if wrong: return wrong
    truth, prefix = Truth(world, world.starts), Prefix(world)
    for offset, entry in enumerate(world.kafka.topic.all):
        if world.kafka.seen(entry): prefix.apply(offset, entry[1])
    return sums(world, truth, prefix) or at_rest(world, truth, prefix) or honest(world)


def publications(world, topic):
    views = sorted((view for of, view in world.publications if of is topic), key=lambda view: -view.version)
    currents = {view[:2] for of, view in world.currents if of is topic}
    shown = collections.defaultdict(set)
    for of, who, view in world.shown:
        if of is topic: shown[view.version].add(id(who))
    prefix, versions = Prefix(world), {}
    for offset, entry in enumerate(topic.all + [(None, None)]):
        while views and views[-1].version <= offset:
            view = views.pop()
            expected = (*window(world.shape, prefix.panes, view.end), prefix.complete(view.end))
            if (view.events, view.counts, view.complete) != expected:
                return ["I2: window %d of version %d shows %s, not %s" % (view.end, view.version, view, expected)]
            if view.version < prefix.fired.get(view.end, 10**9):
                return ["I3: window %d of version %d is early" % view[:2]]
            if view[:2] in currents and view.end != prefix.F:
                return ["I5: window %d is current, F is %d" % (view.end, prefix.F)]
        for who in shown[offset]:
            if versions.setdefault((who, prefix.changes), offset) != offset:
                return ["I10: shown again with version %d, had %d" % (offset, versions[who, prefix.changes])]
        if world.kafka.seen(entry): prefix.apply(offset, entry[1])
    return []


def sums(world, truth, prefix):
    if prefix.panes != truth.panes: return ["I1: the deltas are not the counted rows"]
    told = sorted(row for number, row in world.kafka.late if world.kafka.status[number] == "committed")
    return [] if told == sorted(truth.late) else ["I1: the late topic is not the late rows"]


def at_rest(world, truth, prefix):
    redis, shape = world.redis, world.shape
    if not truth.clocks: return []
    must = max(floor(max(truth.clocks.values()), shape.slide) + shape.slide, prefix.F)
    if redis.current is None or redis.current.end != must:
        return ["I5: current is %s, not %d" % (redis.current, must)]
    if must not in prefix.missed and redis.current.counts != window(shape, truth.panes, must)[1]:
        return ["I5: current content"]
    if redis.current.complete != prefix.complete(must): return ["I5: current complete"]
    if min(redis.history) <= must - redis.keep: return ["I5: history of a window that nobody wants"]
    for end in range(must - redis.keep + shape.slide, must + 1, shape.slide):
        lost = redis.empties and prefix.frozen(end)
        shown, expected = redis.history.get(end), prefix.frozen_as.get(end, (0, {}))
        if shown and shown[1] != expected[1] and not lost: return ["I5: history of %d" % end]
        if not shown and expected[0] and not lost: return ["I5: history of %d is missing" % end]
    return []


def honest(world):
    """I8. A row of before the start that a full reading would have counted."""
    full, unread = Truth(world, {}), set()
    for partition, start in world.starts.items():
        first = next((row[:2] for row in world.log.good_rows(partition, world.honest, start)), None)
        if first is None or full.verdicts[partition, *first][0]: continue
        unread |= {pane for (p, offset, _), (is_late, pane) in full.verdicts.items()
                   if p == partition and offset < start and not is_late}
    for end, (_, _, complete) in world.redis.history.items():
        if complete and unread.intersection(panes_of(world.shape, end)):
            return ["I8: window %d is not complete" % end]
    return []
