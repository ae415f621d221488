"""weir-replay: from file to topic exactly once, whatever is asked of it and wherever it is killed."""
import os
import random
import subprocess
import time
import zlib
from collections import Counter

import pytest

import agree
import logs
import oracle
from weir import BIN, DONE, FENCED, REFUSED, eventually

ROWS = logs.rows_of(logs.make(60, 1200))
TIMES = [int(row.rsplit(b",", 1)[1]) for row in ROWS]


@pytest.fixture
def log(tmp_path):
    return logs.write(tmp_path / "log.csv", ROWS)


def sent(world):
    """-> the rows of the topic, as a multiset."""
    return Counter(row.raw for row in agree.flat(world.rows()))


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_the_topic_is_the_file(world, tmp_path, name):
    rows = logs.spoiled(ROWS + logs.GOOD_ROWS, 2)
    path = logs.write(tmp_path / name, rows)
    world.replay(path)
    agree.topic_is(world, rows)
    for message in world.read("events"):
        event = oracle.decode(message.value, world.rules.form)
        assert message.key.decode() == event["user"] and message.timestamp == event["time"]
    bad = {f"{name}:{line}": row for line, row in enumerate(rows, 1)
           if oracle.decode(row, world.rules.form) is None}
    letters = agree.dead_letters(world)
    found = {str(key).rsplit("/", 1)[-1]: raw for key, (_, raw) in letters.items()}
    assert found == {key: row[:len(found.get(key, row))] for key, row in bad.items()}
    assert Counter(reason for reason, _ in letters.values()) == \
        Counter(reason for reason, _ in logs.BAD_ROWS)
    assert len(world.read("dead")) == len(bad)


def test_standard_input(world, log):
    argv = [*map(str, world.argv("weir-replay")), "-"]
    subprocess.run(argv, input=log.read_bytes(), check=True, capture_output=True, timeout=60)
    agree.topic_is(world, ROWS)


def test_standard_input_with_a_job_is_fed_again(world, log):
    for rows in (ROWS[:700], ROWS):
        argv = [*map(str, world.argv("weir-replay")), "-", "--job", "stream"]
        subprocess.run(argv, input=b"".join(row + b"\n" for row in rows), check=True,
                       capture_output=True, timeout=60)
    agree.topic_is(world, ROWS)


