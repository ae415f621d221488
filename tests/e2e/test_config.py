"""Every program refuses with status 78 and one line what it cannot use; -t shows what it would."""
import subprocess

import pytest

from weir import BIN, CONSUMERS, DONE, REFUSED, known_keys

DAEMONS = [f"weir-{name}" for name in (*CONSUMERS, "infer")]
TOOLS = ["weir-replay", "weir-synth", "weir-fit", "weir-reset", "weir-status"]


def run(program, *arguments):
    """With brokers, which have no default, wherever they are asked for."""
    more = ["-o", "kafka.bootstrap.servers=127.0.0.1:9"] if speaks_kafka(program) else []
    return subprocess.run([BIN / program, *more, *arguments], capture_output=True, text=True,
                          timeout=30, stdin=subprocess.DEVNULL)


def speaks_kafka(program):
    return "topics.prefix" in known_keys(program)


def refused(program, *arguments):
    """-> the one line."""
    done = run(program, *arguments)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == REFUSED, done
    assert len(lines) == 1 and lines[0].startswith(program), done.stderr
    return lines[0]


@pytest.mark.parametrize("program", DAEMONS + TOOLS)
def test_help_version_and_a_check(program):
    assert run(program, "--help").returncode == run(program, "--version").returncode == DONE
    assert run(program, "--version").stdout.startswith(program + " ")
    checked = run(program, "-t")
    assert checked.returncode == DONE, checked.stderr
    assert "password" not in checked.stdout.replace("password_file", "")


@pytest.mark.parametrize("program", DAEMONS)
def test_what_it_prints_it_reads(program, tmp_path):
    """The effective configuration is a configuration file with the same effect; so is its help."""
    first = run(program, "-t", "-o", "daemon.stall=77s")
    path = tmp_path / "weir.conf"
    path.write_text(first.stdout)
    second = run(program, "-t", "-c", path)
    assert second.returncode == DONE and second.stdout == first.stdout
    assert "stall = 77s" in second.stdout


@pytest.mark.parametrize("program", DAEMONS + TOOLS)
@pytest.mark.parametrize("option", [
    "nothing", "=", "a=b", "no.such=1", "Kafka.x=1", ".=1", "window.=1", "record.nothing=1"])
def test_options_that_are_none(program, option):
    refused(program, "-t", "-o", option)


VALUES = [
    ("window.size", "ten"), ("window.size", "7min"), ("window.size", "-1h"), ("window.size", "0"),
    ("window.slide", "60"), ("window.slide", "1w"), ("window.slide", "99999999999d"),
    ("window.n", "0"), ("window.n", "1.5"), ("window.n", "1e3"), ("window.n", "0x10"),
    ("window.n", ""), ("window.history", "99999999999999999999"),
    ("time.delay", "-1s"), ("time.delay", "10 s"), ("time.lateness", "forever"),
    ("batch.bytes", "512KB"), ("batch.interval", "0.1s"),
    ("topics.partitions", "0"), ("topics.prefix", ""), ("topics.prefix", "a b"),
    ("topics.time", "sometimes"), ("record.columns", "user,item"), ("record.columns", ""),
    ("record.columns", "user,item,time,user"), ("record.columns", "user,item,time,_id"),
    ("record.columns", "user,item,time,a.b"), ("record.columns", "user,item,time,$a"),
    ("record.separator", ""), ("record.separator", ",,"), ("record.separator", "\n"),
    ("record.time_unit", "h"), ("record.format", "xml"), ("record.time.min", "yesterday"),
    ("weight.behaviors", "pv"), ("weight.behaviors", "pv:-1"), ("weight.behaviors", "pv:1,pv:2"),
    ("weight.default", "-1"), ("reward.behaviors", "pv:x"),
    ("redis.address", "nowhere"), ("redis.address", "127.0.0.1:0"), ("redis.timeout", "0"),
    ("mongo.uri", "http://127.0.0.1"), ("mongo.uri", "mongodb://u:hunter2@127.0.0.1"),
    ("mongo.database", ""), ("mongo.database", "a/b"),
    ("infer.url", "ftp://127.0.0.1"), ("infer.url", "127.0.0.1:8000"), ("infer.batch", "65"),
    ("recommend.k", "0"), ("recommend.k", "201"), ("recommend.interval", "0"),
    ("recommend.n", "0"), ("recommend.on_failure", "panic"), ("recommend.allow_moved_users", "1"),
    ("http.listen", "nowhere"), ("http.listen", "127.0.0.1:99999"),
    ("daemon.instance", "a/b"), ("daemon.stall", "soon"), ("group.start", "whenever"),
    ("group.session.timeout", "0"), ("kafka.ack", "all"), ("kafka.enable.auto.commit", "true"),
    ("kafka.isolation.level", "read_uncommitted"), ("kafka.auto.offset.reset", "latest"),
    ("kafka.enable.idempotence", "false"), ("kafka.sasl.password", "hunter2"),
    ("mongo.password_file", "/no/such/file"), ("redis.password_file", "hunter2"),
]


@pytest.mark.parametrize("key, value", VALUES, ids=[f"{k}={v!r}" for k, v in VALUES])
def test_values_that_are_none(key, value):
    """Refused by every daemon that has the key, and by at least one."""
    takers = [program for program in DAEMONS if key in known_keys(program)
              or key.startswith("kafka.") and speaks_kafka(program)]
    assert takers
    for program in takers:
        line = refused(program, "-t", "-o", f"{key}={value}")
        assert "hunter2" not in line


@pytest.mark.parametrize("text, says", [
    ("[time]\ndelay = 1s\nnothing = 2\n", ":3"), ("[nothing]\na = 1\n", ":"),
    ("[time]\ndelay = 1s\n\ndelay = 2s\n", ":4"), ("[time]\ndelay\n", ":2"), ("delay = 1s\n", ":1"),
    ("[time\ndelay = 1s\n", ":1"), ("[time]\ndelay = soon\n", ":2"),
    ("[time]\n  delay = 1s\n lateness = 2s ;x\n", ":"),
    ("[time]\ndelay = " + "1" * 5000 + "\n", ":2"),
    ("[time]\ndelay = 1s\x00\n", ":2"),
], ids=["key", "section", "double", "no value", "no section", "bracket", "value", "comment", "long",
        "nul"])
def test_files_that_are_none(tmp_path, text, says):
    path = tmp_path / "weir.conf"
    path.write_text(text)
    for program in ("weir-count", "weir-recommend"):
        assert f"weir.conf{says}" in refused(program, "-t", "-c", path)


def test_files_that_are_not_there(tmp_path):
    assert "absent.conf" in refused("weir-count", "-t", "-c", tmp_path / "absent.conf")
    refused("weir-count", "-t", "-c", tmp_path)


def test_secrets_stay_secret(world, tmp_path):
    """They come from files, and are seen neither in -t nor in the log nor among the arguments."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o400)
    config = tmp_path / "weir.conf"
    config.write_text(f"[redis]\npassword_file = {secret}\nuser = nobody\n")
    shown = run("weir-rank", "-t", "-c", config)
    assert shown.returncode == DONE and "hunter2" not in shown.stdout + shown.stderr
    rank = world.start("rank", "-c", config)
    rank.end()
    assert "hunter2" not in rank.log


def test_a_window_is_whole_slides():
    line = refused("weir-rank", "-t", "-o", "window.size=1h", "-o", "window.slide=7min")
    assert "slide" in line
