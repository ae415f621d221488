"""What a program asks of the machine is refused or cut short: memory, bytes, file descriptors, time.

Own tests go on as before when calls are short, and end by the one chosen abort when memory is refused; whole pipelines
do not mind short and interrupted calls and signals that nobody waits for. k sweeps over the calls: some of them here,
far more in the long form."""
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import crash
from weir import BIN, CONSUMERS, DONE, REFUSED, RETRY, ROOT, Program, eventually, free_port

TESTS = BIN.parent / "tests"
OUT_OF_MEMORY = b"level=error comp=mem event=out_of_memory\n"
RESULTS = ROOT / "build/results"
WITHIN_S = 120
READERS = ["unit-config", "unit-rows"]
PROGRAMS = ("replay", *CONSUMERS)


def run(test, plan, log):
    """-> how a test of our own ended, and the lines that the shim wrote."""
    environment = {**os.environ, "WEIR_SOURCE": str(ROOT), **crash.environment(plan, log)}
    ended = subprocess.run([test], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=WITHIN_S)
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return ended, lines


def must_abort(test, k, folder):
    """-> whether there was a k-th allocation to refuse. A child's abort is its parent's failed test."""
    ended, hit = run(test, f"before malloc any {k} fail", folder / f"{test.name}-{k}")
    if hit:
        chosen = OUT_OF_MEMORY in ended.stderr + ended.stdout
        assert ended.returncode > 0 or ended.returncode == -signal.SIGABRT and chosen, (k, ended)
    else:
        assert ended.returncode == 0, (k, ended)
    return bool(hit)


def refuse_memory(folder, ks_of):
    """-> {test: how many of its allocations were refused}, each in a run of its own, two at a time."""
    tests = sorted([*TESTS.glob("unit-*"), *TESTS.glob("flow-*")])
    with ThreadPoolExecutor(2) as pool:
        runs = {test.name: [pool.submit(must_abort, test, k, folder) for k in ks_of(test)]
                for test in tests}
        try:
            return {name: sum(one.result() for one in of) for name, of in runs.items()}
        finally:
            pool.shutdown(cancel_futures=True)


def test_36_memory_is_refused(tmp_path):
    ks = [1, *random.Random(361).sample(range(2, 40), 2)]
    assert sum(refuse_memory(tmp_path, lambda test: ks).values()) > 60


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_36_memory_is_refused_often(tmp_path):
    """The first 60 allocations of every test one by one, then ever farther apart to the last."""
    ks = [*range(1, 61), *(int(60 * 1.3 ** n) for n in range(1, 45))]

    def those_there_are(test):
        _, lines = run(test, "before malloc any 1 count", tmp_path / test.name)
        n = max([int(line.split()[-1]) for line in lines], default=0)
        return [k for k in ks if k <= n]
    hits = refuse_memory(tmp_path, those_there_are)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "memory.json").write_text(json.dumps(
        {"refused": sum(hits.values()), "ended by the chosen abort": sum(hits.values()), "by": hits},
        indent=1))


@pytest.mark.parametrize("name", READERS)
def test_36_files_come_in_small_pieces(name, tmp_path):
    ended, hits = run(TESTS / name, "before any file %3 short", tmp_path / name)
    assert ended.returncode == 0 and hits, ended


@pytest.mark.parametrize("deed", ["%7 short", pytest.param("%150 interrupt", marks=pytest.mark.long)])
def test_36_pipeline_with_such_calls(stream, deed):
    s = stream(362, n=2000, rate=500, plans={name: [f"before any any {deed}"] * 100 for name in PROGRAMS})
    s.verify()
    assert all(sum(of.values()) > 0 for of in crash.sums(s.crash.hits()).values())


def test_38_storm_of_signals(stream, monkeypatch):
    monkeypatch.setenv("CRASH_STORM_US", "2000")
    s = stream(381, n=2000, rate=500, plans={name: ["before any unix 1000000 die"] for name in PROGRAMS})
    s.verify()


def cpu_s(pid):
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_with_few(world, daemon, fd_n):
    argv = world.argv(f"weir-{daemon}", http__listen=f"127.0.0.1:{free_port()}", daemon__instance=fd_n)
    program = Program([Path("/usr/bin/prlimit"), f"--nofile={fd_n}", *argv],
                      world.folder / f"{daemon}-{fd_n}.log")
    world.programs.append(program)
    return program


def test_38_few_file_descriptors(world):
    """Whoever can open nothing any more says so or waits: no crash, no busy loop."""
    world.create_events()
    started = [start_with_few(world, daemon, fd_n) for daemon in CONSUMERS for fd_n in range(4, 32, 3)]
    time.sleep(3)
    used = {program: cpu_s(program.process.pid) for program in started if program.running}
    begin = time.monotonic()
    time.sleep(4)
    for program in started:
        assert set(program.statuses) <= {RETRY, REFUSED}, (program.argv, program.statuses, program.log)
    for program in [p for p in used if p.running]:
        share = (cpu_s(program.process.pid) - used[program]) / (time.monotonic() - begin)
        assert share < 0.05, (program.argv, share, program.log)
    assert any(program.statuses for program in started), "nobody had too few"


def test_38_threads_are_refused(worlds):
    """Whoever cannot make a thread ends, or does without; what hangs in a library says no more that it is well."""
    world = worlds(partitions=1)
    world.create_events()
    shim = crash.Crash(world)
    for k in range(1, 9):
        started = [world.start(daemon, instance=k, daemon__stall="2s",
                               environments=shim.plans([f"before thread any {k} fail"])) for daemon in CONSUMERS]
        for program in started:
            eventually(lambda: has_told(program))
        for program in started:
            program.end()
    assert len(shim.hits()) == 8 * len(CONSUMERS)


def has_told(program):
    if program.running:
        assert program.get("/readyz")[0] == 200 or program.get("/healthz")[0] == 503
    else:
        assert set(program.statuses) <= {RETRY, -signal.SIGABRT}, (program.statuses, program.log)
        assert re.search("[Tt]hread|Resource temporarily unavailable", program.log), program.log


def test_38_peers_that_reset(stream):
    """Clients of the HTTP endpoint that leave in the middle, by RST, while the log is read."""
    s = stream(383, n=2000, rate=500)
    ports = [program.port for name in CONSUMERS for program in s.programs[name]]

    def replay_sends():
        assert s.world.rows()
    eventually(replay_sends)
    while s.replay.running:
        for port in ports:
            with socket.create_connection(("127.0.0.1", port), 5) as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        for program in s.everybody:
            if program.running:
                program.signal(signal.SIGPIPE)
        time.sleep(0.01)    # the programs under test are to have the machine
    s.verify()
    assert [program.statuses for program in s.everybody] == [[DONE], [], [], [], []]
