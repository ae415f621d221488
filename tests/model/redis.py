"""The script of io/sink_redis.c, one atomic step, and what a Redis that restarted empty has forgotten."""
import collections

Current = collections.namedtuple("Current", "end version counts complete")


class Redis:
    def __init__(self, keep, rules):
        self.keep, self.rules = keep, rules
        self.empties, self.wrong, self.tally = 0, [], collections.Counter()
        self._forget()

    def _forget(self):
        self.epoch, self.current = None, None
        self.history = {}                           # window_end -> (version, counts, complete)

    def empty(self):
        self._forget()
        self.empties += 1

    def holds(self, epoch):
        """consumers/rank: store_is_empty."""
        return self.epoch is not None and self.epoch >= epoch

    def publish(self, epoch, view):
        """False = STALE: a greater epoch is stored."""
        if self.epoch is not None and self.epoch > epoch and self.rules.keeps("epoch in Redis"):
            self.tally["publications of an older epoch refused"] += 1
            return False
        if self.epoch is not None and self.epoch > epoch: self.wrong.append("I4: the epoch went back to %d" % epoch)
        if self.epoch != epoch: self._forget()
        self.epoch = epoch
        if self.current and view.end <= self.current.end - self.keep and self.rules.keeps("trimmed stay away"):
            self.tally["publications of trimmed windows refused"] += 1
            return True
        self._write(view)
        return True

    def _write(self, view):
        if self.current and view.end <= self.current.end - self.keep:
            self.wrong.append("I4: window %d is back, which had left the history" % view.end)
        old, fresh = self.history.get(view.end), False
        if old is None or old[0] <= view.version or not self.rules.keeps("version in Redis"):
            self._compare(old, view)
            self.history[view.end] = (view.version, view.counts, view.complete)
            fresh = True
        else:
            self.tally["older publications refused"] += 1
        ahead = self.current and view.end - self.current.end
        newest = view.newest or not self.rules.keeps("only F is current")
        passed = ahead and ahead < 0 and self.rules.keeps("window_end in Redis")
        if not newest or passed or ahead == 0 and not fresh: return
        if self.current and (view.end, view.version) < self.current[:2]:
            self.wrong.append("I4: the current window went back from %s to %s" % (self.current[:2], view[:2]))
        self.current = Current(view.end, view.version, view.counts, view.complete)
        if not self.rules.keeps("trim"): return
        self.history = {end: entry for end, entry in self.history.items() if end > view.end - self.keep}

    def _compare(self, old, view):
        if not old: return
        if any(view.counts.get(item, 0) < count for item, count in old[1].items()):
            self.wrong.append("I4: window %d shows less than before" % view.end)
        if old[0] == view.version and old[1:] != (view.counts, view.complete):
            self.wrong.append("I4: window %d has two texts of version %d" % (view.end, view.version))
