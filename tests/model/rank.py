"""weir-rank (consumers/rank/rank.c): batches -> windows -> Redis, then the offset."""
from windows import START, Refused, Windows


class Rank:
    def __init__(self, world, me):
        self.world, self.me, self.random, self.rules = world, me, world.random, world.rules
        self.epoch, self.group, self.redis, self.kafka = world.epoch, world.rankers, world.redis, world.kafka
        self.pace = self.random.choice((1, 1, .3, .1))

    def life(self):
        yield
        while True:
            yield from self.group.enter(self.me, lambda: 1, self.world.static)
            if self.me not in self.group.members: continue
            self.generation = self.group.generation
            yield from self._assignment()

    def _mine(self):
        return self.group.calm(self.me, self.generation)

    def _assignment(self):
        mark = None
        while self._mine() and mark is None:
            yield                                                           # standing by, if it is not ours
            if self.group.owned(self.me): mark = yield from self._begin()
        if mark is None: return
        self.topic, self.committed, self.position = self.kafka.topic, mark, mark.hold
        self.windows = Windows(self.world.shape, self.world.time, self.epoch, self.rules, mark)
        while self._mine() or self.random.random() < .5:
            yield from self._round()
            yield
        if self.group.is_mine(self.me, self.generation) and (not self.windows.due or (yield from self._show())):
            self._commit()

    def _begin(self):
        found = self.group.offsets.get(0)
        if found is None:
            if self.redis.holds(self.epoch): raise Refused("no offsets, but Redis is not empty")
            yield
            first = (0, (self.epoch, START))
            return START if self.group.commit(self.me, self.generation, {0: first}) else None
        if found[1][0] != self.epoch and self.rules.keeps("epoch in metadata"):
            raise Refused("an offset of another epoch")
        return found[1][1]

    # --- showing, in part if Redis goes away meanwhile

    def _show(self):
        shown = []
        for end in sorted(self.windows.due):
            if self.random.random() < .02: return False
            view = self.windows.view(end)
            self.world.publications.append((self.topic, view))
            shown.append((self.topic, self.windows, view))
            if not self.redis.publish(self.epoch, view): raise Refused("Redis is of a greater epoch")
            if self.redis.current and self.redis.current[:2] == view[:2]:
                self.world.currents.append((self.topic, view))
            yield
        self.windows.shown()
        self.world.shown += shown
        return True

    # --- the mark

    def _commit(self):
        mark = self.windows.mark()
        if mark.next == self.committed.next: return
        if not self.group.commit(self.me, self.generation, {0: (mark.hold, (self.epoch, mark))}): return
        self.committed = mark

    def _read(self):
        topic = self.kafka.topic
        if self.windows.next == 0: self.topic = topic   # a reset made it anew before we read anything
        for _ in range(self.random.choice((1, 3, 10))):
            if self.position >= self.kafka.stable_end(): return
            if self.position < topic.deleted: raise Refused("weir-panes is cut before offset %d" % self.position)
            entry = topic.all[self.position]
            if self.kafka.seen(entry):
                self.windows.apply(self.position, entry[1])
                while self.windows.urgent():
                    yield from self._show()
                    yield
            self.position += 1

    def _round(self):
        yield from self._read()
        if self.random.random() < .1: self.windows.again()
        if self.windows.due and not (yield from self._show()): return
        if self.random.random() < .3: self._commit()
        if self.world.trims and self.random.random() < .3: self.kafka.topic.delete(self.committed.hold)
