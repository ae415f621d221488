"""weir-reset: one consumer's results, or everything, are gone; made anew, they are the same."""
import os
import pty
import subprocess

import pytest

import agree
import logs
import service as inference
from weir import CONSUMERS, DONE, REFUSED, RETRY, eventually


@pytest.fixture
def full(worlds, service, tmp_path):
    """-> (world, log, programs): a log went through everything and was found exact."""
    world = worlds(partitions=3)
    world.settings["infer.url"] = service.url
    log = logs.write(tmp_path / "log.csv", logs.spoiled(logs.rows_of(logs.make(80, 1200)), 4))
    world.replay(log)
    programs = world.run_all()
    agree.everything(world, answer=inference.answer)
    return world, log, programs


def reset(world, scope, *more, status=DONE):
    program = world.start("reset", scope, "--yes", *more)
    assert program.wait() == status, program.log
    return program.log


def dump(world):
    """All results, without what differs from run to run: epochs, the number of transactions, times
    of writing."""
    stored = {name: world.documents(name)
              for name in ("events", "consumed", "users", "recommendations")}
    stored["events"] = {id.split(":", 1)[1]: {**doc, "_id": None}
                        for id, doc in stored["events"].items()}
    for name in ("users", "recommendations"):
        for document in stored[name].values():
            document.pop("hot_version", None)
            document.pop("rev", None)
    hot = world.hot()
    shown = {key: value for key, value in hot["hash"].items()
             if key in ("window_start", "window_end", "events", "complete", "n", "ranking")}
    late = {message.key.split(b":", 1)[1]: message.value for message in world.read("late")}
    return stored, shown, hot["order"], hot["items"], sorted(hot["history"]), len(late)


def test_all_and_again(full):
    """Two runs with `weir-reset all` between them are equal but for the epoch."""
    world, log, programs = full
    before = dump(world)
    assert [program.stop() for program in programs] == [DONE] * 4
    reset(world, "all")
    assert not any(world.documents(name)
                   for name in ("events", "consumed", "users", "recommendations"))
    assert not any(world.hot().values())
    assert not any(world.read(which) for which in ("events", "panes", "late", "dead"))
    assert not any(world.committed(daemon) for daemon in CONSUMERS)
    world.replay(log)
    world.run_all()
    agree.everything(world, answer=inference.answer, epoch=2)
    assert dump(world) == before


def test_one_consumer_after_the_other_afresh(full):
    world, _, programs = full
    before = dump(world)
    for scope, daemons in (("ranking", ["count", "rank"]), ("recommend", ["recommend"]),
                           ("archive", ["archive"])):
        for program in programs:
            if program.argv[0].name.removeprefix("weir-") in daemons:
                assert program.stop() == DONE
        reset(world, scope)
        shown = {"ranking": world.hot()["history"], "recommend": world.documents("users"),
                 "archive": world.documents("events")}
        assert [name for name, results in shown.items() if not results] == [scope]
        world.run_all(*daemons)
        world.settle()
        rows = world.rows()
        eventually(lambda: agree.windows_are(world, rows, epoch=2), 20)
        agree.archive_is(world, rows)
        agree.recommendations_are(world, rows, answer=inference.answer)
        assert dump(world) == before


def test_another_window_needs_only_its_scope(full):
    world, _, programs = full
    assert [program.stop() for program in programs[1:3]] == [DONE] * 2
    refused = world.start("rank", window__size="20min")
    assert refused.wait() == REFUSED and "weir-reset ranking" in refused.log
    refused = world.start("count", window__slide="2min")
    assert refused.wait() == REFUSED and "weir-reset ranking" in refused.log
    reset(world, "ranking")
    world.settings["window.size"] = "20min"
    object.__setattr__(world.rules, "size", 1_200_000)
    world.run_all("count", "rank")
    world.settle("count")
    rows = world.rows()
    eventually(lambda: agree.windows_are(world, rows, epoch=2), 20)


@pytest.fixture
def archived(worlds, tmp_path):
    """-> (world, archive): a log was archived."""
    world = worlds(partitions=3)
    world.replay(logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(81, 300))))
    archive = world.run("archive")
    world.settle("archive")
    return world, archive


def test_it_waits_until_the_daemons_have_left(archived):
    world, archive = archived
    busy = reset(world, "archive", "--wait", "1s", status=RETRY)
    assert "stop weir-archive" in busy and world.documents("events")
    waiting = world.start("reset", "archive", "--yes", "--wait", "30s")
    eventually(lambda: says(waiting, "stop weir-archive"))
    assert archive.stop() == DONE
    assert waiting.wait() == DONE and not world.documents("events")


def says(program, text):
    assert text in program.log


def test_it_asks(archived):
    world, archive = archived
    assert archive.stop() == DONE
    unasked = world.start("reset", "archive")
    assert unasked.wait() == REFUSED and "--yes" in unasked.log
    assert answered(world, b"no\n").returncode == REFUSED
    assert world.documents("events")
    assert answered(world, b"yes\n").returncode == DONE
    assert not world.documents("events")


def answered(world, answer):
    """weir-reset archive on a terminal whose user types an answer."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    done = subprocess.run([*world.argv("weir-reset"), "archive"], stdin=theirs, capture_output=True,
                          timeout=60)
    os.close(ours)
    os.close(theirs)
    return done


@pytest.mark.parametrize("arguments", [[], ["everything"], ["all", "ranking"]])
def test_other_scopes_are_refused(world, arguments):
    program = world.start("reset", *arguments, "--yes")
    assert program.wait() == REFUSED
