"""An inference service that does as it is told: answers, or fails as a real one might."""
import json
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
    "error": (500, "{}"), "busy": (503, "{}"), "missing": (404, '{"detail":"wrong algorithm."}'),
    "huge": (200, " " * (8 << 20)), "elsewhere": (302, ""), "empty": (200, ""),
}


class Service:
    """mode: "good", "short", "repeating", "slow", "hang", "reset", or a key of WRONG."""

    def __init__(self):
        self.port, self.mode, self.requests, self.released = free_port(), "good", [], None
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
            self.answer(mode, request)

    def answer(self, mode, request):
        if mode == "slow":
            time.sleep(0.3)
        made = {"short": short, "repeating": repeating}.get(mode, good)
        status, text = WRONG.get(mode) or (200, made(request))
        self.send_response(status)
        if mode == "elsewhere":
            self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        try:
            self.wfile.write(text.encode())
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass
