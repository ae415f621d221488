import pytest

import service as inference
from secured import Secured
from weir import World


@pytest.fixture(scope="session")
def secured(tmp_path_factory):
    secured = Secured(tmp_path_factory.mktemp("secured"))
    yield secured
    secured.down()


@pytest.fixture
def guarded(request, secured, numbers, tmp_path):
    """A world whose programs have the rights that deploy/ gives them, and no others."""
    world = World(secured, next(numbers), tmp_path, partitions=2)
    request.node.worlds = [world]
    secured.admit(world)
    yield world
    world.end()


@pytest.fixture
def service():
    service = inference.Service()
    yield service
    service.down()
