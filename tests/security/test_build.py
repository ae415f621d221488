"""Who builds the same sources elsewhere gets the same programs."""
import hashlib
import shutil
import subprocess

import pytest

from weir import ROOT

PROGRAMS = ("archive", "count", "rank", "recommend", "replay", "infer", "fit", "synth", "status", "reset")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_builds_are_equal(tmp_path):
    sources = tmp_path / "sources"
    shutil.copytree(ROOT, sources, ignore=shutil.ignore_patterns(".*", "build*"))
    first, second = (build(sources, tmp_path / name) for name in ("here", "there/and/elsewhere"))
    assert first.keys() == {f"weir-{name}" for name in PROGRAMS}
    assert first == second


def build(sources, folder):
    """-> {program: its digest}, built with nothing of the folder's name in it."""
    flags = f"-ffile-prefix-map={folder}=/build -ffile-prefix-map={sources}=/weir"
    subprocess.run(["cmake", "-G", "Ninja", "-S", sources, "-B", folder, f"-DCMAKE_C_FLAGS={flags}"],
                   check=True, capture_output=True)
    subprocess.run(["ninja", "-C", folder, *(f"weir-{name}" for name in PROGRAMS)], check=True,
                   capture_output=True)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("bin/weir-*")}
