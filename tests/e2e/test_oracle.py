"""The judge judged: cases worked out by hand, and properties on random logs."""
import random
from collections import Counter, defaultdict
from datetime import datetime, timezone
from fractions import Fraction

import pytest

import oracle
from oracle import Format, Record, Row, US

S = 1000


def rows_of(*events, partition=0):
    """(time, user, item[, behavior]) each, None = a bad row; one row a record."""
    rows = []
    for offset, event in enumerate(events):
        if event is not None:
            event = dict(zip(("time", "user", "item", "behavior"), event))
        rows.append(Row(partition, offset, 0, event, b""))
    return rows


def verdicts_of(rows, span=10, delay=5, lateness=20):
    return [verdict for _, verdict in oracle.decide(rows, span, delay, lateness)]


def counted_in(partitions, span=10, delay=5, lateness=20):
    return [row for rows in partitions.values()
            for row, verdict in oracle.decide(rows, span, delay, lateness) if verdict == "counted"]


def random_partitions(rnd, n=200, users=6):
    """Sparse, disordered, with late and bad rows and gaps; a user lives in one partition."""
    count = rnd.randint(1, 4)
    logs, clock = {p: [] for p in range(count)}, 1000
    for _ in range(n):
        clock += rnd.choice((0, 0, 1, 2, 5, 80 if rnd.random() < .1 else 0))
        user = rnd.randrange(users)
        time = clock - rnd.choice((0, 0, 3, rnd.randrange(25), rnd.randrange(150)))
        event = (time, f"u{user}", f"{rnd.randrange(12)}", rnd.choice(("pv", "buy", "odd")))
        logs[user % count].append(event if rnd.random() > .05 else None)
    return {p: rows_of(*log, partition=p) for p, log in logs.items()}


seeds = pytest.mark.parametrize("seed", range(40))


# ---------------------------------------------------------------------------- decoder

PLAIN = Format(columns="user,item,time")


@pytest.mark.parametrize("raw, event", [
    (b"u,i,7", {"user": "u", "item": "i", "time": 7000}),
    (b"u,i,7\r", {"user": "u", "item": "i", "time": 7000}),
    (b"u,i,-7", {"user": "u", "item": "i", "time": -7000}),
    (b"u,i,007", {"user": "u", "item": "i", "time": 7000}),
    (b'"u",i,7', {"user": '"u"', "item": "i", "time": 7000}),
    (b" u,i,7", {"user": " u", "item": "i", "time": 7000}),
    ("ü,商品,7".encode(), {"user": "ü", "item": "商品", "time": 7000}),
    (b"u" * 256 + b",i,7", {"user": "u" * 256, "item": "i", "time": 7000}),
    (b"u" * 257 + b",i,7", None), ("ü".encode() * 129 + b",i,7", None),
    (b"", None), (b"u,i", None), (b"u,i,7,", None), (b"u;i;7", None),
    (b",i,7", None), (b"u,,7", None), (b"u,i,", None),
    (b"u,i,7.0", None), (b"u,i,+7", None), (b"u,i, 7", None), (b"u,i,0x7", None), (b"u,i,-", None),
    (b"u,i,7\r\r", None), ("u,i,٧".encode(), None), (b"u,i,1" + b"0" * 30, None),
    (b"u,i," + b"9" * 60000, None),
    (b"u\x00,i,7", None), (b"u\t,i,7", None), (b"u\x7f,i,7", None), ("u\x85,i,7".encode(), None),
    (b"\xff,i,7", None), (b"\xc0\xaf,i,7", None), (b"\xed\xa0\x80,i,7", None),
])
def test_csv(raw, event):
    assert oracle.decode(raw, PLAIN) == event


