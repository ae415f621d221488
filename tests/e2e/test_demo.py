"""deploy/demo from end to end, as a user runs it, on the servers of the tests."""
import os
import re
import subprocess

import pytest

from weir import BIN, ROOT

HEADINGS = ("Popular items", "Users and what they were shown", "The first model, and the second one", "Counters",
            "Every row is accounted for")


@pytest.fixture
def demo(stack, tmp_path):
    """demo(*arguments) -> what it said; its end is a success."""
    environment = {**os.environ, "WEIR_BIN": str(BIN), "WEIR_KAFKA": stack.kafka, "WEIR_REDIS": stack.redis,
                   "WEIR_MONGO": stack.mongo}
    environment.pop("WEIR_INFER", None)

    def run(*arguments):
        done = subprocess.run([ROOT / "deploy/demo", "--dir", tmp_path / "demo", *arguments], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        assert all(f"\n{heading}" in done.stdout for heading in HEADINGS), done.stdout
        assert done.stdout.count(": holds") == 2
        return done.stdout
    return run


def gains(said):
    """-> NDCG@10 of the first model and of the second one."""
    return tuple(float(re.search(rf"\n{name} .* NDCG@10 (\S+)  HR@10 \S+\n", said)[1]) for name in ("in service", "refitted"))


def test_the_demo_shows_how_good_its_models_are(demo, tmp_path):
    log = tmp_path / "log.csv"
    subprocess.run([BIN / "weir-synth", "--rows", "20000", "--rate", "20", "-o", "synth.session.gap=10", "--out", log],
                   check=True, capture_output=True)
    said = demo(log)
    first, second = gains(said)
    assert first > 0 and second > 0
    assert ("version 2 is in service" if second > first * 1.01 else "version 1 stays in service") in said


def test_movielens_shows_titles(demo):
    try:
        subprocess.run([ROOT / "deploy/dataset", "movielens"], check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        print("*** THE DATA SET movielens IS ABSENT ***")
        pytest.skip("no movielens")
    said = demo("--movielens")
    first, second = gains(said)
    assert 0.05 < first < second and "version 2 is in service" in said
    assert re.search(r"\n +1\. .*#  Titanic\n", said) and "Silence of the Lambs, The" in " ".join(said.split())
    assert "rows read 100,000 = 100,000 archived + 0 bad: holds" in said
