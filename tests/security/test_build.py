"""Who builds the same sources elsewhere gets the same programs."""
import hashlib
import subprocess

import pytest

from weir import ROOT

PROGRAMS = ("archive", "count", "rank", "recommend", "replay", "infer", "fit", "synth", "status", "reset")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_builds_are_equal(tmp_path):
    first, second = (build(tmp_path / name) for name in ("here", "there/and/elsewhere"))
    assert first.keys() == {f"weir-{name}" for name in PROGRAMS}
    assert first == second


def build(folder):
    """-> {program: its digest}, built with nothing of the folder's name in it."""
    flags = f"-ffile-prefix-map={folder}=/build -ffile-prefix-map={ROOT}=/weir"
    subprocess.run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", folder, f"-DCMAKE_C_FLAGS={flags}"],
                   check=True, capture_output=True)
    subprocess.run(["ninja", "-C", folder, *(f"weir-{name}" for name in PROGRAMS)], check=True,
                   capture_output=True)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("bin/weir-*")}