def test_columns_in_any_order_ignored_and_extra():
    form = Format(columns="time,-,behavior,item,user,shop", unit="ms", separator="\t")
    assert oracle.decode(b"5\t\xff\x00\tpv\ti\tu\t", form) == {
        "time": 5, "behavior": "pv", "item": "i", "user": "u", "shop": ""}
    assert oracle.decode(b"5\t\tpv\ti\tu\t" + b"x" * 4096, form)
    assert oracle.decode(b"5\t\tpv\ti\tu\t" + b"x" * 4097, form) is None
    assert oracle.decode(b"5\t\tp\x01v\ti\tu\t", form) is None
    assert oracle.decode(b"5\t\t\xff\ti\tu\t", form) is None


def test_row_of_more_than_64_kib_is_bad():
    form = Format(columns="user,item,time,-")
    assert oracle.decode(b"u,i,7," + b"x" * (65536 - 6), form)
    assert oracle.decode(b"u,i,7," + b"x" * (65536 - 5), form) is None


@pytest.mark.parametrize("unit, raw, time", [
    ("s", b"2", 2000), ("ms", b"2", 2), ("us", b"1999", 1), ("us", b"-1", -1),
    ("us", b"-1000", -1)])
def test_units(unit, raw, time):
    assert oracle.decode(b"u,i," + raw, PLAIN._replace(unit=unit))["time"] == time


def test_plausible_times_include_both_ends():
    form = PLAIN._replace(unit="ms", time_min=10, time_max=20)
    good = [t for t in range(8, 23) if oracle.decode(b"u,i,%d" % t, form)]
    assert good == list(range(10, 21))


def test_time_ahead_of_its_record():
    form = PLAIN._replace(unit="ms", max_ahead=5)
    assert oracle.decode(b"u,i,105", form, 100)
    assert oracle.decode(b"u,i,106", form, 100) is None
    assert oracle.decode(b"u,i,106", form, None)
    assert oracle.decode(b"u,i,101", form._replace(max_ahead=0), 100) is None
    assert oracle.decode(b"u,i,106", PLAIN._replace(unit="ms"), 100)


@pytest.mark.parametrize("raw, event", [
    (b'{"user":"u","item":3,"time":7}', {"user": "u", "item": "3", "time": 7000}),
    (b' {"time":"7","item":"i","user":-3,"x":{"y":[null,1.5]}}\r',
     {"user": "-3", "item": "i", "time": 7000}),
    (b'{"user":"u","item":"i","time":7,"shop":"s"}',
     {"user": "u", "item": "i", "time": 7000, "shop": "s"}),
    (b'{"user":"\\u00fc","item":"i","time":7}', {"user": "ü", "item": "i", "time": 7000}),
    (b'{"user":"u","item":"i"}', None), (b'{"user":"u","time":7}', None),
    (b'{"user":"","item":"i","time":7}', None), (b'{"user":null,"item":"i","time":7}', None),
    (b'{"user":true,"item":"i","time":7}', None), (b'{"user":1.0,"item":"i","time":7}', None),
    (b'{"user":["u"],"item":"i","time":7}', None), (b'{"user":"u","item":"i","time":7.5}', None),
    *((b'{"user":"u","item":"i","time":7,' + rest, None) for rest in (
        b'"user":"u"}', b'"shop":null}', b'"x":NaN}', b'"x":1e999}', b'"x":9223372036854775808}',
        b'"x":"\\u0000"}', b'"\\u0000":1}', b'"x":["\\ud800"]}', b'}', b'"shop":"s"}x')),
    (b'{"user":"a\\nb","item":"i","time":7}', None),
    (b'\xef\xbb\xbf{"user":"u","item":"i","time":7}', None), (b'["u","i",7]', None),
    (b'{"user":"\xff","item":"i","time":7}', None), (b'', None), (b'[' * 50000, None),
])
def test_json(raw, event):
    form = Format(columns="user,item,shop,-,time", kind="json")
    assert oracle.decode(raw, form) == event


