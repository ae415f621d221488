"""The clock of the day is wrong, jumps or goes slowly: event time is the log's, and waiting is done by another clock."""
import random
import struct
import time

import agree
import logs
import service as inference
from weir import BIN, CONSUMERS, DONE, eventually

SHIM = BIN.parent / "tests/clock.so"
HOUR_S = 3600
JUMPS_S = (0, HOUR_S, -HOUR_S)
SPEEDS = (1, 1, 0.2, 3)


class Clocks:
    """One for every program; set() moves it under the running process, as clock.c has it."""

    def __init__(self, folder):
        self.folder = folder

    def set(self, name, offset_s, speed=1):
        with open(self.folder / f"{name}.clock", "r+b") as file:
            file.write(struct.pack("3d", offset_s, time.time(), speed))

    def environments(self, name):
        assert SHIM.exists(), f"{SHIM}: build the target tests"
        (self.folder / f"{name}.clock").touch()
        self.set(name, 0)
        fake = {"LD_PRELOAD": str(SHIM), "CLOCK_FILE": str(self.folder / f"{name}.clock")}
        return lambda n: fake


def test_35_clocks_jump(worlds, service, tmp_path):
    """Each program's by itself, an hour ahead or back, slow and fast, while the log is replayed."""
    world, clocks, rnd = worlds(partitions=3, idle=4000), Clocks(tmp_path), random.Random(35)
    world.settings["infer.url"] = service.url
    world.create_events()
    for name in CONSUMERS:
        world.start(name, instance=0, supervised=True,
                    environments=clocks.environments(name)).ready()
    log = logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(350, 6000)))
    replay = world.start("replay", log, "--rate", 750, supervised=True,
                         environments=clocks.environments("replay"))
    eventually(lambda: grown(world))
    while replay.running:
        for name in (*CONSUMERS, "replay"):
            clocks.set(name, rnd.choice(JUMPS_S), rnd.choice(SPEEDS))
        time.sleep(rnd.uniform(1, 1.5))
    for offset_s in (-HOUR_S, HOUR_S):
        clocks.set("rank", offset_s)
        eventually(lambda: published_at(world, time.time() + offset_s), 20)
    agree.everything(world, answer=inference.answer)
    assert [program.statuses for program in world.programs] == [[]] * 4 + [[DONE]]


def test_35_a_jump_back_while_nothing_comes(worlds, tmp_path):
    """Nobody is thrown out of its group because a library sleeps until the old time comes again."""
    world, clocks = worlds(partitions=2), Clocks(tmp_path)
    world.settings["group.session.timeout"] = "2s"
    world.create_events()
    programs = [world.run(name, instance=0, environments=clocks.environments(name))
                for name in ("archive", "count", "rank")]
    for hours in (-1, -2):
        for name in ("archive", "count", "rank"):
            clocks.set(name, hours * HOUR_S)
        time.sleep(4)
    world.replay(logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(351, 500))))
    world.settle()
    assert [program.total("weir_rebalances_total") for program in programs] == [1, 1, 1]


def grown(world):
    assert world.hot()["hash"]


def published_at(world, wanted_s):
    """The clock was really moved: weir-rank shows everything again every few seconds, and tells when."""
    found_s = int(world.hot()["hash"]["published_at"]) / 1000
    assert abs(found_s - wanted_s) < 60, f"{found_s} {wanted_s}"
