"""A TCP link that the tests disturb: it stands between the programs of Weir and one server. Clients of Kafka connect
to what the broker says its address is, so that becomes the link's in all that the broker says."""
import asyncio
import socket
import struct
import threading

from weir import free_port

CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)    # SO_LINGER: close sends RST


def named(host, port):
    """An address as Kafka's protocol holds it."""
    return host.encode() + struct.pack(">i", port)


class Link:
    """One connection: of a program to us, and of us to the server."""

    def __init__(self, client, server):
        self.client, self.server = client, server    # writers
        self.stranded = self.watched = False
        self.answered = 0    # bytes since the last request
        self.cut = None      # behind so many of them; None = never

    def close(self, reset=False):
        if reset:
            self.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """Listens at `address`. What is set counts from the next bytes on, for every connection:

        latency   s that every chunk is held back, in either direction
        rate      bytes per second of each direction of a connection; 0 = no bound
        fragile   chunks after which one ends its connection by RST instead of passing; 0 = none does
        stalled   nothing passes, nothing is lost, connections are still taken
        stall_at  of a request: stalls all before the first one of which this is true

    `broken` counts the connections that were ended or silenced."""

    def __init__(self, target):
        host, self.target_port = target.rsplit(":", 1)
        self.host, self.port = host, free_port()
        self.latency = self.rate = self.fragile = self.chunks = self.broken = 0
        self.links, self.stall_at = set(), None
        self.request, self.cuts, self.made, self.lengths = None, [], [], []
        self.told, self.tell = named(host, int(self.target_port)), named("127.0.0.1", self.port)
        self.loop, self.flowing = asyncio.new_event_loop(), asyncio.Event()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.flowing.set()
        self.server = self._within(asyncio.start_server(self._serve, "127.0.0.1", self.port))

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def stall(self, stalled=True):
        self.loop.call_soon_threadsafe(self.flowing.clear if stalled else self.flowing.set)

    def strand(self):
        """The connections of now are silent for ever, as if the other host had vanished; new ones work."""
        self._within(self._each(lambda link: setattr(link, "stranded", True)))

    def half_close(self):
        """The server's FIN without its end: it would still read."""
        self._within(self._each(lambda link: link.client.write_eof()))

    def cut_answers(self, request, cuts=()):
        """The next answers to requests that hold these bytes end behind so many bytes, one number an answer, by
        RST or by FIN; None lets one pass. `made` are the cuts so far, `lengths` those of the uncut answers."""
        self.made, self.lengths, self.cuts, self.request = [], [], list(cuts), request

    def end(self):
        self.stall(False)
        self.server.close()
        self._within(self._each(Link.close))
        self._within(self._finished())
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _within(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def _each(self, disturb):
        for link in list(self.links):
            self.broken += 1
            disturb(link)

    # ---- in the loop's thread

    async def _finished(self):
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=5)

    async def _serve(self, reader, writer):
        try:
            answers, server = await asyncio.open_connection(self.host, self.target_port)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, server)
        self.links.add(link)
        await asyncio.gather(self._pump(link, reader, server, self._asked),
                             self._pump(link, answers, writer, self._answered))
        link.close()
        self.links.discard(link)

    async def _pump(self, link, reader, writer, watch):
        try:
            while chunk := await reader.read(CHUNK):
                if self.stall_at and watch == self._asked and self.stall_at(chunk):
                    self.stall_at = None
                    self.flowing.clear()
                await self._delay(len(chunk))
                if link.stranded:
                    continue
                self.chunks += 1
                if self.fragile and self.chunks % self.fragile == 0:
                    self._break(link, True)
                chunk = chunk.replace(self.told, self.tell)
                whole = watch(link, chunk)
                writer.write(chunk[:whole])
                if whole < len(chunk):
                    await writer.drain()
                    self._break(link, whole % 2 == 0)
                await writer.drain()
            if not link.stranded:
                writer.write_eof()
        except OSError:
            link.close()

    async def _delay(self, n):
        await asyncio.sleep(self.latency + (n / self.rate if self.rate else 0))
        await self.flowing.wait()

    def _break(self, link, reset):
        self.broken += 1
        link.close(reset)
        raise ConnectionResetError

    def _asked(self, link, chunk):
        if link.answered:
            if link.watched:
                self.lengths.append(link.answered)
            link.answered, link.watched, link.cut = 0, False, None
        if self.request and self.request in chunk and not link.watched:
            link.watched, link.cut = True, self.cuts.pop(0) if self.cuts else None
        return len(chunk)

    def _answered(self, link, chunk):
        """-> how many bytes may pass."""
        before = link.answered
        link.answered += len(chunk)
        if link.cut is None or link.answered <= link.cut:
            return len(chunk)
        self.made.append(link.cut)
        return link.cut - before