@pytest.mark.parametrize("value, rows", [
    (None, [b""]), (b"", [b""]), (b"\n", [b""]), (b"a", [b"a"]), (b"a\n", [b"a"]),
    (b"a\nb", [b"a", b"b"]), (b"a\n\nb\n", [b"a", b"", b"b"]), (b"a\n\n", [b"a", b""])])
def test_rows_of_a_value(value, rows):
    assert oracle.split_rows(value) == rows


def test_one_bad_row_of_a_packed_record_is_bad_alone():
    records = [Record(1, 9, None, b"u,i,2\noops\nv,j,3\n"), Record(0, 4, None, b"w,k,1"),
               Record(1, 7, None, None)]
    partitions = oracle.read_rows(records, PLAIN)
    assert [(r.position, r.event and r.event["user"]) for r in partitions[1]] == [
        ((1, 7, 0), None), ((1, 9, 0), "u"), ((1, 9, 1), None), ((1, 9, 2), "v")]
    assert [oracle.row_id(r, 3) for r in partitions[0]] == ["3:0:4:0"]


# ---------------------------------------------------------------------------- verdicts, archive

def test_late_is_read_before_the_row_and_bounds_are_exact():
    # pane [0, 10), delay 5, lateness 20: late from the clock 35 on
    assert verdicts_of(rows_of((34, "u", "i"), (9, "u", "i"))) == ["counted", "counted"]
    assert verdicts_of(rows_of((35, "u", "i"), (9, "u", "i"), (10, "u", "i"))) == [
        "counted", "late", "counted"]
    assert verdicts_of(rows_of((9, "u", "i"), (35, "u", "i"))) == ["counted", "counted"]
    assert verdicts_of(rows_of((35, "u", "i"), (20, "u", "i"), (9, "u", "i")))[2] == "late"


def test_panes_of_negative_times():
    assert oracle.pane_end(-1, 10) == 0 and oracle.pane_end(-10, 10) == 0
    assert oracle.pane_end(-11, 10) == -10 and oracle.pane_end(0, 10) == 10


def test_bad_rows_do_not_move_the_clock():
    """One row in the year 2030 must neither make rows late nor windows end."""
    form = PLAIN._replace(unit="ms", time_max=5000)
    rows = oracle.read_rows([Record(0, 0, None, b"u,i,40\nu,i,1900000000000\nu,i,38\n")], form)[0]
    assert verdicts_of(rows) == ["counted", "bad", "counted"]
    current, _ = oracle.rankings(counted_in({0: rows}), size=30, slide=10)
    assert current == 50


def test_a_plausible_jump_needs_no_confirmation():
    """After a quiet night one row of one user moves the clock."""
    assert verdicts_of(rows_of((40, "u", "i"), (4000, "u", "i"), (41, "v", "i"))) == [
        "counted", "counted", "late"]


def test_partitions_have_their_own_clocks():
    partitions = {0: rows_of((500, "u", "i")), 1: rows_of((40, "v", "i"), partition=1)}
    assert len(counted_in(partitions)) == 2


@seeds
def test_a_verdict_depends_on_the_rows_before_only(seed):
    """Read in pieces or again after a restart, a row is judged the same."""
    for rows in random_partitions(random.Random(seed)).values():
        whole = oracle.decide(rows, 10, 5, 20)
        for stop in range(0, len(rows), 7):
            assert oracle.decide(rows[:stop], 10, 5, 20) == whole[:stop]


@seeds
def test_sums(seed):
    """Rows read = archived + bad; archived = counted + late."""
    partitions = random_partitions(random.Random(seed))
    rows = [row for part in partitions.values() for row in part]
    tally = Counter(v for part in partitions.values() for v in verdicts_of(part))
    events, consumed = oracle.archive(rows, 1)
    assert len(rows) == len(events) + tally["bad"]
    assert len(events) == tally["counted"] + tally["late"]
    assert set(consumed) == {e["user"] + US + e["item"] for e in events.values()}


