"""Where a consumer of weir-events begins to read (consumers/start.c). A process brings `group`, `me`, `generation`,
`world`, first() (metadata of a partition of which nothing was read) and fetch(partitions), a generator of committed
offsets."""


def positions(process, owned):
    """Offset and metadata of each partition that is ours, all of them committed; None = not yet."""
    world, rules = process.world, process.rules
    found = yield from process.fetch(owned)
    if found is None or None not in found.values(): return found
    every = yield from process.fetch(range(world.partition_n()))           # one request for all
    if every is None: return None
    if not rules.keeps("group start"):
        return {p: every[p] or (world.start_of(p), process.first()) for p in owned}
    if every[0] is not None:
        fresh = {p: (0, process.first()) for p in owned if every[p] is None}
    elif 0 in owned or not rules.keeps("owner of partition 0"):
        yield                                                               # asks for the ends
        fresh = {p: (world.start_of(p), process.first()) for p, part in every.items()
                 if part is None and (p in owned or rules.keeps("start of all"))}
    else:
        return None
    yield
    if fresh and not process.group.commit(process.me, process.generation, fresh): return None
    world.note_start(fresh, every)
    return {p: every[p] or fresh[p] for p in owned}
