"""What the models of weir-infer say, worked out again: slowly, from the events and the formulas alone.

Every model is a function of a user's items, oldest first, to {item: score} of all candidates."""
import math
from collections import Counter, defaultdict

import numpy as np

import oracle


def sequences(events):
    """-> user -> items in order of time, equal times in the order of the log; users by id."""
    found = defaultdict(list)
    for event in sorted(events, key=lambda e: e["time"]):
        found[event["user"]].append(event["item"])
    return {user: found[user] for user in sorted(found, key=oracle.id_order)}


def newest(items, n):
    return items[:-n - 1:-1]


def popular(events):
    counts = Counter(event["item"] for event in events)
    return lambda items: {item: float(n) for item, n in counts.items()}


def transitions(events):
    table = oracle.fit(events)
    totals = {a: sum(row.values()) + 1000 for a, row in table.items()}

    def score(items):
        found = Counter()
        for k, a in enumerate(newest(items, 10)):
            for b, n in table.get(a, {}).items():
                found[b] += 0.8**k * n / totals[a] * 5**9 / 2**20    # in the unit of weir-infer
        return dict(found)
    return score


def itemknn(events, neighbours=200, recent=10, decay=0.9):
    owners = defaultdict(set)
    for user, items in sequences(events).items():
        for item in items:
            owners[item].add(user)
    near = {}
    for b in owners:
        cosines = {a: len(owners[a] & owners[b]) / math.sqrt(len(owners[a]) * len(owners[b]))
                   for a in owners if a != b and owners[a] & owners[b]}
        best = sorted(cosines, key=lambda a: (-cosines[a], oracle.id_order(a)))[:neighbours]
        near[b] = {a: float(np.float32(cosines[a])) for a in best}

    def score(items):
        found = {}
        for b in owners:
            votes = [decay**k * near[b][a] for k, a in enumerate(newest(items, recent)) if a in near[b]]
            if votes:
                found[b] = sum(votes)
        return found
    return score


def vmisknn(events, sessions=500, neighbours=100, recent=10, near=2):
    last = {}
    for event in events:
        last[event["user"]] = max(event["time"], last.get(event["user"], event["time"]))
    held = {user: list(dict.fromkeys(items)) for user, items in sequences(events).items()}
    by_age = sorted(held, key=lambda user: (-last[user], oracle.id_order(user)))
    having = defaultdict(list)
    for number, user in enumerate(by_age):
        for item in held[user]:
            having[item].append(number)
    pairs = sum(map(len, held.values()))
    idf = {item: float(np.float32(math.log(pairs / len(numbers)))) for item, numbers in having.items()}

    def score(items):
        places = {}
        for p, item in enumerate(newest(items, recent), 1):
            places.setdefault(item, p)
        length, similar = min(len(items), recent), Counter()
        for item, p in places.items():
            for number in having.get(item, [])[:sessions]:
                similar[number] += length - p + 1    # whole numbers: equal sums are equal
        found = Counter()
        for number in sorted(similar, key=lambda s: (-similar[s], s))[:neighbours]:
            own = held[by_age[number]]
            place, met = min((places[item], at) for at, item in enumerate(own) if item in places)
            weight = (1 - place / 10) * similar[number] / length
            for at, b in enumerate(own if weight > 0 else ()):
                found[b] += weight * idf[b] / (1 + near * min(abs(at - met), 255))
        return dict(found)
    return score


def ease(events, ridge=300, recency=0.98, items_max=None):
    owned = [set(items) for items in sequences(events).values()]
    popularity = Counter(item for items in owned for item in items)
    kept = sorted(sorted(popularity, key=lambda i: (-popularity[i], oracle.id_order(i)))[:items_max], key=oracle.id_order)
    matrix = np.array([[float(item in items) for item in kept] for items in owned])
    inverse = np.linalg.inv(matrix.T @ matrix + ridge * np.eye(len(kept)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)

    def score(items):
        total, weight, seen = np.zeros(len(kept)), 1, set()
        for item in reversed(items):
            if item in seen or item not in popularity:
                continue
            seen.add(item)
            if item in kept:
                total += weight * weights[kept.index(item)]
            weight *= recency
        return dict(zip(kept, map(float, total))) if seen & set(kept) else {}
    return score


def blend(parts):
    """parts: [(model, weight)]."""
    def score(items):
        said = [model(items) for model, _ in parts]
        candidates = sorted(set().union(*said), key=oracle.id_order)
        total = np.zeros(len(candidates))
        for scores, (_, weight) in zip(said, parts):
            values = np.array([scores.get(item, 0.0) for item in candidates])
            if candidates and values.std() > 0:
                total += weight * (values - values.mean()) / values.std()
        return dict(zip(candidates, map(float, total)))
    return score


# ---------------------------------------------------------------------------- splits

MASK = 2**64 - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                      0x27D4EB2F165667C5)


def rotated(x, n):
    return (x << n | x >> 64 - n) & MASK


def xxh64(data):
    """XXH64 of less than 32 bytes, seed 0 (the xxHash specification)."""
    assert len(data) < 32
    h = P5 + len(data) & MASK
    whole = len(data) // 8 * 8
    for i in range(0, whole, 8):
        k = rotated(int.from_bytes(data[i:i + 8], "little") * P2 & MASK, 31) * P1 & MASK
        h = rotated(h ^ k, 27) * P1 + P4 & MASK
    if len(data) - whole >= 4:
        h = rotated(h ^ int.from_bytes(data[whole:whole + 4], "little") * P1 & MASK, 23) * P2 + P3 & MASK
        whole += 4
    for byte in data[whole:]:
        h = rotated(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


def arm(route, user, weights):
    """{model: weight} -> whose this user is."""
    at = xxh64(route.encode() + b"\0" + user.encode()) % sum(weights.values())
    for model, weight in weights.items():
        if at < weight:
            return model
        at -= weight