def test_archive():
    rows = rows_of((1500, "u", "i", "pv"), None, (500, "u", "i", "buy"), (2500, "u", "i"))
    events, consumed = oracle.archive(rows, 7)
    first, last = (datetime(1970, 1, 1, 0, 0, s, 500_000, tzinfo=timezone.utc) for s in (0, 2))
    assert list(events) == ["7:0:0:0", "7:0:2:0", "7:0:3:0"]
    assert events["7:0:0:0"] == {
        "_id": "7:0:0:0", "user": "u", "item": "i", "behavior": "pv", "time": oracle.date(1500)}
    assert "behavior" not in events["7:0:3:0"]
    assert consumed == {"u\x1fi": {
        "_id": "u\x1fi", "user": "u", "item": "i", "first": first, "last": last}}


# ---------------------------------------------------------------------------- rankings

def test_order_of_ids():
    ids = ["10", "9", "0", "09", "-1", "a", "", "B", "é", "00", str(2**70), "1"]
    assert sorted(ids, key=oracle.id_order) == [
        "0", "1", "9", "10", str(2**70), "", "-1", "00", "09", "B", "a", "é"]


def test_ranked_by_count_then_id():
    assert oracle.ranked({"x": 2, "10": 2, "9": 2, "8": 1, "7": 3}, 4) == [
        ["7", 3], ["9", 2], ["10", 2], ["x", 2]]


def test_rankings_by_hand():
    rows = rows_of((5, "u", "a"), (12, "u", "b"), (19, "v", "b"), (25, "v", "a", "free"))
    current, windows = oracle.rankings(rows, size=20, slide=10, weights={"free": 0}, default=2)
    assert current == 30
    assert {end: (w.start, w.events, w.ranking) for end, w in windows.items()} == {
        10: (-10, 1, [["a", 2]]),
        20: (0, 3, [["b", 4], ["a", 2]]),
        30: (10, 3, [["b", 4]])}


def test_events_without_weight_make_a_window_without_items():
    _, windows = oracle.rankings(rows_of((5, "u", "a")), size=10, slide=10, default=0)
    assert (windows[10].events, windows[10].counts, windows[10].ranking) == (1, {}, [])


def test_history_skips_empty_windows_and_ends_after_keep():
    """A gap of panes is no window with events."""
    rows = rows_of((5, "u", "a"), (35, "u", "a"), (75, "u", "a"))
    current, windows = oracle.rankings(rows, size=20, slide=10, keep=4)
    assert current == 80 and list(windows) == [50, 80]
    assert oracle.rankings([], size=20, slide=10) == (None, {})
    with pytest.raises(ValueError):
        oracle.rankings(rows, size=25, slide=10)


@seeds
def test_windows_are_what_their_definition_says(seed):
    counted = counted_in(random_partitions(random.Random(seed)))
    weights = {"pv": 1, "buy": 3}
    current, windows = oracle.rankings(counted, size=30, slide=10, n=5, keep=20, weights=weights,
                                       default=0)
    newest = max(row.event["time"] for row in counted)
    assert newest < current <= newest + 10 and current % 10 == 0
    for end in range(current - 190, current + 1, 10):
        inside = [r.event for r in counted if end - 30 <= r.event["time"] < end]
        assert (end in windows) == bool(inside)
        sums = Counter()
        for event in inside:
            sums[event["item"]] += weights.get(event["behavior"], 0)
        if inside:
            window = windows[end]
            assert (window.end, window.events, window.counts) == (end, len(inside), +sums)
            assert [c for _, c in window.ranking] == sorted((+sums).values(), reverse=True)[:5]
            assert all(sums[item] == count for item, count in window.ranking)


