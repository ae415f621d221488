"""deploy/retrain: what is better comes into service, what is not does not, and nothing that ends it leaves half a version."""
import json
import os
import re
import signal
import subprocess
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest

from weir import BIN, DONE, ROOT, free_port

RETRAIN = ROOT / "deploy/retrain"
DAY_ONE = datetime(2017, 11, 25, tzinfo=timezone.utc)
USERS = 30    # of each day
QUESTION = {"user": ["u"], "item": [["1"]], "n_rec": 3}


class Site:
    """Events in MongoDB, a directory of versions, and weir-infer in front of it."""

    def __init__(self, world, folder):
        self.world, self.folder, self.dir = world, folder, folder / "models"
        self.address, self.days, self.infer = f"127.0.0.1:{free_port()}", 0, None
        self.conf = folder / "fit.conf"
        self.conf.write_text(f"[mongo]\nuri = {world.stack.mongo}\ndatabase = {world.name}\n")

    def day(self, *path, users=USERS):
        """A day on which everybody takes the same items, one second after the other."""
        begin = DAY_ONE + timedelta(days=self.days)
        self.world.mongo.events.insert_many([
            {"_id": f"1:0:{self.days * 1_000_000 + n * 1000 + k}:0", "user": f"{self.days}-{n}", "item": item,
             "behavior": "pv", "time": begin + timedelta(minutes=n, seconds=k)}
            for n in range(users) for k, item in enumerate(path)])
        self.days += 1

    def argv(self, *more):
        return [RETRAIN, "--models", self.dir, "-c", self.conf, "--infer", f"http://{self.address}",
                "--hold-back", "12h", "--cases", "10", *map(str, more)]

    def environment(self, **more):
        return {**os.environ, "WEIR_BIN": str(BIN), **more}

    def retrain(self, *more, status=DONE):
        """-> what it said."""
        done = subprocess.run(self.argv(*more), env=self.environment(), capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stderr
        assert all(line.startswith("retrain: ") for line in done.stderr.splitlines()), done.stderr
        return done.stderr

    def serve(self):
        self.infer = self.world.run("infer", infer__models=self.dir / "current", infer__listen=self.address)

    def first(self):
        """The first version knows 1 -> 2, of the first day."""
        self.day("1", "2")
        self.day("1", "2")
        self.retrain()
        self.serve()

    def post(self, path, body):
        with urllib.request.urlopen(f"http://{self.address}/{path}", json.dumps(body).encode(), timeout=20) as reply:
            return json.loads(reply.read()), reply.headers

    def answer(self, item="1"):
        return self.post("transitions", {**QUESTION, "item": [[item]]})[0][0]

    def served(self):
        return self.post("transitions", QUESTION)[1]["Weir-Model-Version"]

    def version(self):
        return os.readlink(self.dir / "current")

    def versions(self):
        return sorted(int(folder.name) for folder in (self.dir / "versions").iterdir())

    def manifest(self):
        return json.loads((self.dir / "current/transitions/manifest.json").read_text())["version"]


@pytest.fixture
def site(world, tmp_path):
    return Site(world, tmp_path)


def test_better_models_come_into_service_and_three_stay(site):
    site.first()
    assert site.answer() == ["2"] and site.version() == "versions/1"
    for n in range(2, 6):    # there is something new every other day, and the same the day after
        for _ in range(2):
            site.day(f"new-{n}", "sequel")
        said = site.retrain()
        assert f"version {n} is in service" in said
        assert site.answer(f"new-{n}") == ["sequel"] and site.served() == site.manifest()
        assert site.versions() == list(range(max(1, n - 2), n + 1))
    assert {file.name for file in site.dir.iterdir()} == {"versions", "current", ".lock"}


def test_a_model_that_is_not_better_stays_outside(site):
    site.first()
    site.day("1", "3", users=USERS * 3)    # a whim
    site.day("1", "2")
    before = site.served()
    said = site.retrain()
    assert "not better by more than 1 %" in said and "version 1 stays" in said
    assert site.answer() == ["2"] and site.served() == before and site.versions() == [1]


def test_the_margin_decides(site):
    site.first()
    site.day("1", "3", users=USERS * 2)
    site.day("1", "3", "2")    # half of what is asked for is known to the old one
    gain = re.compile(r"NDCG@10 (\S+)")
    old, new = map(float, gain.findall(site.retrain("--margin", "900000")))
    assert new > old > 0 and site.version() == "versions/1"
    percent = (new / old - 1) * 100
    site.retrain("--margin", f"{percent * 1.02:.3f}")
    assert site.version() == "versions/1"
    site.retrain("--margin", f"{percent * 0.98:.3f}")
    assert site.version() == "versions/2"


def test_what_a_model_has_seen_is_not_asked(site):
    site.first()
    fit = [BIN / "weir-fit", "transitions", "--from-mongodb", "-c", site.conf, "--out", site.dir / "current/transitions"]
    subprocess.run(fit, check=True, capture_output=True)
    said = site.retrain()
    assert "of 0 events since 2017-11-26T00:29:02" in said and "too few" in said and site.versions() == [1]


def test_rollback(site):
    site.first()
    first = site.served()
    site.day("1", "3", users=USERS * 3)
    site.day("1", "3")
    site.retrain()
    assert site.answer()[0] == "3"
    assert "version 1 is in service again" in site.retrain("--rollback")
    assert site.answer() == ["2"] and site.served() == first and site.versions() == [1]
    assert "no version before" in site.retrain("--rollback", status=1)
    assert site.answer() == ["2"] and site.version() == "versions/1"


def test_a_refusal_brings_the_old_version_back(site, tmp_path):
    """A model that was spoilt after it had been evaluated."""
    site.first()
    old = site.served()
    site.day("1", "3", users=USERS * 3)
    site.day("1", "3")
    wrapper = tmp_path / "bin"
    wrapper.mkdir()
    (wrapper / "weir-fit").write_text(
        f'#!/bin/sh\n{BIN}/weir-fit "$@" || exit\n'
        'case " $* " in *" evaluate "*) echo x >candidate/transitions/manifest.json ;; esac\n')
    (wrapper / "weir-fit").chmod(0o755)
    done = subprocess.run(site.argv(), env=site.environment(WEIR_BIN=str(wrapper)), capture_output=True, text=True)
    assert done.returncode == 1 and "weir-infer refuses transitions" in done.stderr
    assert "version 1 is in service again" in done.stderr
    assert site.version() == "versions/1" and site.versions() == [1] and site.served() == old


def test_the_service_may_be_away(site):
    site.first()
    site.infer.stop()
    site.day("1", "3", users=USERS * 3)
    site.day("1", "3")
    said = site.retrain()
    assert "weir-infer is not reached" in said and site.version() == "versions/2"
    site.serve()
    assert site.answer()[0] == "3"


def test_without_events_nothing_happens(site):
    said = site.retrain(status=1)
    assert "there are no events" in said and not (site.dir / "current").exists()


@pytest.mark.parametrize("wrong", [["--margin", "x"], ["--kinds", "../x"], ["--cases", "0"], ["--models"], ["more"]])
def test_wrong_options_are_refused(site, wrong):
    assert len(site.retrain(*wrong, status=1).splitlines()) == 1


def test_a_blend_is_retrained_with_its_parts(site):
    for day in range(2):
        site.day("1", "2", "3", "4")
    kinds = ["--kinds", "transitions,popular,blend"]
    site.conf.write_text(site.conf.read_text() + "[blend]\nparts = transitions,popular\n")
    site.retrain(*kinds)
    site.serve()
    site.day("1", "3", "2", users=USERS * 3)
    site.day("1", "3", "2")
    site.retrain(*kinds)
    answer, headers = site.post("blend", QUESTION)
    assert answer[0][0] == "3" and site.version() == "versions/2"
    listed = json.loads(urllib.request.urlopen(f"http://{site.address}/models").read())
    assert len({model["version"][:14] for model in listed}) == 1 and len(listed) == 3


# ---------------------------------------------------------------------------- kills

# Sourced by bash before the script: the n-th command is not begun, and the whole group dies, as under systemd.
KILLER = """
set -o functrace
commands=0
trap '((++commands != KILL_AT)) || kill -9 0' DEBUG
trap 'echo "$commands" >"$KILL_COUNT"' EXIT
"""


def killed_at(site, killer, at):
    environment = site.environment(BASH_ENV=str(killer), KILL_AT=str(at), KILL_COUNT=str(killer.parent / "count"))
    return subprocess.run(site.argv(), env=environment, capture_output=True, text=True, start_new_session=True).returncode


def kills(site, killer, points):
    """-> how often the old and the new version was there."""
    found = {1: 0, 2: 0}
    for at in points:
        assert killed_at(site, killer, at) == -signal.SIGKILL, at
        version = int(site.version().removeprefix("versions/"))
        found[version] += 1
        assert site.answer()[0] in (["2"] if version == 1 else ["2", "3"]), at
        site.post("models/transitions/reload", {})    # as a restart would
        assert site.answer()[0] == {1: "2", 2: "3"}[version] and site.served() == site.manifest(), at
        said = site.retrain()    # the next run mends what is left, and ends as ever
        assert "version 2 is in service" in said if version == 1 else "version 2 stays" in said, at
        site.retrain("--rollback")
        assert site.versions() == [1] and site.answer() == ["2"]
    return found


@pytest.fixture
def killing(site, tmp_path):
    """A site that a run would take to version 2 -> (site, killer, the number of commands of a run)."""
    killer = tmp_path / "killer"
    killer.write_text(KILLER)
    site.first()
    site.day("1", "3", users=USERS * 3)
    site.day("1", "3")
    assert killed_at(site, killer, 0) == DONE and site.version() == "versions/2"
    site.retrain("--rollback")
    return site, killer, int((tmp_path / "count").read_text())


def test_a_kill_leaves_a_whole_version(killing):
    site, killer, commands = killing
    found = kills(site, killer, [*range(5, commands - 24, (commands - 24) // 6), *range(commands - 24, commands, 3)])
    assert found[1] > 5 and found[2] > 1


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_kill_at_every_command(killing):
    site, killer, commands = killing
    found = kills(site, killer, range(1, commands + 1))
    assert found[1] and found[2]
