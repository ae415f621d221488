import pytest

import service as inference
from stream import Stream


@pytest.fixture
def service():
    service = inference.Service()
    yield service
    service.down()


@pytest.fixture
def servers(stack):
    """The stack, whose servers may be stopped and killed: all run again afterwards."""
    yield stack
    stack.run("up")


@pytest.fixture
def stream(worlds, service, tmp_path):
    """start(seed, ...) -> a Stream in a world of its own; idle in ms."""
    def start(seed, *, idle=4000, **more):
        return Stream(worlds(partitions=3, idle=idle), tmp_path, service.url, seed, **more)
    return start