@seeds
def test_disorder_within_the_lateness_changes_nothing(seed):
    rnd = random.Random(seed)
    ordered = [(t, f"u{rnd.randrange(5)}", str(rnd.randrange(9))) for t in range(0, 900, 3)]
    mixed = sorted(ordered, key=lambda event: event[0] + rnd.uniform(0, 25))  # delay + lateness
    one = oracle.rankings(counted_in({0: rows_of(*ordered)}), size=30, slide=10)
    two = oracle.rankings(counted_in({0: rows_of(*mixed[::2]), 1: rows_of(*mixed[1::2])}),
                          size=30, slide=10)
    assert mixed != ordered and one == two


# ---------------------------------------------------------------------------- rounds

ROUND = {"interval": 20, "delay": 10, "lateness": 40, "k": 3}
RULE = (20, 10, 40)


def brief(served):
    return [(r.user, r.end, [row.offset for row in r.rows], [row.offset for row in r.history],
             r.previous_end) for r in served]


def test_a_late_row_is_due_in_the_first_open_interval():
    # the clock 75 has closed the line 60; time 35 (interval end 40) is due at 80, not at 40
    rows = rows_of((35, "u", "a"), (75, "u", "b"), (36, "u", "c"), (62, "v", "d"))
    assert brief(oracle.rounds({0: rows}, **ROUND)) == [
        ("u", 40, [0], [0], None), ("u", 80, [1, 2], [0, 2, 1], 40), ("v", 80, [3], [3], None)]


def test_the_line_before_the_row_decides():
    """The row that closes an interval is itself judged by the line before it."""
    assert [due for _, due in oracle.dues(rows_of((35, "u", "a"), (50, "u", "b"), (39, "u", "c")),
                                          *RULE)[0]] == [40, 60, 60]
    assert oracle.dues(rows_of((49, "u", "a")), *RULE)[1] == 20
    assert oracle.dues(rows_of((50, "u", "a")), *RULE)[1] == 40


def test_beyond_the_lateness_a_row_is_ignored():
    # the interval [0, 20) + 40 = 60 is reached by the watermark of the clock 70
    assert len(oracle.dues(rows_of((69, "u", "a"), (19, "u", "b")), *RULE)[0]) == 2
    assert len(oracle.dues(rows_of((70, "u", "a"), (19, "u", "b")), *RULE)[0]) == 1
    assert oracle.dues(rows_of((70, "u", "a"), (20, "u", "b")), *RULE)[0][1][1] == 80


def test_history_is_the_last_k_by_time_then_position():
    rows = rows_of((3, "u", "a"), (1, "u", "b"), (3, "u", "c"), (2, "u", "d"), (25, "u", "e"))
    assert brief(oracle.rounds({0: rows}, **ROUND)) == [
        ("u", 20, [0, 1, 2, 3], [3, 0, 2], None), ("u", 40, [4], [0, 2, 4], 20)]


def test_positions_are_compared_as_numbers():
    rows = [Row(0, offset, index, {"time": 1, "user": "u", "item": "i"}, b"")
            for offset, index in ((9, 2), (9, 10), (10, 0))]
    assert [r.position for r in oracle.rounds({0: rows}, **ROUND)[0].history] == [
        (0, 9, 2), (0, 9, 10), (0, 10, 0)]


def test_open_intervals_wait_unless_closed():
    rows = rows_of((5, "u", "a"), (31, "u", "b"))
    assert [r.end for r in oracle.rounds({0: rows}, **ROUND, closed=False)] == [20]
    assert [r.end for r in oracle.rounds({0: rows}, **ROUND)] == [20, 40]


def test_rows_behind_a_cut_are_due_after_it():
    rows = rows_of((5, "u", "a"), (6, "u", "b"), (7, "u", "c"))
    assert brief(oracle.rounds({0: rows}, **ROUND, cuts={0: [(2, 20)]})) == [
        ("u", 20, [0, 1], [0, 1], None), ("u", 40, [2], [0, 1, 2], 20)]
    assert oracle.idle_cut(rows[:2], *RULE) == (2, 20)
    assert oracle.idle_cut(rows[:2], *RULE, cuts=[(2, 20)]) is None
    assert oracle.idle_cut([], *RULE) is None


