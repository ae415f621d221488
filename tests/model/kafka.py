"""What the protocols rely on in Kafka: consumer groups that refuse who is no member, transactions, offsets with
metadata, and readers that see committed records only. Tried on a real broker by tests/faults."""
import collections

UNSTABLE = "a transaction with an offset of it is open"


class Group:
    """A consumer group. While a rebalance is prepared the members may still commit; it is done when all have come back,
    or the time is up. A static member that returns takes over from its predecessor, without a rebalance."""

    def __init__(self, random, rules):
        self.random, self.rules = random, rules
        self.members, self.came, self.preparing = [], set(), False
        self.generation, self.owner = 0, {}         # owner: partition -> member
        self.offsets = {}                           # partition -> (offset, metadata)

    def join(self, me, partitions, static=False):
        before = next((m for m in self.members if m[0] == me[0] and m != me), None)
        if static and before and not self.preparing:
            self.members[self.members.index(before)] = me
            self.owner = {p: me if m == before else m for p, m in self.owner.items()}
            return
        if before: self.members.remove(before)
        if me not in self.members: self.members.append(me)
        self.preparing = True
        self.came = self.came & set(self.members) | {me}
        self.finish(partitions)

    def enter(self, me, partitions, static):
        """A generator: joins until a rebalance is done, or was without us."""
        self.join(me, partitions(), static)
        yield
        while self.preparing and me in self.members:
            self.join(me, partitions(), static)
            yield

    def finish(self, partitions, time_is_up=False):
        if not self.preparing or not time_is_up and self.came != set(self.members): return
        self.members = [m for m in self.members if m in self.came]
        self.generation, self.preparing, self.came = self.generation + 1, False, set()
        self.random.shuffle(self.members)
        self.owner = {p: self.members[p % len(self.members)] for p in range(partitions)} if self.members else {}

    def leave(self, me, partitions):
        """The session of a process, or of a predecessor whose place it never took, has ended."""
        gone = {m for m in self.members if m[0] == me[0] and m[1] <= me[1]}
        if not gone: return
        self.members = [m for m in self.members if m not in gone]
        self.came -= gone
        if self.members: self.preparing = True
        self.owner = {p: m for p, m in self.owner.items() if m not in gone}
        self.finish(partitions)

    def is_mine(self, me, generation):
        return me in self.members and generation == self.generation

    def calm(self, me, generation):
        return self.is_mine(me, generation) and not self.preparing

    def owned(self, me):
        return sorted(p for p, m in self.owner.items() if m == me)

    def commit(self, me, generation, offsets):
        if not self.is_mine(me, generation) and self.rules.keeps("generation"): return False
        self.offsets.update(offsets)
        return True


class Topic:
    """One partition with transactions: an entry is (transaction, value), or (None, None) for a marker. What is deleted
    stays in `all`, for the oracle."""

    def __init__(self):
        self.deleted, self.all = 0, []

    def append(self, number, value):
        self.all.append((number, value))

    def delete(self, below):
        self.deleted = max(self.deleted, below)


class Transactions:
    def __init__(self, group, topic):
        self.group, self.topic, self.tally = group, topic, collections.Counter()
        self.epoch, self.status, self.open, self.mine = collections.Counter(), {}, {}, {}
        self.late = []                              # (transaction, row): the late topic

    def begin_producer(self, slot):
        """A producer ends what its predecessor under the same id has left open, and fences it."""
        if self.status.get(self.mine.get(slot)) == "open": self.end(self.mine[slot], "aborted")
        self.epoch[slot] += 1
        return self.epoch[slot]

    def begin(self, slot, epoch):
        if self.epoch[slot] != epoch: return None
        number = len(self.status)
        self.status[number], self.mine[slot] = "open", number
        self.open[number] = {"first": None, "offsets": {}, "group": self.group, "topic": self.topic}
        return number

    def put(self, number, value):
        if self.status[number] != "open" or self.open[number]["topic"] is not self.topic: return False
        if self.open[number]["first"] is None: self.open[number]["first"] = len(self.topic.all)
        self.topic.append(number, value)
        return True

    def put_late(self, number, row):
        if self.status[number] == "open": self.late.append((number, row))
        return self.status[number] == "open"

    def put_offsets(self, number, me, generation, offsets):
        if self.status[number] != "open": return False
        if offsets and not self.group.is_mine(me, generation):
            self.tally["stale offsets refused"] += 1
            if self.group.rules.keeps("generation"): return False
        self.open[number]["offsets"] = dict(offsets)
        return True

    def end(self, number, how):
        """False: it had ended already, the other way."""
        if self.status[number] != "open": return self.status[number] == how
        self.status[number] = how
        opened = self.open.pop(number)
        self.tally["transactions " + how] += 1
        if opened["topic"] is self.topic and opened["first"] is not None: self.topic.append(None, None)
        if how == "committed" and opened["group"] is self.group: self.group.offsets.update(opened["offsets"])
        return True

    def fetch(self, partition):
        """A committed offset, as a consumer that reads committed records only gets it."""
        if any(partition in opened["offsets"] for opened in self.open.values()):
            self.tally["fetches that waited"] += 1
            if self.group.rules.keeps("stable fetch"): return UNSTABLE
        return self.group.offsets.get(partition)

    def stable_end(self):
        firsts = [o["first"] for o in self.open.values() if o["first"] is not None and o["topic"] is self.topic]
        return min(firsts, default=len(self.topic.all))

    def seen(self, entry):
        return entry[0] is not None and self.status[entry[0]] == "committed"
