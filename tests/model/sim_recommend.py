#!/usr/bin/env python3
"""Random-schedule simulation of weir-recommend: partitions, disorder, late rows, packed records, rebalances, kills, zombies, MongoDB.

Every (worker, partition) is a task of two coroutines (reader, firer) that stop at every effect; one scheduler picks who goes on, who is
killed, who loses its partition and goes on as a zombie. A single-document operation is atomic; a bulk is its documents in random order
with a stop between any two, so it may be applied in part. The broker refuses commits of a task that no longer owns the partition.

  mode pos    the protocol of the first design: events applied as they come, users guarded by pos, flush at firing
  mode round  the protocol as built: rows wait in buckets by due interval, a closed bucket is one round, document = last K, rev guards;
              waves of users of any closed rounds, a user's own rounds in order

usage: sim_recommend.py [--runs N] [--seed S] [--only NAME,NAME]     each variant must be clean or refuted as it says
"""
import argparse, random, sys, time
from collections import defaultdict

L, DELAY, LATE, K = 20, 10, 40, 3
NEG = -10**9
US = "\x1f"

def floor_(t): return t // L * L

def iend(t): return floor_(t) + L

def topk(events, k=K):
    """Last k of a set of events by (time, pos): idempotent, commutative, associative."""
    return sorted({e[:3] for e in events}, key=lambda e: (e[0], e[1]))[-k:]

def make_log(rng, o):
    """Per partition a list of records, a record a list of rows (time, user, item, weight)."""
    users = ["u%d" % i for i in range(rng.choice((2, 3, 5)))]
    home = {u: rng.randrange(o["P"]) for u in users}
    logs = []
    for p in range(o["P"]):
        mine = [u for u in users if home[u] == p or o["moved"]]
        log, now = [], 100
        for _ in range(rng.randrange(8, 40) if mine else 0):
            rows = []
            for _ in range(rng.choice((1, 1, 1, 2, 4))):
                now += rng.choice((0, 0, 1, 3, 7, 7, 15, 60 if rng.random() < .2 else 5))
                back = rng.choice((0, 0, 3, DELAY, DELAY, rng.randrange(LATE + DELAY), LATE + DELAY + 15 if rng.random() < .2 else 2))
                rows.append((max(0, now - back), rng.choice(mine), "i%d" % rng.randrange(5), rng.choice((1, 3))))
            log.append(rows)
        if log and not o["idle"]:
            log.append([(now + 1000, "end%d" % p, "i0", 1)])
        logs.append(log)
    return logs

class Store:
    """MongoDB: users {_id: doc}, recs {_id: doc}; every method is one atomic single-document operation."""
    def __init__(self):
        self.users, self.recs, self.stale, self.dup = {}, {}, 0, 0
    def insert_rec(self, i, doc):
        if i in self.recs:
            self.dup += 1
            return False
        self.recs[i] = doc
        return True
    def set_reward(self, i, value):
        if i in self.recs:
            self.recs[i] = dict(self.recs[i], reward=value)
    def upsert_user(self, u, test, doc):
        """updateOne(filter {_id, guard}, {$set}, upsert): False = E11000, the guard did not match an existing document."""
        old = self.users.get(u)
        if old is not None and not test(old):
            self.stale += 1
            return False
        self.users[u] = doc
        return True