def test_rewards():
    rows = rows_of((5, "u", "a", "pv"), (20, "u", "a", "buy"), (26, "u", "b", "cart"),
                   (27, "u", "x", "buy"), (11, "u", "a", "fav"), (30, "u", "a"))
    served = oracle.rounds({0: rows}, **ROUND)
    # due 40 after 20: a bought 3, b carted 2, a unknown 1; x not shown; a at 11 was before 20
    stored = {"u\x1f20": ["a", "b", "c"], "u\x1f40": []}
    documents = oracle.recommendations(served, stored)
    assert [r.end for r in served] == [20, 40]
    assert documents["u\x1f20"] == {
        "_id": "u\x1f20", "user": "u", "time": oracle.date(20), "history": ["a", "a"],
        "previous": None, "previous_reward": None, "reward": 6}
    assert documents["u\x1f40"] == {
        "_id": "u\x1f40", "user": "u", "time": oracle.date(40), "history": ["b", "x", "a"],
        "previous": "u\x1f20", "previous_reward": 6}


def test_a_late_row_of_an_earlier_interval_earns_no_reward():
    rows = rows_of((5, "u", "a"), (30, "u", "b"), (19, "u", "a"))
    served = oracle.rounds({0: rows}, **ROUND)
    assert brief(served)[1][2] == [1, 2]
    assert oracle.previous_reward(served[1], ["a"]) == 0
    assert oracle.previous_reward(served[1], ["a", "b"]) == 1


def test_users_documents():
    rows = rows_of((5, "u", "a", "pv"), (25, "u", "b"))
    assert oracle.users(oracle.rounds({0: rows}, **ROUND)) == {"u": {
        "_id": "u", "v": 1, "last": {"id": "u\x1f40", "time": oracle.date(40)}, "history": [
            {"item": "a", "behavior": "pv", "time": oracle.date(5), "pos": "0:0:0"},
            {"item": "b", "time": oracle.date(25), "pos": "0:1:0"}]}}


def test_a_user_in_two_partitions_is_refused():
    with pytest.raises(ValueError):
        oracle.rounds({0: rows_of((1, "u", "a")), 1: rows_of((1, "u", "a"), partition=1)}, **ROUND)


@seeds
def test_every_row_within_the_lateness_is_due_once_and_never_closed(seed):
    partitions = random_partitions(random.Random(seed))
    served = oracle.rounds(partitions, **ROUND)
    due = {row.position: one.end for one in served for row in one.rows}
    assert sum(len(one.rows) for one in served) == len(due)
    for rows in partitions.values():
        clock = None
        for row, verdict in oracle.decide(rows, *RULE):
            assert (row.position in due) == (verdict == "counted")
            if verdict == "counted":
                end = due[row.position]
                assert end % 20 == 0 and row.event["time"] < end
                assert clock is None or end > clock - 10    # not closed by the watermark before it
                if clock is None or oracle.pane_end(row.event["time"], 20) > clock - 10:
                    assert end == oracle.pane_end(row.event["time"], 20)
            if verdict != "bad":
                clock = max(clock or row.event["time"], row.event["time"])


@seeds
def test_last_k_of_a_union_is_the_history(seed):
    """The last k of a union: from the k stored rows, as the daemon does it, the same."""
    kept = defaultdict(list)
    for one in oracle.rounds(random_partitions(random.Random(seed)), **ROUND):
        union = kept[one.user] + one.rows
        kept[one.user] = sorted(union, key=lambda r: (r.event["time"], r.position))[-3:]
        assert one.history == kept[one.user]


