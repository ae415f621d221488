"""weir-recommend (consumers/recommend: recommend.c, waves.c, wave.c, task.c, cache.c). One process is a generator that stops
between any two effects, and between the documents of a bulk."""
from mongo import Last, Recommendation, User
from rounds import START, Rounds
from start import positions
from windows import Refused

K = 3
STEP = "a step of the wave is done: its caller's loop goes on"
ASKED = "the service has answered: the wave may be stored when it is the first"


def newest(*rows):
    """The last K of a union."""
    return sorted({row[:3] for some in rows for row in some}, key=lambda row: row[:2])[-K:]


class Task:
    """One user of a wave (task.c)."""

    def __init__(self, due):
        self.rounds, self.bucket, self.user = due
        self.rows, self.end = self.bucket.users[self.user], self.bucket.due
        self.slate = self.previous = self.reward = None
        self.refused = False

    def merge(self, stored, rules):
        self.stored = stored
        old = stored.history if stored else []
        self.history = newest(old, self.rows)
        if not rules.keeps("last K of a union"): self.history = (old + [row[:3] for row in self.rows])[-K:]
        done = stored and stored.last.time >= self.end and rules.keeps("last.time >= E")
        self.serve, self.done = not done, bool(done) and (self.history == old or not rules.keeps("merge"))

    def plan(self, stored, rules):
        self.merge(stored, rules)
        if not stored: return
        self.previous = stored.last.time
        self.reward = sum(row.weight for row in self.rows
                          if row.item in stored.last.items and row.time >= stored.last.time)

    def document(self):
        last = Last(self.end, self.slate) if self.serve else self.stored.last
        return User(self.history, last, self.stored.rev + 1 if self.stored else 1)


class Wave:
    """Some users, from the queries about them to the last write (wave.c)."""

    def __init__(self, serve, tasks):
        self.users, self.asked, self.ended = {task.user for task in tasks}, False, False
        self.steps = serve(tasks)

    def step(self):
        for what in self.steps:
            self.asked = self.asked or what is ASKED
            if what in (STEP, ASKED): return
            yield
        self.ended = True