class Task:
    """One worker's hold on one partition."""
    def __init__(self, sim, p):
        self.sim, self.p, self.o, self.rng = sim, p, sim.o, sim.rng
        self.log = sim.logs[p]
        self.off, meta = sim.commits[p]
        self.wm, self.line, self.done, self.cut = meta["wm"], meta["line"], meta["done"], meta["cut"]
        self.buckets, self.cache, self.dead, self.speed = {}, {}, False, 1.0
        self.busy, self.fence = False, NEG
        self.pend, self.fires, self.state = {}, [], {}          # mode pos
        self.parts = [self.reader_round(), self.firer_round()] if self.o["mode"] == "round" else [self.reader_pos(), self.firer_pos()]
    def step(self):
        next(self.rng.choice(self.parts))
    def finished(self):
        if self.o["mode"] == "pos":
            return self.off >= len(self.log) and not self.fires and not self.busy
        return self.off >= len(self.log) and not self.busy and not any(e <= self.line for e in self.buckets) \
            and not (self.o["idle"] and self.buckets)
    def commit(self, off, meta):
        """Synchronous commit; False = refused, the partition is lost."""
        if self.sim.owner[self.p] is not self:
            self.dead = True
            return False
        self.fence = self.line                                   # what was closed while the partition was surely ours
        self.sim.commits[self.p] = (off, meta)
        return True
    # ---------------------------------------------------------------- proposed protocol: rounds
    def move(self, t):
        self.wm = max(self.wm, t - DELAY)
        self.line = max(self.line, floor_(self.wm))
    def meta(self):
        """What to commit: the hold, and the watermark as it was before the record at the hold."""
        off, (wm, line) = min([b[:2] for b in self.buckets.values()] or [(self.off, (self.wm, self.line))])
        cut = self.cut if self.cut and off < self.cut[0] else None    # kept until the hold has passed it
        if self.o["restore"] == "now":                           # broken: the newest watermark with an older offset
            wm, line = self.wm, self.line
        return off, {"wm": wm, "line": line, "done": self.done if self.o["done"] else NEG, "cut": cut}
    def reader_round(self):
        while True:
            closed = any(e <= self.line for e in self.buckets)
            if self.off >= self.sim.shown[self.p] or len(self.buckets) > 6 and closed:    # end of the log, or too much unfinished
                if self.o["idle"] and self.buckets and not closed and not self.busy and self.rng.random() < .3:
                    yield from self.idle_flush()
                yield
                continue
            if self.cut and self.off >= self.cut[0]:             # as the earlier owner decided: the log is cut here
                self.line = max(self.line, self.cut[1])
            before = (self.wm, self.line)
            for row, (t, u, item, w) in enumerate(self.log[self.off]):
                pos = self.off << 16 | row
                if t < self.wm - LATE:
                    continue
                due = max(iend(t), self.line + L)
                if due > self.done:
                    self.buckets.setdefault(due, (self.off, before, defaultdict(list)))[2][u].append((t, (self.p, pos), item, w))
                self.move(t)
            self.off += 1
            yield
    def idle_flush(self):
        """The clock, not the log, closes what is open: the decision is committed before anything is fired by it."""
        line = max(self.buckets)
        if self.o["idle"] == "cut":
            self.cut = (self.off, line)
            if not self.commit(*self.meta()):
                return
            self.sim.cuts[self.p].append(self.cut)
            yield
        self.line = max(self.line, line)
        self.fence = max(self.fence, line)                       # the cut's own commit stands for it
    def firer_round(self):
        o = self.o
        while True:
            ready = [e for e in sorted(self.buckets) if e <= self.line]
            if ready and o["fence"] and max(ready) > self.fence:
                self.commit(*self.meta())                        # who may not commit may not fire
                yield
                continue
            if not ready:
                yield
                continue
            self.busy = True
            n = self.rng.choice((1, 2, 5))
            wave, busy = [], set()                               # a user once, with his oldest unserved round
            for end in ready:
                users = list(self.buckets[end][2].items())
                self.rng.shuffle(users)
                for u, evs in users:
                    if u not in busy and len(wave) < n:
                        wave.append((end, u, evs))
                    busy.add(u)
            yield from self.round_chunk(wave)
            for end, u, evs in wave:
                del self.buckets[end][2][u]
            for end in sorted(self.buckets):
                if end > self.line or self.buckets[end][2]:
                    break
                del self.buckets[end]
                self.done = max(self.done, end)
            self.busy = False
            yield
            if not o["fence"] and self.rng.random() < .7 or self.rng.random() < .2:
                self.commit(*self.meta())
                yield
    def load(self, u):
        if u not in self.cache or self.rng.random() < .2:        # LRU eviction at any time: the cache is never dirty
            self.cache[u] = self.sim.store.users.get(u)
        return self.cache[u]
    def round_chunk(self, chunk):
        o, store, todo = self.o, self.sim.store, []
        for end, u, evs in chunk:
            doc = self.load(u)
            yield
            if self.committed_past(doc, end):
                if o["merge"]:
                    todo.append((end, u, evs, doc, None, None))
                continue
            old = doc["history"] if doc else []
            hist, last, reward = topk(old + evs), doc["last"] if doc else None, None
            if last:
                reward = sum(w for (t, _, item, w) in evs if item in last["items"] and t >= last["time"])
            todo.append((end, u, evs, doc, {"user": u, "time": end, "history": hist, "previous": last["id"] if last else None,
                                       "previous_reward": reward}, last))
        yield                                                    # the inference service answers, differently each time
        for end, u, evs, doc, rec, last in todo:
            if rec:
                rec["items"] = tuple(self.rng.sample(["i%d" % i for i in range(5)], 2))
        self.rng.shuffle(todo)
        if o["order"] == "users-first":
            yield from self.write_users(todo)
        for end, u, evs, doc, rec, last in todo:
            if not rec:
                continue
            yield
            rid = u + US + str(end)
            if not store.insert_rec(rid, rec) and o["adopt"]:
                yield
                rec["items"] = store.recs[rid]["items"]
            if last and o["order"] != "reward-last":
                yield
                store.set_reward(last["id"], rec["previous_reward"])
        if o["order"] != "users-first":
            self.rng.shuffle(todo)
            yield from self.write_users(todo)
        if o["order"] == "reward-last":
            for end, u, evs, doc, rec, last in todo:
                if rec and last:
                    yield
                    store.set_reward(last["id"], rec["previous_reward"])
    def committed_past(self, doc, end):
        return doc is not None and doc["last"] is not None and doc["last"]["time"] >= end
    def write_users(self, todo):
        o, store = self.o, self.sim.store
        for end, u, evs, doc, rec, last in todo:
            while True:
                done = self.committed_past(doc, end)
                hist = topk((doc["history"] if doc else []) + evs)
                if done and (not o["merge"] or hist == doc["history"]):
                    break
                keep = doc["last"] if done or not rec else {"id": u + US + str(end), "items": rec["items"], "time": end}
                new = {"history": hist, "last": keep, "rev": (doc["rev"] if doc else 0) + 1}
                if o["guard"] == "rev":
                    test = lambda old, r=(doc["rev"] if doc else 0): old["rev"] == r
                elif o["guard"] == "last":
                    test = lambda old: not (old["last"] and old["last"]["time"] >= end)
                else:
                    test = lambda old: True
                yield
                if store.upsert_user(u, test, new):
                    self.cache[u] = new
                    break
                self.cache.pop(u, None)
                if o["guard"] != "rev":
                    break
                yield
                doc = store.users.get(u)
    # ---------------------------------------------------------------- first design: applied as they come, guarded by pos
    def reader_pos(self):
        o, store = self.o, self.sim.store
        while True:
            if self.off >= len(self.log):
                yield
                continue
            before = (self.wm, self.line)
            for row, (t, u, item, _) in enumerate(self.log[self.off]):
                pos = self.off << 16 | row
                if t >= self.wm - LATE:
                    if u not in self.state:
                        yield
                        d = store.users.get(u) or {"history": [], "pos": {}}
                        self.state[u] = {"history": list(d["history"]), "pos": dict(d["pos"])}
                    st, end = self.state[u], iend(t)
                    fresh = pos > st["pos"].get(self.p, -1)
                    if fresh:
                        st["history"] = topk(st["history"] + [(t, (self.p, pos), item)], o["M"])
                        st["pos"][self.p] = pos
                    if (end > self.line or o["late_fires"]) and (fresh or o["register"]) and end > self.done:
                        self.pend.setdefault((u, end), (self.off, before, False))
                self.move(t)
                if o["exact_fire"]:
                    self.close(pos)
            if not o["exact_fire"] and self.rng.random() < .5:   # firing is looked at once a poll: later rows are in already
                self.close(pos)
            self.off += 1
            yield
    def close(self, pos):
        for (u, end), (first, before, queued) in sorted(self.pend.items(), key=lambda x: x[0][1]):
            if end <= self.line and not queued:
                self.pend[(u, end)] = (first, before, True)
                st = self.state[u]
                hist = topk([e for e in st["history"] if e[0] < end and e[1][1] <= pos])
                snap = {"history": list(st["history"]), "pos": dict(st["pos"])}
                self.fires.append((u, end, hist, snap))
    def firer_pos(self):
        o, store = self.o, self.sim.store
        while True:
            if not self.fires:
                yield
                continue
            self.busy = True
            u, end, hist, snap = self.fires.pop(0)
            yield
            items = tuple(self.rng.sample(["i%d" % i for i in range(5)], 2))
            rid = u + US + str(end)
            rec = {"user": u, "time": end, "history": hist, "items": items, "previous": None, "previous_reward": None}
            if not store.insert_rec(rid, rec):
                yield
                items = store.recs[rid]["items"]
            yield
            src, p = snap if o["snapshot"] else self.state[u], self.p
            new = {"history": list(src["history"]), "pos": dict(src["pos"]), "last": {"id": rid, "items": items, "time": end}}
            store.upsert_user(u, lambda old: old["pos"].get(p, -1) < new["pos"][p], new)
            self.pend.pop((u, end), None)
            self.busy = False
            if self.rng.random() < .1 and not any(k[0] == u for k in self.pend):
                self.state.pop(u, None)                          # LRU
            yield
            if self.rng.random() < .7:
                off, (wm, line) = min([x[:2] for x in self.pend.values()] or [(self.off, (self.wm, self.line))])
                wm, line = (self.wm, self.line) if o["restore"] == "now" else (wm, line)
                ends = [k[1] for k in self.pend]
                done = min(self.line, min(ends) - L) if ends else self.line
                self.commit(off, {"wm": wm, "line": line, "done": done if o["done"] else NEG, "cut": None})
                yield

