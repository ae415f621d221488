"""What serves HTTP listens to this machine alone, and nobody can take it from the others: by many connections, by
long or endless requests, or by slow ones."""
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import logs
from weir import DONE, eventually

CONNECTIONS_MAX, REQUEST_MAX_S = 64, 20
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


@pytest.fixture(params=["archive", "infer"])
def served(request, worlds, tmp_path):
    """A daemon's metrics, and the port that weir-infer answers questions on."""
    world = worlds()
    if request.param == "archive":
        return world.run("archive")
    log, model = logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(421, 500))), tmp_path / "m"
    assert world.start("fit", log, "-o", f"infer.model={model}").wait() == DONE
    infer = world.start("infer", "-o", f"infer.model={model}", infer__listen="127.0.0.1:0").ready()
    [infer.port] = listening(infer).values() - {infer.port}
    return infer


def listening(program):
    """-> {inode: port} of the TCP sockets that a program listens on; all must be on 127.0.0.1."""
    links = [str(link.readlink()) for link in Path(f"/proc/{program.process.pid}/fd").iterdir()]
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *more = line.split()
        if state == "0A" and f"socket:[{more[5]}]" in links:
            address, port = local.split(":")
            assert address == "0100007F", f"{program.argv[0].name} listens on {address}"
            found[more[5]] = int(port, 16)
    return found


def dial(program):
    return socket.create_connection(("127.0.0.1", program.port), 5)


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


def memory_kib(program):
    text = Path(f"/proc/{program.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def descriptors(program):
    return len(list(Path(f"/proc/{program.process.pid}/fd").iterdir()))


def test_it_listens_to_this_machine_alone(worlds, tmp_path):
    """Where nobody has said otherwise: the port is the default one, plus the instance's number."""
    world = worlds()
    daemon = world.start("rank", instance=731, http__listen="")
    daemon.port = 9121 + 731
    assert list(listening(daemon.ready()).values()) == [daemon.port]


def test_a_long_header_is_refused(served):
    before = memory_kib(served)
    for request in (b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 20),
                    b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000 + b"\r\n"):
        with dial(served) as connection:
            say(connection, request)
            assert rest(connection).split()[1:2] in ([], [b"431"], [b"414"])
    answers(served)
    assert memory_kib(served) < before + 8192


def test_an_endless_body_is_cut_off(served):
    before = memory_kib(served)
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
    assert memory_kib(served) < before + 16384


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
    assert descriptors(served) <= before + 2


def full(program, before):
    assert descriptors(program) >= before + CONNECTIONS_MAX / 2


def test_slow_clients_are_shown_out(served):
    """As many as are let in, each of which sends a byte now and then: a header, a body, or nothing at all."""
    start = time.monotonic()
    with ExitStack() as stack:
        guests = [stack.enter_context(dial(served)) for _ in range(CONNECTIONS_MAX)]
        for number, guest in enumerate(guests):
            say(guest, [b"GET / HTTP/1.1\r\nX: ",
                        b"POST /transitions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
                        b""][number % 3])
        while guests:
            assert time.monotonic() - start < 3 * REQUEST_MAX_S, f"{len(guests)} are still there"
            guests = [guest for number, guest in enumerate(guests) if is_open(guest)]
            time.sleep(0.5)
    answers(served)


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
