"""Models as their users meet them: fitted by weir-fit from a log, asked over HTTP from weir-infer."""
import http.client
import json
import subprocess
import time
from contextlib import contextmanager, suppress

from weir import BIN, free_port

BODY_MAX_BYTES, USERS_MAX = 60_000, 64
START_S = 30


class Refused(Exception):
    """A program or the service said no: its words."""


class Shelf:
    """A directory of models fitted from one log, served together."""

    def __init__(self, folder, rows):
        self.folder, self.log = folder, folder / "log.csv"
        self.models = folder / "models"
        self.models.mkdir(parents=True)
        self.log.write_text("".join(f"{row.user},{row.item},0,pv,{row.time_s}\n" for row in rows))

    def fit(self, name, kind, settings):
        """settings: configuration key -> value. -> the weights of a blend's parts."""
        settings = {"fit.validate": "no", **settings}
        keys = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        done = subprocess.run([BIN / "weir-fit", kind, self.log, "--out", self.models / name, *keys],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Refused(done.stderr.strip().splitlines()[-1])
        return json.loads((self.models / name / "manifest.json").read_text()).get("parts", {})

    def rename(self, name, new_name):
        (self.models / name).rename(self.models / new_name)

    @contextmanager
    def served(self):
        """-> ask(name, task): the answers to a task's cases."""
        port = free_port()
        options = {"infer.models": self.models, "infer.listen": f"127.0.0.1:{port}", "http.listen": "none",
                   "daemon.runtime_dir": self.folder}
        with open(self.folder / "infer.log", "wb") as log:
            process = subprocess.Popen(
                [BIN / "weir-infer", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.connect(port, process).close()
            yield lambda name, task: answers(self.connect(port, process), name, task)
        finally:
            process.terminate()
            process.wait()

    def connect(self, port, process):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        deadline = time.monotonic() + START_S
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(ConnectionRefusedError):
                connection.connect()
                return connection
            time.sleep(0.02)
        raise Refused(f"weir-infer does not listen: {(self.folder / 'infer.log').read_text().strip()[-500:]}")


def batches(cases):
    """Lists of cases whose requests stay within the limits of the service."""
    batch, size = [], 0
    for case in cases:
        more = len(json.dumps(case))
        if batch and (len(batch) == USERS_MAX or size + more > BODY_MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(case)
        size += more
    if batch:
        yield batch


def answers(connection, name, task):
    """-> one list of ids for each case, best first."""
    ranked = []
    for batch in batches(task.cases):
        body = {"user": [case.user for case in batch], "item": [case.history for case in batch],
                "exclude": [case.exclude for case in batch], "n_rec": task.n_rec, "reconsume": task.reconsume}
        connection.request("POST", f"/{name}", json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            raise Refused(f"POST /{name}: {reply.status} {text.decode(errors='replace')[:300]}")
        ranked += json.loads(text)
    connection.close()
    assert len(ranked) == len(task.cases), f"{len(ranked)} answers to {len(task.cases)} questions"
    for case, items in zip(task.cases, ranked):
        check(case, items, task)
    return ranked


def check(case, items, task):
    """Whatever else an answer is, it keeps to the contract."""
    masked = {*case.exclude, *(() if task.reconsume else case.history)}
    assert len(items) <= task.n_rec and len(set(items)) == len(items) and masked.isdisjoint(items), \
        f"user {case.user}: {items} breaks the contract"
