"""The units at work under a systemd that runs: README.md, "Operation", as an operator does it."""
import json
import shutil
import time
import urllib.request

import pytest

import agree
import logs
from machine import UNITS, Machine
from weir import DONE, REFUSED, eventually, free_port

WATCHDOG_S = 60    # WatchdogSec of the units
INFER = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def machine():
    machine = Machine()
    yield machine
    machine.end()


@pytest.fixture
def site(machine, worlds, tmp_path):
    """Configured, with a first model, and started."""
    site = Site(machine, worlds(partitions=3, idle=15_000), tmp_path)
    machine.run("systemctl", "enable", "--now", "weir.target")
    yield site
    machine.run("systemctl", "disable", "--now", "weir.target", "weir-retrain.timer")
    machine.run("systemctl", "reset-failed")


class Site:
    def __init__(self, machine, world, folder):
        self.machine, self.world, self.folder = machine, world, folder
        settings = {key: value for key, value in world.settings.items() if key != "daemon.runtime_dir"}
        self.settings = {**settings, "infer.url": INFER, "infer.models": "/var/lib/weir-models/current"}
        machine.configure(self.settings)
        self.log = logs.write(machine.root / "var/tmp" / f"{world.name}.csv", logs.rows_of(logs.make(501, 3000)))
        machine.run("rm", "-rf", "/var/lib/weir-models", "/var/lib/private/weir-models")
        versions = "/var/lib/weir-models/versions/1"
        machine.run("mkdir", "-p", versions)
        machine.run("weir-fit", "transitions", f"/var/tmp/{self.log.name}", "-c", "/etc/weir/fit.conf",
                    "--out", f"{versions}/transitions")
        machine.run("ln", "-s", "versions/1", "/var/lib/weir-models/current")

    def replay(self):
        assert self.world.replay(self.log).statuses == [DONE]

    def settle(self):
        """Waits until all is stored that the log demands."""
        eventually(lambda: agree.everything(self.world))

    def active(self):
        states = {unit: self.machine.state(unit) for unit in UNITS}
        assert all(state["ActiveState"] == "active" for state in states.values()), states
        return states


def test_killed_all_at_once_they_come_back(site):
    before = site.active()
    site.replay()
    for unit in UNITS:
        site.machine.run("systemctl", "kill", "-s", "KILL", unit)
    eventually(lambda: restarted(site, before))
    site.settle()


def restarted(site, before):
    states = site.active()
    for unit, state in before.items():
        assert states[unit]["MainPID"] != state["MainPID"], unit


def test_stopped_they_end_well(site):
    site.replay()
    site.settle()
    site.machine.run("systemctl", "stop", "weir.target")
    eventually(lambda: ended(site))


def ended(site):
    for unit in UNITS:
        state = site.machine.state(unit)
        assert (state["ActiveState"], state["ExecMainStatus"], state["Result"]) == ("inactive", "0", "success"), unit


def test_frozen_the_watchdog_ends_it(site):
    before = site.active()["weir-rank@0"]
    site.machine.run("systemctl", "kill", "-s", "STOP", "--kill-whom=main", "weir-rank@0")
    eventually(lambda: restarted(site, {"weir-rank@0": before}), 2 * WATCHDOG_S)
    assert "Failed with result 'watchdog'" in site.machine.journal("weir-rank@0")


def drop_in(site, unit, **lines):
    folder = site.machine.root / f"etc/systemd/system/{unit}.service.d"
    folder.mkdir(exist_ok=True)
    (folder / "zz.conf").write_text("[Service]\n" + "".join(f"{key}={value}\n" for key, value in lines.items()))
    site.machine.run("systemctl", "daemon-reload")
    return folder


def test_a_start_takes_as_long_as_the_store_is_away(site):
    """As long as it makes progress; frozen, it is ended."""
    site.machine.configure({**site.settings, "mongo.uri": f"mongodb://127.0.0.1:{free_port()}/"})
    folder = drop_in(site, "weir-archive@0", TimeoutStartSec=5, WatchdogSec=5)
    site.machine.run("systemctl", "restart", "--no-block", "weir-archive@0")
    time.sleep(12)
    state = site.machine.state("weir-archive@0")
    assert (state["ActiveState"], state["NRestarts"]) == ("activating", "0")
    site.machine.run("systemctl", "kill", "-s", "STOP", "--kill-whom=main", "weir-archive@0")
    eventually(lambda: timed_out(site))
    shutil.rmtree(folder)
    site.machine.configure(site.settings)
    site.machine.run("systemctl", "daemon-reload")
    eventually(site.active)


def timed_out(site):
    assert "start operation timed out" in site.machine.journal("weir-archive@0")


def test_refused_it_is_not_started_again(site):
    site.replay()
    site.settle()
    other = int(site.world.rules.slide) * 3
    site.machine.configure({**site.settings, "window.slide": f"{other}ms", "window.size": f"{other * 4}ms"})
    site.machine.run("systemctl", "restart", "weir-count@0", check=False)
    state = site.machine.state("weir-count@0")
    assert (state["ActiveState"], state["ExecMainStatus"]) == ("failed", str(REFUSED))
    assert "weir-reset" in site.machine.journal("weir-count@0")


def test_new_models_come_into_service(site):
    """The last kind decides, and none of it is in service yet: the new version is taken."""
    site.replay()
    site.settle()
    site.machine.run("systemctl", "reload", "weir-infer")
    drop_in(site, "weir-retrain", Environment='"RETRAIN=--kinds transitions,itemknn --hold-back 10min"')
    first = served()
    site.machine.run("systemctl", "start", "weir-retrain")
    assert served().keys() == {"transitions", "itemknn"}
    assert served()["transitions"] != first["transitions"]
    assert site.machine.state("weir-infer")["NRestarts"] == "0"


def served():
    """-> {model: its version}"""
    with urllib.request.urlopen(f"{INFER}/models", timeout=20) as reply:
        return {model["name"]: model["version"] for model in json.loads(reply.read())}
