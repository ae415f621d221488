"""The inference service is gone, slow, wrong or hostile: every due user gets exactly one document all the same, and it
says where its items come from."""
import pytest

import agree
import logs
import service as inference
from weir import eventually

ROOM_BYTES = 16 << 20    # what an answer may have, and what sockets hold
QUICK = {"infer.timeout": "100ms", "infer.budget": "200ms", "infer.breaker_pause": "100ms"}


@pytest.fixture
def services():
    """make(mode) -> a new Service; all are ended after the test."""
    made = []

    def make(mode):
        made.append(inference.Service())
        made[-1].mode = mode
        return made[-1]

    yield make
    for service in made:
        service.down()


@pytest.fixture
def logged(worlds):
    """make(lines) -> a world whose topic holds them."""
    def make(lines, **rules):
        world = worlds(**{"partitions": 1, **rules})
        world.create_events()
        world.produce_rows(logs.rows_of(lines))
        return world
    return make


def sources(documents):
    return {document["source"] for document in documents.values()}


def settled(world, **more):
    """-> the stored recommendations, after they were found to be exact."""
    world.settle("recommend")
    return agree.recommendations_are(world, world.rows(), **more)


MODES = sorted([*inference.WRONG, "hang", "reset", "torn", "drip", "flood"])


@pytest.mark.parametrize("modes", [MODES[start::4] for start in range(4)], ids=", ".join)
def test_30_a_wrong_answer_is_none(logged, services, modes):
    """Each in a world of its own, side by side; good answers count again afterwards."""
    tried = [(logged(logs.make(46, 60)), services(mode)) for mode in modes]
    recommends = [world.start("recommend", infer__url=service.url, **QUICK) for world, service in tried]
    for (world, service), recommend in zip(tried, recommends):
        assert sources(settled(world)) == {"none"}, service.mode
        assert recommend.total("weir_infer_requests_total") >= len(service.requests) > 0
        assert service.flooded < ROOM_BYTES
        service.mode = "good"
        later = [line._replace(time=line.time + 8000) for line in logs.make(47, 40, users=["new"])]
        world.produce_rows(logs.rows_of(later))
    for world, _ in tried:
        world.settle("recommend")
        assert "model" in sources({id: document for id, document
                                   in world.documents("recommendations").items()
                                   if document["user"] == "new"})


def test_30_down_slow_wrong_then_back(worlds, services):
    """While rows stream in; nothing is skipped, and good answers return."""
    world, service = worlds(partitions=3, idle=4000), services("good")
    world.create_events()
    recommend = world.run("recommend", infer__url=service.url, infer__timeout="150ms",
                          infer__budget="300ms", infer__breaker_pause="200ms")
    lines, done = logs.make(48, 1500), 0

    def more(share):
        nonlocal done
        until = int(len(lines) * share)
        world.produce_rows(logs.rows_of(lines[done:until]))
        before = recommend.total("weir_rows_out_total")
        done = until

        def moved():
            assert recommend.total("weir_rows_out_total") > before
        eventually(moved)

    more(0.2)
    for share, mode in ((0.35, "error"), (0.5, "slow"), (0.65, "nan")):
        service.mode = mode
        more(share)
    service.down()
    more(0.8)
    service.mode = "good"
    service.up()
    more(1)
    documents = settled(world)
    assert {"model", "none"} <= sources(documents)
    newest = sorted(documents.values(), key=lambda doc: doc["time"])[-10:]
    assert {doc["source"] for doc in newest} == {"model"}


def test_30_on_failure_wait(logged, services):
    """As configured: nothing is stored until the service answers."""
    service = services("error")
    world = logged(logs.make(49, 500), partitions=3)
    world.run("recommend", infer__url=service.url, infer__breaker_pause="100ms",
              recommend__on_failure="wait")
    eventually(lambda: asked(service, 3))
    assert world.mongo["recommendations"].count_documents({}) == 0
    service.mode = "good"
    assert sources(settled(world, answer=inference.answer)) == {"model"}


def asked(service, n):
    assert len(service.requests) >= n


def test_31_a_late_answer_is_nobodys(logged, services):
    """Every other answer comes when its request is given up, on a connection that would stay open."""
    service = services("late")
    world = logged(logs.make(331, 300), partitions=3)
    recommend = world.run("recommend", infer__url=service.url, infer__connections=2, infer__batch=4,
                          infer__breaker_failures=1000, **QUICK)
    documents = settled(world)
    own = [document for document in documents.values() if document["source"] == "model"]
    assert len(own) > 50 and sources(documents) <= {"model", "none"}
    for document in own:
        assert document["items"] == inference.answer(document["user"], document["history"])
    assert recommend.metrics()['weir_infer_requests_total{status="timeout"}'] > 10
