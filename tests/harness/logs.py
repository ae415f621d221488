"""Behaviour logs made for tests: seeded, with every kind of disorder and of bad row. They come from
nothing that Weir itself makes logs with."""
import gzip
import random
from itertools import accumulate
from typing import NamedTuple

import oracle

START_S = 1_511_539_200    # 2017-11-24 16:00 UTC
BEHAVIORS = ["pv"] * 12 + ["cart", "cart", "fav", "buy", "share", ""]
ITEMS = [str(n) for n in range(1, 31)] + ["007", "0", "a", "B", "é", "/x?y=1", "12345678901234567890"]
USERS = [str(n) for n in range(100, 140)] + ["anna", "Bob", "Zoë", "u|v", "-1", "00"]

# Why it is bad, and the row: user,item,category,behavior,time
BAD_ROWS = [
    ("empty", b""),
    ("empty", b"\r"),
    ("long", b"1,2,3,pv," + b"1" * 65_536),
    ("columns", b"1,2,3,pv"),
    ("columns", b"1,2,3,pv,1511539200,"),
    ("columns", b"no row at all"),
    ("user", b",2,3,pv,1511539200"),
    ("user", b"u" * 257 + b",2,3,pv,1511539200"),
    ("user", b"\xff\xfe,2,3,pv,1511539200"),
    ("user", b"a\x00b,2,3,pv,1511539200"),
    ("user", b"tab\there,2,3,pv,1511539200"),
    ("item", b"1,,3,pv,1511539200"),
    ("item", b"1," + b"i" * 257 + b",3,pv,1511539200"),
    ("item", b"1,\xed\xa0\x80,3,pv,1511539200"),
    ("item", b"1,\xc0\xaf,3,pv,1511539200"),
    ("item", b"1,\xc2\x85,3,pv,1511539200"),
    ("field", b"1,2," + b"c" * 4097 + b",pv,1511539200"),
    ("field", b"1,2,3,p\x01v,1511539200"),
    ("time", b"1,2,3,pv,"),
    ("time", b"1,2,3,pv,noon"),
    ("time", b"1,2,3,pv,+1511539200"),
    ("time", b"1,2,3,pv, 1511539200"),
    ("time", b"1,2,3,pv,1511539200.5"),
    ("time", b"1,2,3,pv,0x5a183f00"),
    ("time", b"1,2,3,pv,1511539200\r\r"),
    ("range", b"1,2,3,pv,0"),
    ("range", b"1,2,3,pv,-1511539200"),
    ("range", b"1,2,3,pv,1511539200000"),
    ("range", b"1,2,3,pv,9223372036854775807"),
    ("time", b"1,2,3,pv,99999999999999999999999999"),
]

GOOD_ROWS = [
    b"1,2,3,pv,1511539200",
    b"1,2,3,pv,1511539201\r",
    b"1,2,,,1511539202",
    b'"1,"2,"3,"pv,1511539203',
    b" 1 , 2 ,3,pv,1511539204",
    "ü".encode() * 128 + b",2,3,pv,1511539205",
    b"1," + b"i" * 256 + b",3,pv,1511539206",
    b"1,2," + b"c" * 4096 + b",pv,1511539207",
    b"1,2,3,pv,0001511539208",
]


class Line(NamedTuple):
    user: str
    item: str
    category: str
    behavior: str
    time: int

    def row(self, order=("user", "item", "category", "behavior", "time"), separator=","):
        return separator.join(str(getattr(self, name)) for name in order).encode()


def flow(seed, n, *, seconds=7200, jitter=8, behind=0.05, behind_s=(12, 100), beyond=0.02,
         beyond_s=(400, 2000), users=USERS, items=ITEMS, awake=None):
    """-> n Lines, one by one, over `seconds` of event time: all up to `jitter` s out of order, a share
    of them `behind` that but within the lateness, and some `beyond` it. awake(user, share of the log)
    says who may act then."""
    rnd = random.Random(seed)
    popular = list(accumulate(1 / (rank + 1) for rank in range(len(items))))
    for index in range(n):
        share = index / n
        user = rnd.choice([u for u in users if awake(u, share)] if awake else users)
        time = START_S + share * seconds - rnd.uniform(0, jitter)
        luck = rnd.random()
        if luck < beyond:
            time -= rnd.uniform(*beyond_s)
        elif luck < beyond + behind:
            time -= rnd.uniform(*behind_s)
        item = rnd.choices(items, cum_weights=popular)[0]
        yield Line(user, item, str(rnd.randrange(9)), rnd.choice(BEHAVIORS), int(time))


def make(seed, n=3000, **more):
    return list(flow(seed, n, **more))


def in_order(seed, n=3000, **more):
    """The same, sorted by time."""
    lines = make(seed, n, jitter=0, behind=0, beyond=0, **more)
    return sorted(lines, key=lambda line: line.time)


def quiet_partitions(partitions, silent, asleep=()):
    """-> awake for make(): `silent` partitions have no rows, `asleep` ones none after a third."""
    def awake(user, share):
        where = oracle.partition_of(user, partitions)
        return where not in silent and (where not in asleep or share < 1 / 3)
    return awake


def rows_of(lines, **more):
    return [line.row(**more) for line in lines]


def spoiled(rows, seed, bad=BAD_ROWS):
    """rows with every bad row somewhere among them."""
    rnd = random.Random(seed)
    rows = list(rows)
    for _, row in bad:
        rows.insert(rnd.randrange(len(rows) + 1), row)
    return rows


def write(path, rows):
    """-> path, with a row on each line; packed if its name says so."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wb") as out:
        out.writelines(row + b"\n" for row in rows)
    return path


def read(path):
    """-> the rows of a file."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as source:
        return oracle.split_rows(source.read())
