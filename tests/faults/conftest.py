import signal
import subprocess
from contextlib import suppress

import pytest

from stream import Stream


@pytest.fixture
def servers(stack):
    """The stack, whose servers may be stopped and killed: all run again afterwards."""
    yield stack
    for name in ("kafka", "mongo", "redis"):
        with suppress(OSError):    # it may be gone
            stack.signal(name, signal.SIGCONT)
    stack.run("up")


@pytest.fixture
def stream(worlds, service, tmp_path):
    """start(seed, ...) -> a Stream in a world of its own; idle in ms."""
    def start(seed, *, idle=4000, **more):
        return Stream(worlds(partitions=3, idle=idle), tmp_path, service.url, seed, **more)
    return start


class Disk:
    """A small one, that can be full."""

    def __init__(self, folder):
        self.folder, self.ballast = folder, folder / "ballast"

    def fill(self):
        with suppress(OSError), open(self.ballast, "wb", buffering=0) as out:
            while out.write(bytes(4096)):
                pass

    def free(self):
        self.ballast.unlink()


@pytest.fixture
def disk(tmp_path):
    """make(MiB) -> a Disk. To mount one takes a right that not everybody has."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def make(size_mib):
        options = f"size={size_mib}m"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]).returncode:
            print("\n*** NO SMALL DISKS: we may not mount any")
            pytest.skip("we may not mount a small disk")
        return Disk(folder)

    yield make
    subprocess.run(["umount", "--lazy", folder], stderr=subprocess.DEVNULL)
