"""Secrets are nowhere but in memory: not in logs, not in what /proc shows, not in core dumps."""
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

import logs
import proc
from weir import BIN, CONSUMERS, DONE, REFUSED, RETRY, eventually

SECRET = "hush-hush-hush"


def test_42_no_secret_in_logs_or_proc(own, secured, service, tmp_path):
    """While librdkafka logs all that it can."""
    own.settings.update({"infer.url": service.url, "kafka.debug": "all"})
    log = logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(411, 200)))
    assert secured.start(own, "replay", log).wait() == DONE
    daemons = [secured.start(own, name) for name in CONSUMERS]
    own.settle()
    for daemon in daemons:
        nothing_in_proc(secured, daemon.process.pid)
        assert daemon.stop() == DONE
    assert secured.start(own, "status").wait() in (DONE, RETRY)
    for program in own.programs:
        assert "rdkafka event=log" in program.log or "status" in program.log_path.name
        assert not secrets_in(secured, program.log_path.read_bytes()), program.log_path


def nothing_in_proc(secured, pid):
    folder = Path(f"/proc/{pid}")
    for name in ("cmdline", "environ", "comm", "status", "maps", "stat"):
        assert not secrets_in(secured, (folder / name).read_bytes()), name
    assert not any("password" in name for name in proc.open_files(pid)), "the file is still open"


def secrets_in(secured, data):
    return [user for user, password in secured.passwords.items() if password.encode() in data]


# ---------------------------------------------------------------------------- what is printed

URIS = ["mongodb://u:SECRET@", "mongodb://u:SECRET@h@x", "mongodb://u:SECRET/2@h", "mongodb://u:SECRET@h/?x",
        "mongodb://u:SECRET@h:99999", "mongodb://u:%zzSECRET@h", "mongodb://:SECRET@h", "http://u:SECRET@h",
        "mongodb+srv://u:SECRET@h", "mongodb://h/?tlsCertificateKeyFilePassword=SECRET"]

OPTIONS = [*(("mongo", "uri", uri) for uri in URIS),
           ("redis", "address", "redis://:SECRET@h:1"), ("redis", "password", "SECRET"),
           ("infer", "url", "http://u:SECRET@h:1"), ("infer", "url", "http://h:1/?password=SECRET"),
           ("kafka", "sasl.password", "SECRET"), ("mongo", "password", "SECRET"),
           ("kafka", "sasl.jaas.config", "SECRET"), ("kafka", "ssl.ca.location.password", "SECRET")]


@pytest.mark.parametrize("section, key, value", OPTIONS)
def test_42_a_refusal_repeats_no_secret(tmp_path, section, key, value):
    path = tmp_path / "weir.conf"
    path.write_text(f"[{section}]\n{key} = {value.replace('SECRET', SECRET)}\n")
    done = weir("recommend", "-t", "-c", path)
    assert done.returncode == REFUSED, done
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("key", ["ssl.key.password", "ssl.keystore.password", "ssl.key.pem"])
def test_42_the_effective_configuration_hides_secrets(tmp_path, key):
    path = tmp_path / "weir.conf"
    path.write_text(f"[kafka]\n{key} = {SECRET}\n")
    done = weir("recommend", "-t", "-c", path)
    assert key in done.stdout + done.stderr and SECRET not in done.stdout + done.stderr
    refused = weir("recommend", "-t", "-o", f"kafka.{key}={SECRET}")
    assert refused.returncode == REFUSED and SECRET not in refused.stderr


def weir(program, *arguments):
    return subprocess.run([BIN / f"weir-{program}", "-o", "kafka.bootstrap.servers=127.0.0.1:9", *arguments],
                          capture_output=True, text=True, timeout=30)


# ---------------------------------------------------------------------------- core dumps

def allow_cores():
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)    # a shell's background jobs ignore it
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def dumps_core(argv, cwd, awake):
    """Kills a program by SIGQUIT; -> whether the kernel has dumped its core."""
    with open(cwd / "log", "wb") as log:
        process = subprocess.Popen(argv, cwd=cwd, stdout=log, stderr=log, preexec_fn=allow_cores)
    eventually(lambda: awake(process.pid))
    process.send_signal(signal.SIGQUIT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = status
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGQUIT
    return os.WCOREDUMP(status) or any(cwd.glob("core*"))


def runs_program(pid):
    assert Path(f"/proc/{pid}/comm").read_text() == "sleep\n"


def catches_signals(pid):
    """options have been read by then"""
    assert int(proc.status(pid, "SigCgt"), 16) & 1 << signal.SIGTERM - 1


@pytest.mark.parametrize("daemon", CONSUMERS)
def test_42_no_core_dump(tmp_path, daemon):
    """On a machine where others leave one, as the first line makes sure."""
    folders = [tmp_path / name for name in ("sleep", "weir")]
    for folder in folders:
        folder.mkdir()
    if not dumps_core(["sleep", "60"], folders[0], runs_program):
        pytest.fail("this machine dumps no cores at all: nothing is tested")
    argv = [BIN / f"weir-{daemon}", "-o", "kafka.bootstrap.servers=127.0.0.1:9", "-o", "http.listen=none",
            "-o", f"daemon.runtime_dir={tmp_path}"]
    assert not dumps_core(argv, folders[1], catches_signals)


@pytest.mark.parametrize("program", ["replay", "status", "reset"])
def test_42_the_tools_leave_no_core_dump(tmp_path, program):
    """They do not end by themselves while nobody answers."""
    more = {"replay": ["/dev/null"], "status": [], "reset": ["ranking", "--yes"]}[program]
    argv = [BIN / f"weir-{program}", "-o", "kafka.bootstrap.servers=127.0.0.1:9", *more]
    assert not dumps_core(argv, tmp_path, has_threads)


def has_threads(pid):
    """librdkafka's: options have been read by then"""
    assert int(proc.status(pid, "Threads")) > 1
