"""Schedules for rules that random ones hardly ever need, each written down. With all rules it finds nothing; without
its own it does. Each takes rules and returns what is violated."""
from count import Count
from log import NONE, Row, Time
from ranking import Ranking
from ranking_oracle import violations as ranking_violations
from recommending import Recommending
from recommending_oracle import violations as recommending_violations
from windows import START, Batch, Line, Shape, Windows


def ranking(rules, seed, partitions=1):
    """One worker and one rank, not started."""
    world = Ranking(seed, rules.without)
    world.log.partitions = [[] for _ in range(partitions)]
    world.earliest, world.static, world.trims = True, False, False
    for name in ("c0", "r0"): world.slots.add(name)
    return world


def calm_ranking(rules):
    """All at rest."""
    world = ranking(rules, 1)
    append(world, 1000, 1010, 1020)
    world.settle()
    assert not ranking_violations(world)
    return world


def append(world, *times, user="u0", partition=0):
    world.log.partitions[partition] += [(time, [Row(time, user, "i1", 1)]) for time in times]


def stop(world):
    for slot in world.slots.all: world.slots.retire(slot)


def unless_refused(world, why):
    """Goes on; that somebody refuses is what shall happen."""
    wrong = world.settle() or ranking_violations(world)
    return [] if any(why in text for text in world.wrong) else wrong or ["I6: nobody refused: %s" % why]


def offsets_moved_by_hand(rules):
    world = calm_ranking(rules)
    stop(world)
    world.counters.offsets[0] = (1, Count(world, ("c0", 0)).first())
    return unless_refused(world, "no chain")


def a_reset_that_died_after_the_epochs(rules):
    world = calm_ranking(rules)
    stop(world)
    world.epoch += 1
    append(world, 1030)
    return unless_refused(world, "offset")


def a_batch_of_an_older_run(rules):
    world = calm_ranking(rules)
    line = Line(0, 1, 0, 3, 3, 1020, NONE, False)
    number = world.kafka.begin("c0", world.kafka.epoch["c0"])
    world.kafka.put(number, Batch(0, [line], {100: (5, {"i1": 5})}))
    world.kafka.end(number, "committed")
    return unless_refused(world, "a batch of another epoch")


def start_in_the_middle(rules, before, behind):
    """A window with rows of before the start must not say complete."""
    world = ranking(rules, 1)
    world.earliest, world.shape, world.time = False, Shape(10, 30, 6), Time(5, 20)
    append(world, *before)
    for slot in world.slots.all: world.slots.boot(slot)
    while not world.starts: world.slots.calm()
    append(world, *behind)
    return world.settle() or ranking_violations(world)


def two_who_begin(rules, seed):
    """Workers that come at once to a group that begins at the end of its partitions, while rows come in."""
    world = ranking(rules, seed, 2)
    world.earliest = False
    world.slots.add("c1")
    for slot in world.slots.all:
        world.slots.boot(slot)
        slot.process.pace = 1
    workers, world.hurried = world.slots.all[::2], True
    while len(world.counters.members) < 2 or world.counters.preparing:
        for slot in workers: world.slots.run(slot)
    for turn, time in enumerate(range(1000, 1080)):     # one gets ahead by some steps, then the other by many
        append(world, time, partition=time % 2)
        some = workers[:1] if turn < seed % 8 else workers[1:] if turn < 60 else world.slots.all
        for slot in some: world.slots.run(slot)
    return world.settle() or ranking_violations(world)


def what_a_zombie_shows(rules):
    """A window that has left the history, and one of an older epoch."""
    world = calm_ranking(rules)
    _, view = world.publications[0]
    append(world, 1500)
    world.settle()
    world.redis.publish(world.epoch, view)
    world.redis.publish(world.epoch - 1, view)
    return ranking_violations(world)


