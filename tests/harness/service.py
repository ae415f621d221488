"""An inference service that does as it is told: answers, or fails as a real one might."""
import gzip
import itertools
import json
import socket
import struct
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from weir import free_port


def answer(user, items, n_rec=8):
    """Ranked, all different, never an item of the logs: a function of the request alone."""
    seed = zlib.crc32("\x1f".join(map(str, [user, *items])).encode())
    return [f"rec-{(seed + step * step) % 10_007}" for step in range(n_rec)]


def good(request):
    return json.dumps([answer(user, items, request["n_rec"])
                       for user, items in zip(request["user"], request["item"], strict=True)])


def short(request):
    return json.dumps([answer(user, items, 3)
                       for user, items in zip(request["user"], request["item"], strict=True)])


def repeating(request):
    """Consumed items and items twice: what is left must be filled up."""
    return json.dumps([["rec-x", "rec-x", *items] for items in request["item"]])


WRONG = {    # status and body
    "no json": (200, "<html>"), "cut": (200, '[["a"'), "object": (200, '{"a": 1}'),
    "few": (200, "[]"), "nan": (200, "[[NaN]]"), "null": (200, "null"), "deep": (200, "[" * 5000),
    "infinite": (200, "[[1e999]]"), "twice a key": (200, '{"a": [], "a": []}'),
    "error": (500, "{}"), "busy": (503, "{}"), "many": (429, "{}"),
    "missing": (404, '{"detail":"wrong algorithm."}'),
    "huge": (200, " " * (8 << 20)), "elsewhere": (302, ""), "own file": (302, ""), "empty": (200, ""),
    "bomb": (200, gzip.compress(bytes(64 << 20))),
}
HEADERS = {
    "elsewhere": {"Location": "http://127.0.0.1:9/"}, "own file": {"Location": "file:///etc/passwd"},
    "busy": {"Retry-After": "1"}, "many": {"Retry-After": "1"}, "bomb": {"Content-Encoding": "gzip"},
}
FLOOD_BYTES = 1 << 30


class Service:
    """mode: "good", "short", "repeating", "slow", "hang", "reset", "torn" (RST amidst the body), "drip" (a byte now
    and then), "flood" (a body without an end), "late" (every other answer, behind its timeout), or a key of WRONG.

    `flooded` is the most that was taken of one endless body."""

    def __init__(self):
        self.port, self.mode, self.requests, self.released = free_port(), "good", [], None
        self.turns, self.flooded = itertools.count(), 0
        self.up()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def up(self):
        self.released = threading.Event()
        handler = type("Handler", (Handler,), {"service": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self):
        """Nobody listens any more; open connections die with their next request."""
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        service, body = self.service, self.rfile.read(int(self.headers["Content-Length"]))
        if service.released.is_set():
            self.close_connection = True
            return
        request, mode = json.loads(body), service.mode
        service.requests.append((self.path, request))
        if mode == "reset":
            self.close_connection = True
        elif mode == "hang":
            service.released.wait(60)
            self.close_connection = True
        else:
            self.send(mode, request)

    def send(self, mode, request):
        try:
            if mode in ("torn", "drip", "flood"):
                self.close_connection = True
                getattr(self, mode)(request)
            else:
                self.answer(mode, request)
        except OSError:    # they hung up
            self.close_connection = True

    def answer(self, mode, request):
        if mode == "slow" or mode == "late" and next(self.service.turns) % 2:
            time.sleep(0.3)
        made = {"short": short, "repeating": repeating}.get(mode, good)
        status, text = WRONG.get(mode) or (200, made(request))
        body = text if isinstance(text, bytes) else text.encode()
        self.head(status, len(body), HEADERS.get(mode, {}))
        self.wfile.write(body)

    def head(self, status, length, more={}):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header(*("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()

    def torn(self, request):
        body = good(request).encode()
        self.head(200, len(body))
        self.wfile.write(body[:len(body) // 2])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def drip(self, request):
        body = good(request).encode()
        self.head(200, len(body))
        for byte in body:
            self.wfile.write(bytes([byte]))
            if self.service.released.wait(0.05):
                return

    def flood(self, _):
        self.head(200, None)
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for sent in range(0, FLOOD_BYTES, 0x10000):
            self.service.flooded = max(self.service.flooded, sent)
            self.wfile.write(chunk)

    def log_message(self, *_):
        pass
