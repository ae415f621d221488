"""What serves HTTP listens to this machine alone, and nobody can take it from the others: by many connections, by
long or endless requests, or by slow ones."""
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import logs
import proc
from weir import DONE, eventually

CONNECTIONS_MAX, REQUEST_MAX_S = 64, 20
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


@pytest.fixture
def infer(worlds, tmp_path):
    """weir-infer; ports = of its metrics, and the one that it answers questions on."""
    world = worlds()
    log, models = logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(421, 500))), tmp_path / "models"
    assert world.start("fit", "transitions", log, "--out", models / "transitions").wait() == DONE
    infer = world.run("infer", infer__listen="127.0.0.1:0", infer__models=models)
    infer.ports = sorted(listening(infer).values())
    assert len(infer.ports) == 2 and infer.port in infer.ports
    return infer


@pytest.fixture(params=["metrics", "questions"])
def served(request, infer):
    """One of the two."""
    if request.param == "questions":
        [infer.port] = set(infer.ports) - {infer.port}
    return infer


def listening(program):
    """-> {inode: port} of the TCP sockets that a program listens on; all must be on 127.0.0.1."""
    links, found = proc.open_files(program.process.pid), {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *more = line.split()
        if state == "0A" and f"socket:[{more[5]}]" in links:
            address, port = local.split(":")
            assert address == "0100007F", f"{program.argv[0].name} listens on {address}"
            found[more[5]] = int(port, 16)
    return found


def dial(program, port=None):
    return socket.create_connection(("127.0.0.1", port or program.port), 5)


def rest(connection, within=60):
    """-> all until the server hangs up, which it must."""
    connection.settimeout(within)
    data = b""
    try:
        while more := connection.recv(1 << 16):
            data += more
    except ConnectionError:
        pass
    return data


def say(connection, data):
    """-> whether it was taken."""
    try:
        connection.sendall(data)
        return True
    except OSError:
        return False


def answers(program):
    with dial(program) as connection:
        connection.settimeout(2)
        say(connection, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        try:
            first = connection.recv(100)
        except OSError as failure:
            raise AssertionError("no answer") from failure
        assert first.startswith(b"HTTP/1.1 "), first


def descriptors(program):
    return len(proc.open_files(program.process.pid))


def test_it_listens_to_this_machine_alone(worlds, tmp_path):
    """Where nobody has said otherwise: the port is the default one, plus the instance's number."""
    world = worlds()
    daemon = world.start("rank", instance=731, http__listen="")
    daemon.port = 9121 + 731
    assert list(listening(daemon.ready()).values()) == [daemon.port]


def test_a_long_header_is_refused(served):
    before = proc.memory_kib(served.process.pid)
    for request in (b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 20),
                    b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000 + b"\r\n"):
        with dial(served) as connection:
            say(connection, request)
            assert rest(connection).split()[1:2] in ([], [b"431"], [b"414"])
    answers(served)
    assert proc.memory_kib(served.process.pid) < before + 8192


def test_an_endless_body_is_cut_off(served):
    before = proc.memory_kib(served.process.pid)
    with dial(served) as connection:
        say(connection, b"POST /transitions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        taken = 0
        while taken < 256 and say(connection, CHUNK):
            taken += 1
        assert taken < 256, "16 MiB were taken"
    with dial(served) as connection:
        say(connection, b"POST /transitions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert rest(connection).split()[1] == b"413"
    answers(served)
    assert proc.memory_kib(served.process.pid) < before + 16384


def test_a_thousand_connections(served):
    """No more than the limit are let in, and when they leave others are."""
    before = descriptors(served)
    with ExitStack() as stack:
        for _ in range(1000):
            guest = stack.enter_context(socket.socket())
            guest.setblocking(False)
            guest.connect_ex(("127.0.0.1", served.port))
        eventually(lambda: full(served, before))
        assert descriptors(served) <= before + CONNECTIONS_MAX + 1
    eventually(lambda: answers(served))
    eventually(lambda: empty(served, before))


def empty(program, before):
    assert descriptors(program) <= before + 2


def full(program, before):
    assert descriptors(program) >= before + CONNECTIONS_MAX / 2


def test_slow_clients_are_shown_out(infer):
    """As many as are let in, each of which sends a byte now and then: a header, a body, or nothing at all."""
    start = time.monotonic()
    with ExitStack() as stack:
        guests = [stack.enter_context(dial(infer, port)) for _ in range(CONNECTIONS_MAX)
                  for port in infer.ports]
        for number, guest in enumerate(guests):
            say(guest, [b"GET / HTTP/1.1\r\nX: ",
                        b"POST /transitions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
                        b""][number // 2 % 3])
        while guests:
            assert time.monotonic() - start < 3 * REQUEST_MAX_S, f"{len(guests)} are still there"
            guests = [guest for guest in guests if is_open(guest)]
            time.sleep(0.5)
    answers(infer)


def is_open(guest):
    guest.setblocking(False)
    try:
        if not guest.recv(100):
            return False
    except BlockingIOError:
        pass
    except OSError:
        return False
    return say(guest, b"x")
