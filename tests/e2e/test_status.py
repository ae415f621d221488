"""weir-status: whether all has settled, for people and for scripts."""
import json


import agree
import logs
import service as inference
from weir import DONE

NOT_SETTLED, UNKNOWN = 1, 2


def status(world, *arguments, **more):
    """-> (exit status, what it said)."""
    program = world.start("status", *arguments, **more)
    return program.wait(), program.log


def test_settled_and_not(worlds, service, tmp_path):
    world = worlds(partitions=3)
    world.settings["infer.url"] = service.url
    lost = world.start("status", kafka__bootstrap__servers="127.0.0.1:9")    # takes its time
    rows = logs.spoiled(logs.rows_of(logs.make(90, 1200)), 5)
    world.replay(logs.write(tmp_path / "log.csv", rows))
    assert status(world)[0] == NOT_SETTLED
    programs = world.run_all()
    assert status(world, "--wait", "60s")[0] == DONE
    agree.everything(world, answer=inference.answer)
    code, text = status(world, "--sums")
    assert code == DONE and text.count("holds") == 2 and "DOES NOT" not in text

    code, text = status(world, "--json", "--sums")
    assert code == DONE and json.loads(text)["settled"] is True

    assert programs[0].stop() == DONE
    world.produce_rows(logs.rows_of(logs.make(91, 100)))
    world.settle("count", "recommend")
    assert status(world, "archive")[0] == NOT_SETTLED
    assert status(world, "count", "rank", "recommend", "--wait", "30s")[0] == DONE
    assert lost.wait() == UNKNOWN


def test_sums_that_do_not_hold(worlds, tmp_path):
    world = worlds(partitions=3)
    world.replay(logs.write(tmp_path / "log.csv", logs.rows_of(logs.make(92, 500))))
    world.run_all("archive", "count")
    world.settle("archive", "count")
    assert status(world, "archive", "count", "--sums", "--wait", "30s")[0] == DONE
    world.mongo["events"].delete_one({})
    code, text = status(world, "archive", "count", "--sums")
    assert code == NOT_SETTLED and text.count("DOES NOT HOLD") == 2


def test_sums_after_a_restart(worlds, tmp_path):
    """What a job sent before it began anew is in the topic, too."""
    world = worlds(partitions=3)
    rows = logs.spoiled(logs.rows_of(logs.make(93, 300)), 5)
    log = logs.write(tmp_path / "log.csv", rows)
    for more in ([], ["--restart"], ["--restart", "--from", "2017-11-24T16:30:00Z"]):
        world.replay(log, *more)
    world.run_all("archive", "count")
    world.settle("archive", "count")
    code, text = status(world, "archive", "count", "--sums", "--wait", "30s")
    assert code == DONE and text.count("holds") == 2, text
