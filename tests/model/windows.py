"""What weir-rank knows after a prefix of weir-panes (common/flow/windows.c, panes.c, lines.c), function by function."""
import collections

from log import NONE, floor

UNKNOWN = 10**9                                     # since: not known yet

Shape = collections.namedtuple("Shape", "slide size history")
Line = collections.namedtuple("Line", "partition of start begin to clock since idle")
Batch = collections.namedtuple("Batch", "epoch lines panes")        # panes: number -> (events, {item: sum})
Mark = collections.namedtuple("Mark", "hold next version fired line")
START = Mark(0, 0, 0, NONE, NONE)
View = collections.namedtuple("View", "end version counts events complete newest")


class Refused(Exception):
    """Exit 78: an operator must act."""


def ends_of(shape, pane):
    """Of the windows that hold a pane."""
    return range((pane + 1) * shape.slide, pane * shape.slide + shape.size + 1, shape.slide)


def panes_of(shape, end):
    return range((end - shape.size) // shape.slide, end // shape.slide)


class Windows:
    def __init__(self, shape, time, epoch, rules, mark):
        self.shape, self.time, self.epoch, self.rules = shape, time, epoch, rules
        self.panes, self.lines = {}, {}             # lines: partition -> (the newest, its offset)
        self.first = {}                             # pane -> offset of the first batch in it
        self.from_start = mark.next == 0
        self.fired, self.line = (mark.fired, mark.line) if rules.keeps("F and Z in metadata") else (NONE, NONE)
        self.next, self.quiet_below, self.version = mark.hold, mark.next, mark.version
        self.due, self.changed = set(), False

    # --- what is frozen, what is due

    def frozen(self, end):
        if self.line == NONE or end + self.time.lateness > self.line: return False
        return end < self.fired or not self.rules.keeps("F never freezes")

    def oldest(self):
        return self.fired - (self.shape.history - 1) * self.shape.slide

    def urgent(self):
        return self.rules.keeps("urgent") and any(self.frozen(end) for end in self.due)

    # --- one batch

    def _change(self, end):
        self.due.add(end)
        self.changed = True

    def _fresh(self, offset):
        """What older batches make due has been shown, and by fuller knowledge than there is yet."""
        return offset >= self.quiet_below or not self.rules.keeps("silent below next")

    def _add(self, offset, pane, events, sums):
        if self.frozen(ends_of(self.shape, pane)[-1]): return
        known = self.panes.setdefault(pane, [0, collections.Counter()])
        known[0] += events
        known[1].update(sums)
        self.first.setdefault(pane, offset)
        if self.fired == NONE or not self._fresh(offset): return
        for end in ends_of(self.shape, pane):
            corrected = not self.frozen(end) or not self.rules.keeps("frozen windows")
            if self.oldest() <= end <= self.fired and corrected: self._change(end)

    def _any(self, end):
        return any(pane in self.panes for pane in panes_of(self.shape, end))

    def _raise_fired(self, end):
        if end <= self.fired: return
        before, self.fired = self.fired, end
        self.due = {due for due in self.due if due >= self.oldest()}
        begin = self.oldest() if before < self.oldest() else before + self.shape.slide
        self.due.update(e for e in range(begin, end, self.shape.slide) if self._any(e))
        self._change(end)

    def _lines_known(self):
        of = max((line.of for line, _ in self.lines.values()), default=0)
        return of > 0 and all(p in self.lines for p in range(of)) or not self.rules.keeps("lines of all")

    def _raise_lines(self):
        if not self._lines_known(): return
        lines = [line for line, _ in self.lines.values()]
        live = [line.clock for line in lines if not line.idle]
        greatest = max(line.clock for line in lines)
        if not self.rules.keeps("idle holds nobody back"): live = [line.clock for line in lines]
        if not live and greatest != NONE:
            self._raise_fired(floor(greatest, self.shape.slide) + self.shape.slide)
            if not self.rules.keeps("Z stays when idle"): self.line = max(self.line, self.fired)
        if not self.rules.keeps("a partition without a clock"): live = [clock for clock in live if clock != NONE]
        if not live or NONE in live: return
        self.line = max(self.line, min(live) - self.time.delay)
        self._raise_fired(floor(self.line, self.shape.slide))

    def _forget(self):
        for pane in [p for p in self.panes if self.frozen(ends_of(self.shape, p)[-1])]:
            del self.panes[pane], self.first[pane]

    def _check(self, batch):
        if batch.epoch != self.epoch and self.rules.keeps("epoch in batches"):
            raise Refused("a batch of another epoch")
        for line in batch.lines:
            known = self.lines.get(line.partition)
            if not known and not self.from_start: continue
            if line.begin != (known[0].to if known else line.start) and self.rules.keeps("chain"):
                raise Refused("no chain: partition %d goes on at %d" % (line.partition, line.begin))

    def _take_lines(self, batch, offset):
        for line in batch.lines: self.lines[line.partition] = (line, offset)

    def apply(self, offset, batch):
        self._check(batch)
        if not self.rules.keeps("corrections first"): self._take_lines(batch, offset), self._raise_lines()
        for pane, (events, sums) in batch.panes.items(): self._add(offset, pane, events, sums)
        since = self.since()
        self._take_lines(batch, offset)
        if self._fresh(offset): self._raise_lines()
        if self._fresh(offset) and self.since() != since and self.rules.keeps("complete anew"): self._all_changed()
        self.next = offset + 1
        if not self.urgent(): self._forget()

    # --- showing

    def again(self):
        if self.fired == NONE or self.next < self.quiet_below: return
        for end in range(self.oldest(), self.fired, self.shape.slide):
            if not self.frozen(end) and self._any(end): self.due.add(end)
        self.due.add(self.fired)

    def _all_changed(self):
        """What may still change says complete, or no longer."""
        self.again()
        self.changed = self.changed or self.fired != NONE

    def since(self):
        return max([line.since for line, _ in self.lines.values()]) if self._lines_known() and self.lines else UNKNOWN

    def _version(self):
        if not self.rules.keeps("version of the newest change"): return self.next
        return self.next if self.changed else self.version

    def view(self, end):
        events, counts = 0, collections.Counter()
        for pane in panes_of(self.shape, end):
            if pane not in self.panes: continue
            events += self.panes[pane][0]
            counts.update(self.panes[pane][1])
        complete = self.since() <= end - self.shape.size
        return View(end, self._version(), dict(counts), events, complete, end == self.fired)

    def shown(self):
        self.version, self.changed, self.due = self._version(), False, set()
        self._forget()

    def mark(self):
        hold = self.next
        if self.rules.keeps("hold: panes"): hold = min([hold, *self.first.values()])
        if self.rules.keeps("hold: lines"): hold = min([hold, *(offset for _, offset in self.lines.values())])
        return Mark(hold, max(self.next, self.quiet_below), self.version, self.fired, self.line)
