import pytest

import service as inference
from secured import Secured
from weir import World


@pytest.fixture(scope="session")
def secured(tmp_path_factory):
    secured = Secured(tmp_path_factory.mktemp("secured"))
    yield secured
    secured.down()


@pytest.fixture(scope="session")
def guarded(secured, numbers, tmp_path_factory):
    """A world in which programs have the rights that deploy/ gives them; for tests in which nothing happens, since
    nobody is let in."""
    world = World(secured, next(numbers), tmp_path_factory.mktemp("guarded"), partitions=2)
    secured.admit(world)
    yield world
    world.end()


@pytest.fixture
def own(request, secured, numbers, tmp_path):
    """The same for one test alone."""
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
