"""weir-infer beside the service that it replaces: the same network, weights, questions and load."""
import json
import os
import random
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

import weights
from measure import Figure, Measured, in_turns
from stores import Answers
from weir import BIN, DONE, free_port
from workload import FOLDER, Log

HERE = Path(__file__).resolve().parent
USERS, HISTORY, N_REC, BODIES = 1000, 10, 10, 500
SECONDS, CONNECTIONS, MANY = 3, 8, 64
LOOKS = 5    # at the slowest of a hundred answers: one pause of the machine, and a look of 3 s shows nothing else
GOALS = {10_000: 20, 100_000: 15}    # times the requests per CPU second
PACKAGES = "python3-torch", "python3-fastapi", "python3-uvicorn", "gunicorn"


# ---------------------------------------------------------------------------- the two services

def cpu_s(pid):
    """Seconds of CPU of a process and its children, so far."""
    used, parents = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        used[int(folder.name)], parents[int(folder.name)] = int(words[11]) + int(words[12]), int(words[1])
    return sum(ticks for p, ticks in used.items() if pid in (p, parents[p])) / os.sysconf("SC_CLK_TCK")


def load(c, port, path, bodies, connections=CONNECTIONS, rate=0):
    """-> what bench-load says."""
    argv = [c.program("bench-load"), port, path, bodies, connections, SECONDS, rate]
    said = json.loads(subprocess.run([*map(str, argv)], check=True, capture_output=True, text=True).stdout)
    assert said["failed"] == 0 and said["answered"] > 0, said
    return said