@seeds
def test_closing_is_a_final_cut_everywhere(seed):
    partitions = random_partitions(random.Random(seed))
    middle = {p: oracle.idle_cut(rows[:len(rows) // 2], *RULE) for p, rows in partitions.items()}
    for cuts in ({}, {p: [cut] for p, cut in middle.items() if cut}):
        last = {p: oracle.idle_cut(r, *RULE, cuts.get(p, ())) for p, r in partitions.items()}
        final = {p: [*cuts.get(p, ()), *([last[p]] if last[p] else [])] for p in partitions}
        assert (oracle.rounds(partitions, **ROUND, cuts=cuts)
                == oracle.rounds(partitions, **ROUND, cuts=final, closed=False))


# ---------------------------------------------------------------------------- transitions

def events_of(*triples):
    return [{"user": user, "item": item, "time": time} for user, item, time in triples]


def exact_scores(*args, **kwargs):
    numerators, denominator = oracle.scores(*args, **kwargs)
    return {b: Fraction(numerator, denominator) for b, numerator in numerators.items()}


def test_fit_by_hand():
    table = oracle.fit(events_of(("u", "c", 3), ("u", "a", 1), ("v", "a", 1), ("u", "b", 2),
                                 ("u", "a", 4), ("u", "d", 4), ("v", "b", 1)))
    # u: a b c a d (ties in the order of the log); v: a b
    assert table == {"a": {"b": 200, "c": 70, "a": 49, "d": 100},
                     "b": {"c": 100, "a": 70, "d": 49}, "c": {"a": 100, "d": 70}}


def test_scores_by_hand():
    table = {"a": {"b": 100, "c": 300}, "b": {"c": 100, "d": 100}, "z": {"c": 100}}
    got = exact_scores(table, ["a", "unknown", "b"])
    # b is newest; unknown takes a place; a has 0.8 ** 2; b is masked
    assert got == {"c": Fraction(1, 12) + Fraction(64, 100) * Fraction(3, 14), "d": Fraction(1, 12)}
    assert exact_scores(table, ["a"], exclude=["c"]) == {"b": Fraction(1, 14)}


def test_only_the_last_ten_count_but_all_are_masked():
    table = {"a": {"x": 100}, "b": {"a": 100, "y": 100}}
    assert oracle.infer(table, ["a"] + ["b"] * 10, 5) == ["y"]
    assert oracle.infer(table, ["a"] + ["b"] * 9, 5) == ["y", "x"]


def test_infer_ranks_ties_by_id_and_cuts():
    table = {"a": {"x": 100, "10": 100, "9": 100, "w": 170}}
    assert oracle.infer(table, ["a"], 3) == ["w", "9", "10"]
    assert oracle.infer(table, ["nobody"], 3) == []


@seeds
def test_the_score_is_the_formula(seed):
    rnd = random.Random(seed)
    log = [(f"u{rnd.randrange(4)}", str(rnd.randrange(8)), rnd.randrange(60)) for _ in range(80)]
    real, items = defaultdict(lambda: defaultdict(float)), [str(rnd.randrange(8)) for _ in range(4)]
    for user in {user for user, _, _ in log}:
        sequence = [item for who, item, _ in sorted(log, key=lambda e: e[2]) if who == user]
        for i in range(len(sequence)):
            for j in range(i + 1, min(i + 4, len(sequence))):
                real[sequence[i]][sequence[j]] += 0.7 ** (j - i - 1)
    got = exact_scores(oracle.fit(events_of(*log)), items)
    for b in map(str, range(8)):
        want = sum(0.8 ** k * real[a][b] / (sum(real[a].values()) + 10)
                   for k, a in enumerate(reversed(items)))
        assert float(got.get(b, 0)) == pytest.approx(0 if b in items else want)


# ---------------------------------------------------------------------------- partitioner

@pytest.mark.parametrize("key, signed", [    # from the unit tests of Kafka's Utils.murmur2
    (b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829), (b"abc", 479470107),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)])
def test_murmur2(key, signed):
    assert oracle.murmur2(key) == signed % 2**32


def test_partition_is_of_the_positive_hash():
    assert oracle.partition_of("foobar", 7) == (-790332482 & 0x7fffffff) % 7