class Sim:
    def __init__(self, seed, o):
        self.o, self.rng, self.seed = o, random.Random(seed), seed
        self.logs = make_log(self.rng, o)
        self.store = Store()
        self.commits = [(0, {"wm": NEG, "line": NEG // L * L, "done": NEG, "cut": None}) for _ in self.logs]
        self.owner, self.zombies, self.cuts = [None] * o["P"], [], defaultdict(list)
        self.shown = [len(l) if not o["idle"] else 0 for l in self.logs]
        self.faults = 0
    def run(self):
        rng, o = self.rng, self.o
        faults = rng.choice((2, 6, 15)) if o["faults"] else 0
        rate = rng.choice((.01, .03, .08))
        for p in range(o["P"]):
            self.owner[p] = Task(self, p)
        for n in range(60000):
            p = rng.randrange(o["P"])
            if o["idle"] and rng.random() < .05:
                self.shown[p] = min(len(self.logs[p]), self.shown[p] + rng.randrange(1, 6))
            if faults and rng.random() < rate:
                faults -= 1
                self.faults += 1
                if rng.random() < .5:                            # else a kill
                    self.owner[p].speed = rng.choice((0.02, .2, 1.0))
                    self.zombies.append(self.owner[p])
                self.owner[p] = Task(self, p)
            for z in self.zombies:
                if rng.random() < z.speed * .5:
                    z.step()
            if rng.random() < .02:
                for z in self.zombies:
                    z.speed = rng.choice((0, 0, .1, 1.0, 1.0))   # SIGSTOP, SIGCONT
            self.zombies = [z for z in self.zombies if not z.dead and rng.random() > .002]
            rng.choice(self.owner).step()
            if n % 20 == 0 and not faults and all(t.finished() for t in self.owner) and self.shown == [len(l) for l in self.logs]:
                break
        else: return ["no progress"]
        for z in self.zombies:                                   # the last zombies wake when all is over
            for _ in range(rng.choice((0, 50, 400))):
                if not z.dead:
                    z.step()
        return self.check()
    # ---------------------------------------------------------------- the oracle: one pass over the log, no faults
    def oracle(self):
        dues, rounds = defaultdict(list), {}
        for p, log in enumerate(self.logs):
            wm, line, cuts, buckets = NEG, NEG // L * L, list(self.cuts[p]), defaultdict(lambda: defaultdict(list))
            for off, rows in enumerate(log):
                for row, (t, u, item, w) in enumerate(rows):
                    while cuts and cuts[0][0] <= off:
                        line = max(line, cuts.pop(0)[1])
                    if t < wm - LATE:
                        continue
                    buckets[max(iend(t), line + L)][u].append((t, (p, off << 16 | row), item, w))
                    wm = max(wm, t - DELAY)
                    line = max(line, floor_(wm))
            line = max([line] + [c[1] for c in cuts])
            for end, u, evs in [(end, u, evs) for end in sorted(buckets) for u, evs in buckets[end].items() if end <= line]:
                rounds.setdefault((end, u), []).extend(evs)
        return rounds
    def oracle_pos(self):
        """The history as the first design says: last K with time < end among those that had arrived at the firing position."""
        out = {}
        for p, log in enumerate(self.logs):
            wm, line, seen, pend = NEG, NEG // L * L, defaultdict(list), set()
            for pos, (t, u, item, w) in [(off << 16 | row, e) for off, rows in enumerate(log) for row, e in enumerate(rows)]:
                if t >= wm - LATE:
                    seen[u].append((t, (p, pos), item))
                    if (u, iend(t)) not in out and (iend(t) > line or self.o["late_fires"]):
                        pend.add((u, iend(t)))
                wm = max(wm, t - DELAY)
                line = max(line, floor_(wm))
                for (u, end) in [x for x in pend if x[1] <= line]:
                    pend.discard((u, end))
                    out[(u, end)] = topk([e for e in seen[u] if e[0] < end])
        return out
    def check_covered(self):
        """What must hold even where the clock decides: history complete, and the newest recommendation knows it."""
        seen = defaultdict(list)
        for p, log in enumerate(self.logs):
            wm = NEG
            for pos, (t, u, item, w) in [(off << 16 | row, e) for off, rows in enumerate(log) for row, e in enumerate(rows)]:
                if t >= wm - LATE:
                    seen[u].append((t, (p, pos), item))
                wm = max(wm, t - DELAY)
        bad = []
        for u, evs in seen.items():
            d = self.store.users.get(u)
            if d is None or d["history"] != topk(evs):
                bad.append("users %s is not the last K of all its events" % u)
            elif self.store.recs[d["last"]["id"]]["history"] != d["history"]:
                bad.append("uncovered: the newest recommendation of %s does not know its newest events" % u)
        return bad
    def check(self):
        bad, users = [], {}
        if self.o["idle"] == "naive":
            return self.check_covered()
        if self.o["mode"] == "pos":
            want = self.oracle_pos()
            for (u, end), hist in want.items():
                r = self.store.recs.get(u + US + str(end))
                if r is None:
                    bad.append("lost recommendation %s@%d" % (u, end))
                elif r["history"] != hist:
                    bad.append("history of %s@%d is %s, should be %s" % (u, end, r["history"], hist))
            return bad + ["extra " + i.replace(US, "@") for i in self.store.recs if (i.split(US)[0], int(i.split(US)[1])) not in want]
        rounds, seen = self.oracle(), defaultdict(list)
        for (end, u), evs in sorted(rounds.items()):
            seen[u] += evs
            rid, r = u + US + str(end), self.store.recs.get(u + US + str(end))
            if r is None:
                if not self.o["moved"] or end == max(e for e, x in rounds if x == u):
                    bad.append("lost recommendation %s@%d" % (u, end))
                continue
            prev = users.get(u)
            if not self.o["moved"]:
                if r["history"] != topk(seen[u]):
                    bad.append("history of %s@%d is %s, should be %s" % (u, end, r["history"], topk(seen[u])))
                if r["previous"] != (prev and prev["id"]):
                    bad.append("previous of %s@%d" % (u, end))
                if prev:
                    value = sum(w for (t, _, i, w) in evs if i in prev["items"] and t >= prev["time"])
                    if r["previous_reward"] != value or self.store.recs[prev["id"]].get("reward") != value:
                        bad.append("reward of %s: %s and %s, should be %s" % (prev["id"].replace(US, "@"), r["previous_reward"],
                                   self.store.recs[prev["id"]].get("reward"), value))
            users[u] = {"id": rid, "items": r["items"], "time": end}
        for i in self.store.recs:
            if (int(i.split(US)[1]), i.split(US)[0]) not in rounds:
                bad.append("extra " + i.replace(US, "@"))
        for u in seen:
            d = self.store.users.get(u)
            if d is None or d["history"] != topk(seen[u]):
                bad.append("users %s history %s, should be %s" % (u, d and d["history"], topk(seen[u])))
            elif not self.o["moved"] and d["last"] != users.get(u):
                bad.append("users %s last %s, should be %s" % (u, d["last"], users.get(u)))
        return bad

ROUND = dict(mode="round", P=2, faults=True, moved=False, idle=None, restore="hold", done=True, merge=True, fence=True, guard="rev", adopt=True,
             order="rec-first")
POS = dict(mode="pos", P=2, faults=True, moved=False, idle=None, restore="hold", done=False, M=10**6, register=True, exact_fire=True,
           snapshot=True, late_fires=True)
VARIANTS = {   # name: (options, clean?, what)
    "round": (ROUND, True, "the proposal"),
    "round-guard-last": (dict(ROUND, guard="last", merge=False), True, "guard last.time < end instead of rev, no merge: enough while a user has one partition"),
    "round-nodone": (dict(ROUND, done=False), True, "no finished line in the metadata: only slower"),
    "round-nofence": (dict(ROUND, fence=False), True, "rounds fire without a commit first: enough while only the log closes them"),
    "round-idle-cut": (dict(ROUND, idle="cut"), True, "idle flush, its cut committed first"),
    "round-moved": (dict(ROUND, moved=True), True, "users in several partitions: no event lost from history, newest interval recommended"),
    "round-noguard": (dict(ROUND, guard=None), False, "no guard on users"),
    "round-restore-now": (dict(ROUND, restore="now"), False, "metadata holds the newest watermark, not the one at the hold"),
    "round-users-first": (dict(ROUND, order="users-first"), False, "users before recommendations"),
    "round-reward-last": (dict(ROUND, order="reward-last"), False, "reward of the previous one after users"),
    "round-noadopt": (dict(ROUND, adopt=False), False, "E11000 on a recommendation: own answer kept in users.last"),
    "round-idle-naive": (dict(ROUND, idle="naive"), False, "idle flush that is not committed first"),
    "round-idle-nofence": (dict(ROUND, idle="cut", fence=False), False, "idle flush with a cut, but a zombie goes on by its own watermark"),
    "round-moved-last": (dict(ROUND, moved=True, guard="last", merge=False), False, "users in several partitions, guard by time: lost updates"),
    "pos-ideal": (POS, None, "first design at its best: unbounded history, exact firing, snapshots (rare: a row arrives while its interval is in flight, has no hold)"),
    "pos-done": (dict(POS, done=True), False, "intervals below the finished line are never fired: a late first row of an old interval"),
    "pos-M-2K": (dict(POS, M=2 * K), False, "history bounded to 2K"),
    "pos-M-4K": (dict(POS, M=4 * K), None, "history bounded to 4K"),
    "pos-live": (dict(POS, snapshot=False), None, "users written from the live state, unbounded"),
    "pos-live-M-4K": (dict(POS, snapshot=False, M=4 * K), False, "users written from the live state, 4K"),
    "pos-restore-now": (dict(POS, restore="now"), False, "watermark of the commit instead of the hold"),
    "pos-skip-due": (dict(POS, register=False), False, "an event <= pos is skipped whole: its interval is not due"),
    "pos-poll-fire": (dict(POS, exact_fire=False), False, "firing looked at once a poll"),
    "pos-late-silent": (dict(POS, late_fires=False), False, "late rows enter history only: no due, no hold"),
}

def main():
    a = argparse.ArgumentParser()
    for option, default in (("--runs", 2000), ("--seed", 1), ("--only", "")):
        a.add_argument(option, type=type(default), default=default)
    a = a.parse_args()
    wrong = 0
    for name, (o, clean, what) in ((n, v) for n, v in VARIANTS.items() if not a.only or n in a.only.split(",")):
        fails, first, stale, dup, faults, t0, kinds = 0, None, 0, 0, 0, time.time(), defaultdict(int)
        for seed in range(a.seed, a.seed + a.runs):
            s = Sim(seed, o)
            bad = s.run()
            stale, dup, faults = stale + s.store.stale, dup + s.store.dup, faults + s.faults
            for b in bad:
                kinds[b.split()[0]] += 1
            if bad:
                fails += 1
                first = first or (seed, bad[0])
        ok = clean is None or (fails == 0) == clean
        wrong += not ok
        print("%-18s %5d runs %5d bad %s  faults %d, stale writes refused %d, E11000 adopted %d, %.0f s | %s%s" % (name, a.runs, fails,
              "as said" if ok else "NOT AS SAID", faults, stale, dup, time.time() - t0, what,
              "\n    seed %d: %s  %s" % (*first, dict(kinds)) if first else ""), flush=True)
    return wrong != 0

if __name__ == "__main__":
    sys.exit(main())
