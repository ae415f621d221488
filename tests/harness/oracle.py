"""What Weir must compute, worked out by brute force from the log alone.

The judge of the end-to-end tests. It shares no code with the daemons, needs only the standard
library, and prefers the plain definition of a result to a fast way of finding it. Every function is
pure. Times are milliseconds since the epoch, except in MongoDB documents, where they are dates.

    records --read_rows--> rows of each partition --decide--> bad | late | counted --> rankings
                                     +--> archive
                                     +--> rounds --> recommendations, users
"""
import heapq
import json
import math
import re
from bisect import insort
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

US = "\x1f"
ROW_BYTES, ID_BYTES, COLUMN_BYTES = 65536, 256, 4096
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
TIME = re.compile(rb"-?[0-9]+")
DECIMAL_ID = re.compile("0|[1-9][0-9]*")
REWARDS = {"pv": 1, "cart": 2, "fav": 2, "buy": 3}


class Record(NamedTuple):
    """One Kafka record. timestamp is the broker's or the producer's, value may be None."""
    partition: int
    offset: int
    timestamp: int | None
    value: bytes | None


class Row(NamedTuple):
    """One row of a record. event: {user, item, time, every other named column}, None if bad."""
    partition: int
    offset: int
    index: int
    event: dict | None
    raw: bytes

    @property
    def position(self):
        return self.partition, self.offset, self.index


class Format(NamedTuple):
    """How rows are written, and which times are plausible (in ms, both ends included).

    max_ahead, how far a time may lie beyond its record's timestamp, is for LogAppendTime topics."""
    columns: str = "user,item,category,behavior,time"
    unit: str = "s"
    separator: str = ","
    kind: str = "csv"
    time_min: int = -2**63
    time_max: int = 2**63 - 1
    max_ahead: int | None = None


class Window(NamedTuple):
    """The window [start, end): events, every item's sum, and the first n as [[item, sum], ...].

    complete is what a group that started at the earliest row publishes."""
    start: int
    end: int
    events: int
    counts: dict
    ranking: list
    complete: int = 1


class Round(NamedTuple):
    """One due (user, end): the rows of its bucket and of its history, the end of the one before."""
    user: str
    end: int
    rows: list
    history: list
    previous_end: int | None

    @property
    def id(self):
        return round_id(self.user, self.end)

    @property
    def previous(self):
        return None if self.previous_end is None else round_id(self.user, self.previous_end)


def round_id(user, end):
    return user + US + str(end)


def position_text(row):
    return ":".join(map(str, row.position))


def row_id(row, epoch):
    """The event's id: the key of its late record or dead letter, its _id in `events`."""
    return f"{epoch}:{position_text(row)}"


def date(ms):
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)


def floor(time, span):
    return time // span * span


def pane_end(time, span):
    return floor(time, span) + span


# ---------------------------------------------------------------------------- decoder

def read_rows(records, form):
    """-> {partition: its rows in order of position}."""
    partitions = defaultdict(list)
    for record in sorted(records, key=lambda r: (r.partition, r.offset)):
        for index, raw in enumerate(split_rows(record.value)):
            event = decode(raw, form, record.timestamp)
            partitions[record.partition].append(
                Row(record.partition, record.offset, index, event, raw))
    return dict(partitions)


def split_rows(value):
    """A newline at the end adds no row; an empty or missing value is one (bad) row."""
    return (value or b"").removesuffix(b"\n").split(b"\n")


def decode(raw, form, timestamp=None):
    """-> the row's event, or None: it is bad. timestamp is the record's, for max_ahead."""
    try:
        if len(raw) > ROW_BYTES:
            raise ValueError("row too long")
        fields = json_fields(raw, form) if form.kind == "json" else csv_fields(raw, form)
        return event_of(fields, form, timestamp)
    except (ValueError, RecursionError):
        return None


def csv_fields(raw, form):
    """-> {column: bytes}. No quoting: a field is whatever stands between two separators."""
    names = names_of(form.columns)
    fields = raw.removesuffix(b"\r").split(form.separator.encode())
    if len(fields) != len(names):
        raise ValueError("wrong number of columns")
    return {name: field for name, field in zip(names, fields) if name != "-"}


