"""Fixtures: a stack of real servers for every worker, and fresh worlds for every test."""
import os
import secrets
from itertools import count
from pathlib import Path

import pytest

import service as inference
from weir import ROOT, Stack, World

# libmongoc leaves a file in /dev/shm for every killed process, and warns when its number comes again.
os.environ["MONGOC_DISABLE_SHM"] = "1"
TEST_TIMEOUT_S = 180
LOG_TAIL_LINES = 25


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_TIMEOUT_S))


@pytest.fixture(scope="session")
def stack(worker_id):
    home = os.environ.get("WEIR_STACK", ROOT / ".weir/test")
    stack = Stack(Path(f"{home}-{worker_id}"))
    yield stack
    stack.down()


@pytest.fixture(scope="session")
def numbers():
    session = secrets.token_hex(3)
    return (f"e2e-{session}-{n}" for n in count())


@pytest.fixture
def worlds(request, stack, numbers, tmp_path):
    """make(**rules) -> a new World; all are ended after the test."""
    made = request.node.worlds = []

    def make(**rules):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(World(stack, next(numbers), folder, **rules))
        return made[-1]

    yield make
    for world in made:
        world.end()


@pytest.fixture
def world(worlds):
    return worlds()


@pytest.fixture
def service():
    service = inference.Service()
    yield service
    service.down()


@pytest.fixture(scope="session")
def real_logs():
    """The folder of the real logs; its tests are skipped, loudly, where it is absent."""
    folder = Path(os.environ.get("WEIR_DATA", ROOT.parent / "shared/data"))
    if not (folder / "weblog.csv.gz").exists():
        print(f"\n*** REAL LOGS ARE ABSENT: no {folder}/weblog.csv.gz; name a folder in WEIR_DATA")
        pytest.skip(f"no real logs in {folder}")
    return folder


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows how its programs ended and what they said last."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for program in [p for world in getattr(item, "worlds", ()) for p in world.programs]:
            state = "runs" if program.running else f"ended: {program.statuses}"
            tail = "\n".join(program.log.splitlines()[-LOG_TAIL_LINES:])
            report.sections.append((f"{program.log_path.stem} ({state})", tail))