def a_line_told_long_ago(rules):
    """A restart does not know a partition whose line nobody has told since."""
    shape, time = Shape(10, 10, 6), Time(5, 0)
    both = [Line(0, 2, 0, 0, 1, 1000, NONE, False), Line(1, 2, 0, 0, 1, 1000, NONE, True)]
    batches = [Batch(1, both, {100: (1, {"i1": 1})})]
    batches += [Batch(1, [Line(0, 2, 0, n, n + 1, 1000 + 50 * n, NONE, False)], {}) for n in (1, 2)]
    first = Windows(shape, time, 1, rules, START)
    for offset, batch in enumerate(batches):
        first.apply(offset, batch)
        first.shown()
    second = Windows(shape, time, 1, rules, first.mark())
    for offset in range(first.mark().hold, len(batches)): second.apply(offset, batches[offset])
    same = second.view(second.fired) == first.view(first.fired)
    return [] if same else ["I2: a restart shows another text of one version"]


def recommending(rules, seed, interval, time):
    world = Recommending(seed, rules.without)
    world.moved = world.mongo.moved = world.static = False
    world.earliest, world.interval, world.time, world.log.partitions = True, interval, time, [[]]
    append(world, 1000)
    return world


def a_restart_inside_the_state_of_a_record(rules, seed):
    """The first row of a record is served; its last one made the bucket that the hold is for."""
    world = recommending(rules, seed, 10, Time(10, 40))
    rows = [Row(time, user, "i1", 1) for time, user in ((1028, "u1"), (1050, "u0"), (1041, "u2"))]
    world.log.partitions[0].append((1050, rows))
    world.slots.add("m0")
    slot = world.slots.all[0]
    world.slots.boot(slot)
    for _ in range(300):
        if 0 in world.group.offsets and world.group.offsets[0][1].done >= 1030: break
        next(slot.steps)
    world.slots.retire(slot)
    return world.settle() or recommending_violations(world)


def serve_behind_a_cut(rules, seed):
    """A zombie read on behind the cut of its successor, which it does not know."""
    world = recommending(rules, seed, 10, Time(5, 20))
    for name in ("m0", "m1"): world.slots.add(name)
    first, second = world.slots.all
    world.slots.boot(first)
    while not any(r.next for r in first.process.parts.values()): next(first.steps)
    world.slots.zombies.append((first.process, first.steps))
    world.slots.leave(first.process)
    world.slots.boot(second)
    world.hurried = True
    while world.group.offsets.get(0, (0,))[0] < 1: next(second.steps)
    world.hurried = False
    append(world, 1003, user="u1")
    append(world, 1040)
    for _ in range(200):
        if world.slots.zombies: world.slots.wake(world.slots.zombies[0])
    world.slots.all.remove(first)
    return world.settle() or recommending_violations(world)


def some_seed(schedule):
    """Of a few, since the dice decide how soon a process sees what has happened."""
    return lambda rules: next((wrong for seed in range(40) if (wrong := schedule(rules, seed))), [])


SCHEDULES = {
    ("ranking", "owner of partition 0"): some_seed(two_who_begin),
    ("ranking", "chain"): offsets_moved_by_hand,
    ("ranking", "epoch in metadata"): a_reset_that_died_after_the_epochs,
    ("ranking", "epoch in batches"): a_batch_of_an_older_run,
    ("ranking", "since"): lambda rules: start_in_the_middle(rules, (1000, 1010, 1020), (1021, 1040)),
    ("ranking", "since by panes"): lambda rules: start_in_the_middle(rules, (1032,), (1001, 1055)),
    ("ranking", "epoch in Redis"): what_a_zombie_shows,
    ("ranking", "trimmed stay away"): what_a_zombie_shows,
    ("ranking", "hold: lines"): a_line_told_long_ago,
    ("recommending", "fence"): some_seed(serve_behind_a_cut),
    ("recommending", "state before the record"): some_seed(a_restart_inside_the_state_of_a_record),
}