@lru_cache(maxsize=None)
def names_of(columns):
    return columns.split(",")


def json_fields(raw, form):
    """-> {column: bytes} of the named members of a JSON object; a member may be missing."""
    value = json.loads(raw.decode(), object_pairs_hook=json_object, parse_int=json_int,
                       parse_float=json_real, parse_constant=json_constant)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if any(b"\0" in text.encode() for text in json_texts(value)):  # encode refuses lone surrogates
        raise ValueError("NUL")
    return {name: json_field(value[name])
            for name in form.columns.split(",") if name != "-" and name in value}


def json_field(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value).encode()
    raise ValueError("neither string nor integer")


def json_object(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def json_int(text):
    if not -2**63 <= int(text) < 2**63:
        raise ValueError("integer out of range")
    return int(text)


def json_real(text):
    if math.isinf(float(text)):
        raise ValueError("real out of range")
    return float(text)


def json_constant(text):
    raise ValueError(text + " is not JSON")


def json_texts(value):
    """-> every string in a JSON value, names of members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from json_texts(member)
    elif isinstance(value, list):
        for element in value:
            yield from json_texts(element)


def event_of(fields, form, timestamp):
    if not {"user", "item", "time"} <= fields.keys():
        raise ValueError("missing column")
    event = {}
    for name, raw in fields.items():
        if name == "time":
            event[name] = time_of(raw, form, timestamp)
        elif name in ("user", "item"):
            event[name] = text_of(raw, 1, ID_BYTES)
        else:
            event[name] = text_of(raw, 0, COLUMN_BYTES)
    return event


@lru_cache(maxsize=1 << 16)    # a log says the same few things again and again
def text_of(raw, least, most):
    text = raw.decode()
    if not least <= len(raw) <= most or CONTROL.search(text):
        raise ValueError("malformed text")
    return text


def time_of(raw, form, timestamp):
    if not TIME.fullmatch(raw):
        raise ValueError("malformed time")
    time = int(raw) * {"s": 1_000_000, "ms": 1000, "us": 1}[form.unit] // 1000
    if not form.time_min <= time <= form.time_max:
        raise ValueError("implausible time")
    if form.max_ahead is not None and timestamp is not None and time > timestamp + form.max_ahead:
        raise ValueError("time ahead of its record")
    return time


# ---------------------------------------------------------------------------- verdicts, archive

def decide(rows, span, delay, lateness):
    """rows of one partition -> [(row, "bad" | "late" | "counted")]; a pane is `span` long.

    The clock, the greatest time of the good rows before, is read before the row moves it."""
    verdicts, clock = [], -math.inf
    for row in rows:
        if row.event is None:
            verdicts.append((row, "bad"))
            continue
        time = row.event["time"]
        late = pane_end(time, span) + lateness <= clock - delay
        verdicts.append((row, "late" if late else "counted"))
        clock = max(clock, time)
    return verdicts


def archive(rows, epoch):
    """rows of any partitions -> (`events`, `consumed`): each {_id: document}."""
    events, consumed = {}, {}
    for row in rows:
        if row.event is None:
            continue
        user, item, when = row.event["user"], row.event["item"], date(row.event["time"])
        events[row_id(row, epoch)] = {**row.event, "_id": row_id(row, epoch), "time": when}
        pair = consumed.setdefault(user + US + item, {
            "_id": user + US + item, "user": user, "item": item, "first": when, "last": when})
        pair["first"], pair["last"] = min(pair["first"], when), max(pair["last"], when)
    return events, consumed


# ---------------------------------------------------------------------------- rankings

@lru_cache(maxsize=None)
def id_order(item):
    """Decimal ids by value before all others by bytes."""
    return (0, int(item), b"") if DECIMAL_ID.fullmatch(item) else (1, 0, item.encode())


def ranked(scores, n):
    """{id: score} -> the first n [[id, score], ...], by score descending, then by id."""
    order = lambda pair: (-pair[1], id_order(pair[0]))
    return [list(pair) for pair in heapq.nsmallest(n, scores.items(), key=order)]


class Pane(NamedTuple):
    """What the counted rows of a slide of event time add up to; counts only of what has a weight."""
    events: int
    counts: Counter


def pane_sums(counted, slide, weights={}, default=1):
    """-> {the end of a pane: Pane}; pane_total adds those of several partitions."""
    events, counts = Counter(), defaultdict(Counter)
    for row in counted:
        weight = weights.get(row.event.get("behavior"), default)
        end = pane_end(row.event["time"], slide)
        events[end] += 1
        if weight > 0:
            counts[end][row.event["item"]] += weight
    return {end: Pane(n, counts[end]) for end, n in events.items()}


def pane_total(panes):
    counts = Counter()
    for pane in panes:
        counts.update(pane.counts)
    return Pane(sum(pane.events for pane in panes), counts)


def rankings(counted, *, size, slide, weights={}, default=1, **shown):
    """The counted rows of all partitions -> (end of the current window, {end: Window})."""
    return windows(pane_sums(counted, slide, weights, default), size=size, slide=slide, **shown)


def windows(panes, *, size, slide, n=100, keep=288):
    """Panes -> (end of the current window, {end: Window}).

    This is Redis when all is read and idle. The windows are those the history of the last `keep`
    must hold, the current one with them. Others among the last `keep` ends have no events: they
    may be in the history, with an empty ranking, or not. Without counted rows: (None, {})."""
    if size % slide:
        raise ValueError("size is no multiple of slide")
    current = max(panes, default=None)
    ends = {end for first in panes for end in range(first, first + size, slide)
            if current - keep * slide < end <= current}
    return current, {end: window(panes, end, size, slide, n) for end in sorted(ends)}


def window(panes, end, size, slide, n):
    total = pane_total([panes[last] for last in range(end - size + slide, end + slide, slide)
                        if last in panes])
    return Window(end - size, end, total.events, total.counts, ranked(total.counts, n))


# ---------------------------------------------------------------------------- rounds

def dues(rows, interval, delay, lateness, cuts=()):
    """rows of one partition -> ([(row, due)] of the rows not beyond the lateness, the final line).

    cuts are the partition's committed [(offset, line)]: just before `offset` the line rose."""
    found, line = [], -math.inf
    for row, verdict in decide(rows, interval, delay, lateness):
        if cuts:
            line = max([line] + [cut_line for offset, cut_line in cuts if offset <= row.offset])
        if verdict == "counted":
            time = row.event["time"]
            found.append((row, max(pane_end(time, interval), line + interval)))
            line = max(line, floor(time - delay, interval))
    return found, max([line] + [cut_line for _, cut_line in cuts])


def idle_cut(rows, interval, delay, lateness, cuts=()):
    """-> the cut (offset, line) of a partition idle after these rows, None if nothing is open."""
    found, line = dues(rows, interval, delay, lateness, cuts)
    highest = max((due for _, due in found), default=line)
    return (rows[-1].offset + 1, highest) if highest > line else None


def rounds(partitions, *, interval=20_000, delay=10_000, lateness=600_000, k=10, cuts={},
           closed=True):
    """{partition: rows} -> every Round, by user, then end. cuts: {partition: [(offset, line)]}.

    closed: all partitions are idle, so that the open intervals were served too."""
    buckets, home = defaultdict(lambda: defaultdict(list)), {}
    for partition, rows in partitions.items():
        found, line = dues(rows, interval, delay, lateness, cuts.get(partition, ()))
        for row, due in found:
            user = row.event["user"]
            if home.setdefault(user, partition) != partition:
                raise ValueError(f"user {user!r} is in two partitions: nothing exact is promised")
            if closed or due <= line:
                buckets[user][due].append(row)
    return [one for user in sorted(buckets) for one in user_rounds(user, buckets[user], k)]


def user_rounds(user, buckets, k):
    """{due: rows} of one user -> Rounds; a history is the last k of all rows due by then."""
    served, seen, previous_end = [], [], None
    for end in sorted(buckets):
        for row in buckets[end]:
            insort(seen, row, key=lambda r: (r.event["time"], r.position))
        served.append(Round(user, end, buckets[end], seen[-k:], previous_end))
        previous_end = end
    return served


def previous_reward(one, items, weights=REWARDS, default=1):
    """What the user did with `items`, the stored ones of the round before; None without one."""
    if one.previous_end is None:
        return None
    return sum(weights.get(row.event.get("behavior"), default) for row in one.rows
               if row.event["item"] in items and row.event["time"] >= one.previous_end)


def recommendations(served, stored, weights=REWARDS, default=1):
    """Rounds and {id: stored items} -> {id: document} without what the answers decide.

    stored must hold the items of every round that another one follows."""
    documents = {}
    for one in served:
        before = one.previous
        reward = previous_reward(one, stored[before] if before else (), weights, default)
        documents[one.id] = {"_id": one.id, "user": one.user, "time": date(one.end),
                             "history": [row.event["item"] for row in one.history],
                             "previous": before, "previous_reward": reward}
        if before:
            documents[before]["reward"] = reward
    return documents


def users(served):
    """Rounds -> {user: document} without rev and what the answers decide."""
    last = {one.user: one for one in served}
    return {user: {"_id": user, "v": 1, "history": [history_entry(r) for r in one.history],
                   "last": {"id": one.id, "time": date(one.end)}} for user, one in last.items()}


def history_entry(row):
    entry = {name: row.event[name] for name in ("item", "behavior") if name in row.event}
    return {**entry, "time": date(row.event["time"]), "pos": position_text(row)}


# ---------------------------------------------------------------------------- transitions

def fit(events):
    """Good events in the order of the log -> {a: {b: T[a][b] in hundredths}}.

    0.7 ** (distance - 1) is 1, 0.7, 0.49: in hundredths the sums are exact in any order."""
    sequences, table = defaultdict(list), defaultdict(Counter)
    for event in sorted(events, key=lambda e: e["time"]):
        sequences[event["user"]].append(event["item"])
    for items in sequences.values():
        for i, a in enumerate(items):
            for b, weight in zip(items[i + 1:i + 4], (100, 70, 49)):
                table[a][b] += weight
    return table


def scores(table, items, exclude=()):
    """A request's items, oldest first -> ({b: numerator}, denominator) of the exact scores.

    The 0.8 ** k and all sums are put over one denominator: exact, and quicker than fractions."""
    recent = items[:-11:-1]
    totals = [sum(table.get(a, {}).values()) + 1000 for a in recent]
    denominator = math.prod(5 * total for total in totals)
    masked, found = {*items, *exclude}, Counter()
    for k, (a, total) in enumerate(zip(recent, totals)):
        factor = denominator * 4**k // (5**k * total)
        for b, weight in table.get(a, {}).items():
            if b not in masked:
                found[b] += weight * factor
    return found, denominator


def infer(table, items, n_rec, exclude=()):
    """-> the answer for one user: at most n_rec items, best first, ties by id."""
    return [item for item, _ in ranked(scores(table, items, exclude)[0], n_rec)]


# ---------------------------------------------------------------------------- partitioner

def murmur2(key):
    """Kafka's 32-bit murmur2 of bytes, unsigned."""
    word, m = 2**32 - 1, 0x5bd1e995
    h = 0x9747b28c ^ len(key)
    whole = len(key) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(key[i:i + 4], "little") * m & word
        h = h * m & word ^ (k ^ k >> 24) * m & word
    if len(key) > whole:
        h = (h ^ int.from_bytes(key[whole:], "little")) * m & word
    h = (h ^ h >> 13) * m & word
    return h ^ h >> 15


def partition_of(user, partitions):
    """Where Java's default partitioner puts the key `user`."""
    return (murmur2(user.encode()) & 0x7fffffff) % partitions