class Service:
    """One of the two, as it runs. A `with` ends it."""

    def __init__(self, c, argv, port, environment=None):
        self.c, self.port = c, port
        self.program = Measured(argv, c.log("service"), port, environments=lambda n: environment or {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()

    def ask(self, name, body):
        url = f"http://127.0.0.1:{self.port}/{name}"
        request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def first_answer(self, name, body):
        """-> seconds from its exec."""
        while True:
            self.program.must_run()
            try:
                self.ask(name, body)
                return time.monotonic() - self.program.began
            except urllib.error.URLError:
                time.sleep(0.001)

    def load(self, name, bodies, connections=CONNECTIONS, rate=0):
        """-> what bench-load says, and the CPU seconds of the service."""
        before = cpu_s(self.program.process.pid)
        said = load(self.c, self.port, f"/{name}", bodies, connections, rate)
        return {**said, "cpu_s": cpu_s(self.program.process.pid) - before}


def ours(c, models):
    port = free_port()
    options = {"infer.models": models, "infer.listen": f"127.0.0.1:{port}", "http.listen": "none"}
    return Service(c, [BIN / "weir-infer", *(word for k, v in options.items() for word in ("-o", f"{k}={v}"))], port)


def theirs(c, folder):
    port = free_port()
    argv = ["/usr/bin/gunicorn", "replaced:app", "-w", "4", "-k", "uvicorn.workers.UvicornWorker", "--chdir", HERE,
            "-b", f"127.0.0.1:{port}", "--log-level", "warning"]
    return Service(c, argv, port, {"WEIR_WEIGHTS": str(folder), "PYTHONDONTWRITEBYTECODE": "1"})


def installed():
    """Installs what the replaced service needs, and nothing else does; -> whether it is there."""
    def there():
        return subprocess.run(["/usr/bin/python3", "-c", "import torch, fastapi, uvicorn, numpy"],
                              capture_output=True).returncode == 0 and Path("/usr/bin/gunicorn").exists()
    if not there():
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        print("installing", *PACKAGES, flush=True)
        subprocess.run([*sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES],
                       stdout=subprocess.DEVNULL)
    return there()


# ---------------------------------------------------------------------------- questions

def fit(kind, source, models):
    done = subprocess.run([BIN / "weir-fit", kind, source, "--out", models / kind, "-o", "fit.validate=no"],
                          capture_output=True, text=True)
    assert done.returncode == DONE, done.stderr
    return models


def question(dice, items, users):
    return json.dumps({"user": [dice.randrange(USERS) for _ in range(users)],
                       "item": [[dice.randrange(items) for _ in range(HISTORY)] for _ in range(users)],
                       "n_rec": N_REC})


def bodies_of(c, items, users=1):
    path = c.folder("bodies") / f"{items}-{users}"
    dice = random.Random(items + users)
    path.write_text("".join(question(dice, items, users) + "\n" for _ in range(BODIES // users + 1)))
    return path


def agree(one, other, items):
    """What we answer stands among the best of the replaced service, which leaves in what the user had."""
    dice = random.Random(3)
    for _ in range(20):
        asked = json.loads(question(dice, items, 3))
        more = one.ask("ddpg", json.dumps({**asked, "n_rec": N_REC + HISTORY + 2}))    # two for the last bits of a float
        for best, had, found in zip(more, asked["item"], other.ask("ddpg", json.dumps(asked))):
            assert len(found) == N_REC and set(found) <= set(best) - set(had), (best, had, found)


# ---------------------------------------------------------------------------- figures

def per_cpu_s(said):
    return said["answered"] / said["cpu_s"]


def at_half_load(c, service, bodies, most):
    """-> p99s, and those of a service that does nothing, by turns."""
    rate, nothing = most / SECONDS / 2, Answers(c, 0)
    with nothing:
        found = in_turns(LOOKS * c.times, ours=lambda: service.load("ddpg", bodies, CONNECTIONS, rate)["p99_us"],
                         nothing=lambda: load(c, nothing.port, "/ddpg", bodies, CONNECTIONS, rate)["p99_us"])
    return found["ours"], found["nothing"]


def beside(c, items, folder, one):
    """Requests per CPU second, by turns."""
    if not installed():
        print("the replaced service cannot be had here: weir-infer alone is measured", flush=True)
        return [one.load("ddpg", bodies_of(c, items)) for _ in range(c.times)], []
    with theirs(c, folder) as other:
        first = question(random.Random(1), items, 1)
        other.first_answer("ddpg", first)
        agree(other, one, items)
        bodies = bodies_of(c, items)
        other.load("ddpg", bodies)    # all its workers are warm
        found = in_turns(c.times, ours=lambda: one.load("ddpg", bodies), theirs=lambda: other.load("ddpg", bodies))
    return found["ours"], found["theirs"]


def dense(c, items):
    folder, models = FOLDER / f"ddpg-{items}", c.folder(f"models-{items}")
    if not (folder / "b3.npy").exists():
        weights.make(folder, items, USERS)
    fit("ddpg", folder, models)
    starts, first = [], question(random.Random(1), items, 1)
    for _ in range(c.times):
        with ours(c, models) as service:
            starts.append(service.first_answer("ddpg", first) * 1e3)
    with ours(c, models) as service:
        service.first_answer("ddpg", first)
        mine, floor = beside(c, items, folder, service)
        most = median(said["answered"] for said in mine)
        p99, p99_of_nothing = at_half_load(c, service, bodies_of(c, items), most)
        found = in_turns(c.times, one=lambda: service.load("ddpg", bodies_of(c, items), 1),
                         many=lambda: service.load("ddpg", bodies_of(c, items, MANY), 1))
    title, base = f"ddpg, {items:,} items", [per_cpu_s(said) for said in floor]
    one, many = ([said["p50_us"] for said in found[side]] for side in ("one", "many"))
    return [Figure(f"{title}: answers per CPU second, beside the replaced service", "/CPU s", [per_cpu_s(s) for s in mine],
                   base, least=GOALS[items] * median(base) if base else None),
            Figure(f"{title}: answers per second", "/s", [s["answered"] / s["seconds"] for s in mine],
                   [s["answered"] / s["seconds"] for s in floor]),
            Figure(f"{title}: p99 at half of that", "us", p99, p99_of_nothing, most=1000),
            Figure(f"{title}: median of {MANY} users in a POST, beside one", "us", many, one, most=12 * median(one)),
            Figure(f"{title}: from exec to the first answer", "ms", starts, most=100)]


def within_100_us(service, name, bodies):
    """-> the share of answers, as the service's own histogram tells."""
    def counts():
        lines = service.program.get("/metrics")[1].splitlines()
        return [int(next(line for line in lines if line.startswith(start)).split()[-1]) for start in
                ('weir_infer_served_seconds_bucket{le="0.0001"}', "weir_infer_served_seconds_count")]
    before = counts()
    service.load(name, bodies, 1)
    quick, all_of_them = (after - b for after, b in zip(counts(), before))
    return 100 * quick / all_of_them


def counted(c, rows=1_000_000):
    models, log = c.folder("models-counted"), Log(rows)
    for kind in ("transitions", "vmisknn"):
        fit(kind, log.file(), models)
    figures, items = [], 1000    # the popular ones have the longest rows
    with ours(c, models) as service:
        service.first_answer("transitions", question(random.Random(1), items, 1))
        for kind in ("transitions", "vmisknn"):
            share = [within_100_us(service, kind, bodies_of(c, items)) for _ in range(c.times)]
            figures.append(Figure(f"{kind}, {rows:,} rows: answers within 100 us, in the service", "%", share, least=90))
    return figures


def infer(c):
    figures = [figure for items in GOALS for figure in dense(c, items)]
    return figures + counted(c)
