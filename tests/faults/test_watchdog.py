"""A process that hangs in a library: its watchdog is fed by progress alone, so its supervisor hears nothing any more
and does what systemd would do."""
import socket
import struct
import threading
import time

import agree
import service as inference
from stream import KILLED
from weir import DONE, eventually

WATCHDOG_S = 5

HANGS = {
    "archive": "before mongoc_collection_write_command_with_opts any 4 hang",
    "count": "before rd_kafka_commit_transaction any 4 hang",
    "rank": "before redisGetReply any 6 hang",
    "recommend": "before rd_kafka_consumer_poll any 400 hang",
}


class Supervisor:
    """The other end of NOTIFY_SOCKET: kills a program that has been silent for too long."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(0.2)
        self.heard = {}    # pid: when
        self.watching = True

    def watch(self, programs):
        threading.Thread(target=self._watch, args=[programs], daemon=True).start()

    def _watch(self, programs):
        while self.watching:
            self._hear()
            for program in programs:
                pid = program.process.pid
                if time.monotonic() - self.heard.get(pid, time.monotonic()) > WATCHDOG_S:
                    del self.heard[pid]
                    program.kill()

    def _hear(self):
        """Who sends is what the kernel says, as with systemd."""
        try:
            text, [(_, _, sender)], *_ = self.socket.recvmsg(4096, 64)
        except TimeoutError:
            return
        if b"WATCHDOG=1" in text:
            self.heard[struct.unpack("3i", sender)[0]] = time.monotonic()


def test_41_hung_in_a_library(stream, tmp_path, monkeypatch):
    supervisor = Supervisor(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG_S * 1_000_000))
    s = stream(411, n=50_000, rate=300, seconds=25_000, idle=8000,
               plans={name: [plan] for name, plan in HANGS.items()})
    programs = [s.programs[name][0] for name in HANGS]
    supervisor.watch(programs)

    def all_killed():
        assert all(program.statuses for program in programs)
    eventually(all_killed)
    assert s.replay.stop() == DONE
    agree.everything(s.world, answer=inference.answer)
    supervisor.watching = False
    assert len(s.crash.hits()) == len(HANGS)
    assert [program.statuses for program in programs] == [[KILLED]] * len(HANGS)