def zipped():
    """-> a function that makes the next bytes of a .gz, which hold all that it was given."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return lambda plain: packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("pace", [[], ["--rate", "1000"]], ids=["free", "paced"])
@pytest.mark.parametrize("form", [lambda: bytes, zipped], ids=["plain", "gz"])
def test_a_silent_pipe_keeps_no_row_waiting(world, tmp_path, form, pace):
    pipe, written = tmp_path / "log.csv", form()
    os.mkfifo(pipe)
    with open(pipe, "r+b", buffering=0) as end:
        replay = world.start("replay", pipe, *pace)
        for first, last in ((0, 7), (7, 8), (8, 20)):
            end.write(written(b"".join(row + b"\n" for row in ROWS[first:last])))
            eventually(lambda: agree.topic_is(world, ROWS[:last]))
        assert replay.stop() == DONE
    agree.topic_is(world, ROWS[:20])


def test_a_file_without_a_last_newline_and_with_a_mark(world, tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(ROWS))
    world.replay(path)
    agree.topic_is(world, ROWS)


def test_rows_may_share_records(world, log):
    world.replay(log, "--rows-per-record", 50)
    agree.topic_is(world, ROWS)
    assert len(world.read("events")) < len(ROWS) / 10


@pytest.mark.parametrize("packed", [1, 20])
def test_killed_again_and_again(worlds, tmp_path, packed):
    world = worlds(partitions=3)
    rows = logs.spoiled(logs.rows_of(logs.make(61, 4000)), 3)
    path = logs.write(tmp_path / "log.csv", rows)
    replay = world.start("replay", path, "--rate", 1000, "--rows-per-record", packed,
                         supervised=True)
    rnd = random.Random(packed)
    for _ in range(3):
        before = len(world.read("events"))
        eventually(lambda: grown(world, before))
        time.sleep(rnd.uniform(0, 0.2))
        if replay.running:
            replay.kill()
    assert replay.wait() == DONE
    assert -9 in replay.statuses
    agree.topic_is(world, rows)
    assert len(world.read("dead")) == len(logs.BAD_ROWS)


def grown(world, before):
    assert len(world.read("events")) > before


def test_a_gz_resumes_too(world, tmp_path):
    path = logs.write(tmp_path / "log.csv.gz", ROWS)
    replay = world.start("replay", path, "--rate", 600, supervised=True)
    eventually(lambda: grown(world, 100))
    replay.kill()
    assert replay.wait() == DONE
    agree.topic_is(world, ROWS)


def test_sigterm_then_the_rest(world, log):
    replay = world.start("replay", log, "--rate", 600)
    eventually(lambda: grown(world, 100))
    replay.stop()
    assert 100 < len(world.read("events")) < len(ROWS)
    world.replay(log)
    agree.topic_is(world, ROWS)


def test_a_finished_job_is_finished(world, log):
    world.replay(log)
    world.replay(log)
    agree.topic_is(world, ROWS)
    world.replay(log, "--job", "another")
    assert sent(world) == Counter(ROWS * 2)
    world.replay(log, "--restart")
    assert sent(world) == Counter(ROWS * 3)


def test_a_file_that_grew_goes_on(world, tmp_path):
    path = logs.write(tmp_path / "log.csv", ROWS[:500])
    world.replay(path)
    logs.write(path, ROWS)
    world.replay(path)
    agree.topic_is(world, ROWS)


def test_another_file_under_the_name_is_refused(world, tmp_path):
    path = logs.write(tmp_path / "log.csv", ROWS[:500])
    world.replay(path)
    logs.write(path, ROWS[:400] + ROWS[500:])
    refused = world.replay(path, status=REFUSED)
    assert "--restart" in refused.log and "--job" in refused.log


def test_a_second_replay_of_a_job_takes_over(world, log):
    first = world.start("replay", log, "--rate", 300)
    eventually(lambda: grown(world, 50))
    world.replay(log)
    assert first.wait() == FENCED
    agree.topic_is(world, ROWS)


def test_limit_counts_the_rows_of_the_job(world, log):
    world.replay(log, "--limit", 300)
    agree.topic_is(world, ROWS[:300])


def test_from_until(world, log):
    first, last = logs.START_S + 1800, logs.START_S + 3600
    world.replay(log, "--from", "2017-11-24T16:30:00Z", "--until", "2017-11-24T17:00:00Z")
    agree.topic_is(world, [row for row, at in zip(ROWS, TIMES) if first <= at < last])


def test_sort(world, log):
    world.replay(log, "--sort")
    order = sorted(range(len(ROWS)), key=lambda index: TIMES[index])
    agree.topic_is(world, [ROWS[index] for index in order])


def test_loop_shifts_the_time(world, tmp_path):
    rows = logs.rows_of(logs.in_order(62, 300))
    path = logs.write(tmp_path / "log.csv", rows)
    world.replay(path, "--loop", 3)
    times = [int(row.rsplit(b",", 1)[1]) for row in rows]
    shift = times[-1] - times[0] + 1
    shifted = [row.rsplit(b",", 1)[0] + b",%d" % (at + loop * shift)
               for loop in range(3) for row, at in zip(rows, times)]
    agree.topic_is(world, shifted)


def test_dry_run_sends_nothing(world, log):
    said = world.replay(log, "--dry-run").log
    assert world.read("events") == [] and "late" in said


def test_strict_stops_at_the_first_bad_row(world, tmp_path):
    path = logs.write(tmp_path / "log.csv", [*ROWS[:100], b"bad", *ROWS[100:], b"worse"])
    stopped = world.start("replay", path, "--strict")
    assert stopped.wait() not in (DONE, -11, -6)
    assert "log.csv:101" in stopped.log
    assert sum(map(len, world.rows().values())) <= 100


@pytest.mark.parametrize("rules, options, order, separator", [
    ({"columns": "time,user,-,item,behavior", "separator": ";"},
     ["--columns", "time,user,-,item,behavior", "--separator", ";"],
     ("time", "user", "category", "item", "behavior"), ";"),
    ({"separator": "\\t"}, ["--separator", "\\t", "--header"],
     ("user", "item", "category", "behavior", "time"), "\t"),
], ids=["order", "tabs and a header"])
def test_other_formats(worlds, tmp_path, rules, options, order, separator):
    world = worlds(**rules)
    rows = logs.rows_of(logs.make(63, 300), order=order, separator=separator)
    header = [separator.join(order).encode()] if "--header" in options else []
    path = logs.write(tmp_path / "log.csv", header + rows)
    world.replay(path, *options)
    agree.topic_is(world, rows)
    assert world.read("dead") == []


@pytest.mark.parametrize("unit, zeros", [("ms", b"000"), ("us", b"000000")])
def test_time_units(worlds, tmp_path, unit, zeros):
    world = worlds(unit=unit)
    rows = [row + zeros for row in ROWS]
    world.replay(logs.write(tmp_path / "log.csv", rows), "--time-unit", unit)
    agree.topic_is(world, rows)
    assert {m.timestamp for m in world.read("events")} == {at * 1000 for at in TIMES}


def test_a_topic_is_a_source(worlds, log):
    first, second = worlds(partitions=3), worlds(partitions=2)
    first.replay(log)
    second.replay("topic:" + first.topic("events"))
    assert sent(second) == Counter(ROWS)


@pytest.mark.parametrize("options, rows, at_least_s", [
    (["--rate", "400"], ROWS[:600], 1.3),
    (["--speed", "60x"], logs.rows_of(logs.in_order(64, 100, seconds=100)), 1.4),
])
def test_pace(world, tmp_path, options, rows, at_least_s):
    path = logs.write(tmp_path / "log.csv", rows)
    before = time.monotonic()
    world.replay(path, *options)
    assert time.monotonic() - before > at_least_s
    agree.topic_is(world, rows)


def test_times_of_the_future_are_bad(world, tmp_path):
    """A clock that is years ahead must not close every window."""
    soon = int(time.time()) + 3600
    rows = [*ROWS[:10], b"1,2,3,pv,%d" % (soon + 2 * 86_400), b"1,2,3,pv,4000000000"]
    world.replay(logs.write(tmp_path / "log.csv", rows))
    agree.topic_is(world, ROWS[:10])
    assert len(world.read("dead")) == 2


@pytest.mark.parametrize("arguments", [[], ["a.csv", "b.csv"], ["--rate", "x", "a"],
                                       ["--speed", "-1x", "a"], ["--nothing", "a"]])
def test_bad_command_lines_are_refused(world, arguments):
    run = subprocess.run([*world.argv("weir-replay"), *arguments], capture_output=True, text=True,
                         timeout=30, cwd=world.folder)
    assert run.returncode == REFUSED
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr


def test_a_file_that_is_not_there(world):
    said = world.replay("absent.csv", status=REFUSED).log
    assert "absent.csv" in said and "event=done" not in said


def test_synthetic_logs_are_the_same_for_a_seed(tmp_path):
    made = [subprocess.run([BIN / "weir-synth", "--rows", "500", "--bad", "0", "--seed", seed], check=True,
                           capture_output=True).stdout for seed in ("7", "7", "8")]
    assert made[0] == made[1] != made[2]
    assert made[0].count(b"\n") == 500
