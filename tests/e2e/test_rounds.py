"""weir-recommend alone: cuts of idle partitions while instances die, and stored documents that are not
its own."""
import random
import re
import time

import pytest

import agree
import logs
import oracle
import service as inference
from weir import DONE, REFUSED


def cuts_of(world):
    """-> {partition: [(offset, line)]} of all cuts that the instances logged."""
    found = {}
    for program in world.programs:
        for numbers in re.findall(r"event=cut partition=(\d+) offset=(\d+) line=(\d+)", program.log):
            partition, offset, line = map(int, numbers)
            found.setdefault(partition, set()).add((offset, line))
    return {partition: sorted(cuts) for partition, cuts in found.items()}


@pytest.mark.parametrize("seed", [90, 91])
def test_cuts_while_instances_die(worlds, service, seed):
    """Rows come in bursts, and the pauses between are longer than idle.timeout."""
    rnd, world = random.Random(seed), worlds(partitions=3, idle=150)
    world.create_events()
    members = [world.start("recommend", instance=which, supervised=True, infer__url=service.url)
               for which in range(2)]
    world.begun("recommend")
    lines, bursts = logs.make(seed, 3000, seconds=3600), 20
    for burst in range(bursts):
        part = lines[len(lines) * burst // bursts:len(lines) * (burst + 1) // bursts]
        world.produce_rows(logs.rows_of(part))
        victim = rnd.choice(members)
        pause = rnd.choice((0.05, 0.3, 0.8))
        if victim.process.poll() is None and rnd.random() < 0.5:
            victim.process.kill()
        time.sleep(pause)    # for nothing to happen: the silence itself is what is tested
    world.settle("recommend")
    cuts = cuts_of(world)
    assert sum(map(len, cuts.values())) > 10
    agree.recommendations_are(world, world.rows(), cuts=cuts, answer=inference.answer)


STRANGE = [
    {"v": 2}, {"rev": "1"}, {"rev": 0}, {"history": None}, {"history": [{}]}, {"history": "x"},
    {"history.0.pos": "0:1"}, {"history.0.pos": "-1:1:1"}, {"history.0.time": 5},
    {"history.0.item": ""}, {"history.0.behavior": 5}, {"last": None}, {"last.id": "other"},
    {"last.time": "now"}, {"last.items": [5]}, {"last.items": ["x" * 257]}, {"last.source": "me"},
]


@pytest.fixture
def known(worlds, service):
    """A world whose users have been served once, and that has new rows of all of them."""
    world = worlds(partitions=1)
    world.create_events()
    world.produce_rows(logs.rows_of(logs.make(92, 100, users=["ann"])))
    first = world.run("recommend", infer__url=service.url)
    world.settle("recommend")
    assert first.stop() == DONE
    later = [line._replace(time=line.time + 7200) for line in logs.make(93, 20, users=["ann"])]
    world.produce_rows(logs.rows_of(later))
    return world


def test_strange_documents_are_refused(known, service):
    """Whatever is wrong with a user's document: one line that names it, and nothing is overwritten."""
    users = known.mongo["users"]
    good = users.find_one({"_id": "ann"})
    for change in STRANGE:
        users.update_one({"_id": "ann"}, {"$set": change})
        broken = users.find_one({"_id": "ann"})
        daemon = known.start("recommend", infer__url=service.url)
        assert daemon.wait() == REFUSED, change
        assert "'ann'" in daemon.log and "weir-reset recommend" in daemon.log
        assert users.find_one({"_id": "ann"}) == broken
        users.replace_one({"_id": "ann"}, good)


def test_a_stored_recommendation_stays(known, service):
    """A predecessor stored a recommendation and died: what it showed is taken over, and rewarded."""
    rounds = oracle.rounds(known.rows(), interval=20_000, delay=10_000, lateness=120_000,
                           cuts=cuts_of(known))
    stored = known.documents("recommendations")
    due = next(one for one in rounds if one.id not in stored and one.previous in stored)
    known.mongo["recommendations"].insert_one({
        "_id": due.id, "user": "ann", "time": oracle.date(due.end),
        "history": [row.event["item"] for row in due.history], "items": ["shown"],
        "source": "hot", "previous": due.previous, "previous_reward": oracle.previous_reward(
            due, stored[due.previous]["items"])})
    daemon = known.run("recommend", infer__url=service.url)
    known.settle("recommend")
    assert daemon.metrics()["weir_adopted_total"] == 1
    found = known.documents("recommendations")
    assert found[due.id]["items"] == ["shown"]
    agree.recommendations_are(known, known.rows(), cuts=cuts_of(known))