class Recommend:
    def __init__(self, world, me):
        self.world, self.me, self.random, self.rules = world, me, world.random, world.rules
        self.group, self.mongo, self.epoch = world.group, world.mongo, 1
        self.wave_max, self.rows_max = self.random.choice((1, 2, 5, 100)), self.random.choice((5, 30, 1000))
        self.pace = self.random.choice((1, 1, .3, .1))
        self._forget()

    def _forget(self):
        self.parts, self.waves, self.cache, self.at_end = {}, [], {}, set()

    def life(self):
        yield
        while True:
            yield from self.group.enter(self.me, lambda: self.world.partition_n(), self.world.static)
            if self.me not in self.group.members: continue
            self.generation = self.group.generation
            yield from self._assignment()
            if self.parts: self._commit()           # revoked: what is not committed is done again
            self._forget()

    def _mine(self):
        return self.group.calm(self.me, self.generation)

    def fetch(self, partitions):
        yield
        return {p: self.group.offsets.get(p) for p in partitions}

    def first(self):
        return START

    def _assignment(self):
        parts = None
        while self._mine() and parts is None:
            parts = yield from positions(self, self.group.owned(self.me))
            yield
        for partition, (offset, mark) in (parts or {}).items():
            self.parts[partition] = Rounds(self.world, partition, mark._replace(offset=offset))
        while self._mine() or self.random.random() < .5:
            self._read()
            yield from self._tick()
            yield

    # --- reading

    def _wants(self, rounds):
        if rounds.cut_pending: return False
        return not rounds.closed() or sum(r.row_n() for r in self.parts.values()) < self.rows_max

    def _read(self):
        for partition, rounds in self.parts.items():
            log = self.world.log.partitions[partition]
            for offset in range(rounds.next, min(len(log), rounds.next + self.random.choice((0, 1, 2, 5)))):
                if not self._wants(rounds): break
                self._record(rounds, offset, log[offset])
            if rounds.next == len(log): self.at_end.add(partition)

    def _record(self, rounds, offset, record):
        self.at_end.discard(rounds.partition)
        if record is None: return rounds.reach(offset + 1)
        rounds.begin(offset)
        for index, row in enumerate(record[1]):
            good = self.world.decode(record[0], row)
            if good is not None: rounds.row(index, good)
        rounds.reach(offset + 1)

    # --- the clock

    def _tick(self):
        yield from self._step_waves()
        for partition, rounds in self.parts.items():
            if partition in self.at_end and self.world.time_passes(.1): rounds.propose_cut()
        if self._wants_commit():
            yield
            if not self._commit(): return self._forget()
        if self._room(): self._start_wave()

    def _wants_commit(self):
        if any(r.cut_pending or self._room() and r.fenced() for r in self.parts.values()): return True
        return bool(self.parts) and self.random.random() < .1

    def _commit(self):
        """All our partitions in one request. Who may not commit may not serve."""
        offsets = {p: (rounds.mark().offset, rounds.mark()) for p, rounds in self.parts.items()}
        if not self.group.commit(self.me, self.generation, offsets): return False
        self.world.note_cuts(offsets)
        for rounds in self.parts.values(): rounds.committed()
        return True

    # --- the waves: the first is stored while the second asks

    def _room(self):
        return len(self.waves) < 2 and all(wave.asked for wave in self.waves)

    def _start_wave(self):
        busy, dues, parts = set(), [], list(self.parts.values())
        for wave in self.waves if self.rules.keeps("in one wave at a time") else (): busy |= wave.users
        self.random.shuffle(parts)
        for share in (max(1, self.wave_max // max(1, len(parts))), self.wave_max):
            for rounds in parts: dues += rounds.take(min(share, self.wave_max - len(dues)), busy)
        if dues: self.waves.append(Wave(self._serve, [Task(due) for due in dues]))

    def _step_waves(self):
        second = self.waves[1:]
        if second and not second[0].asked: yield from second[0].step()
        if self.waves: yield from self.waves[0].step()
        if self.waves and self.waves[0].ended: self.waves.pop(0)

    def _bulk(self, tasks, write):
        """Unordered, and now and then the answer is lost: False, with some of it done."""
        self.random.shuffle(tasks)
        for task in tasks:
            if self.random.random() < .01: return False
            write(task)
            yield
        return True

    def _repeat(self, tasks, write):
        while not (yield from self._bulk(tasks, write)): yield STEP
        yield STEP

    def _serve(self, tasks):
        yield from self._load(tasks)
        yield ASKED
        if not self.rules.keeps("recommendations before users"): yield from self._write_users(tasks)
        serve = [task for task in tasks if task.serve]
        yield from self._recommend(serve)
        rewarded = [task for task in serve if task.previous is not None]
        if self.rules.keeps("rewards before users"): yield from self._repeat(rewarded, self._reward)
        if self.rules.keeps("recommendations before users"): yield from self._write_users(tasks)
        if not self.rules.keeps("rewards before users"): yield from self._repeat(rewarded, self._reward)
        for task in tasks:
            self.cache[task.user] = task.stored if task.done else task.document()
            task.rounds.served(task.bucket, task.user)

    def _load(self, tasks):
        for task in tasks:
            cached = self.cache.pop(task.user, None) if self.random.random() < .8 else None
            task.plan(cached or self.mongo.users.get(task.user), self.rules)
            yield
        for task in tasks:                          # the service never answers twice alike
            task.slate = tuple(self.random.sample(["i%d" % i for i in range(7)], 2))

    def _recommend(self, tasks):
        known = []

        def insert(task):
            new = Recommendation(task.history, task.slate, task.previous, task.reward)
            if not self.mongo.recommend(task.user, task.end, new): known.append(task)
        yield from self._repeat(tasks, insert)
        for task in known if self.rules.keeps("adopt") else ():
            task.slate = self.mongo.recommendations[task.user, task.end].items
        yield STEP

    def _reward(self, task):
        self.mongo.reward(task.user, task.previous, task.reward)

    def _write_user(self, task):
        rev = task.stored.rev if task.stored else 0
        task.refused = not self.mongo.write_user(task.user, rev, task.document(), self.rules.keeps("rev"))

    def _write_users(self, tasks):
        while True:
            # an update tells how many matched, not which: then all of them are read again
            todo = [task for task in tasks if not task.done]
            yield from self._repeat(todo, self._write_user)
            refused = [task for task in todo if task.refused]
            if not refused or not self.rules.keeps("resolve"): return
            for task in [task for task in todo if task.stored] + [t for t in refused if not t.stored]:
                task.merge(self.mongo.users.get(task.user), self.rules)
                if task.serve and not task.slate: raise Refused("a document in users went back")
                task.refused = False
                yield
