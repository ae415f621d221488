"""usage: tests/quality/run [--protocols A,B,C] [--models NAME,...] [--no-choice] [--out DIR]

How good the models are, asked over HTTP (weir-fit, then weir-infer), on public data: A, B and C are explained in
docs/QUALITY.md, which this writes. Settings and the weights of the blend are chosen on a validation split of each
training part; --no-choice takes what weir-fit has unasked. Data sets are fetched by deploy/dataset. The page
holds what was asked and no more: for a part of it name another --out that has a QUALITY.md with its marks.
"""
import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import choose
import metrics
import report
from protocols import PROTOCOLS
from served import Refused, Shelf
from weir import ROOT

MODELS = (*choose.CANDIDATES, "blend")


@dataclass
class Score:
    mean: float
    low: float
    high: float
    samples: np.ndarray


@dataclass
class Result:
    model: str
    choice: choose.Choice
    scores: dict    # measure -> Score
    coverage: float
    novelty: float


@dataclass
class Outcome:
    results: list
    measures: list
    cases: list
    items_n: int
    rows_n: int


def options():
    parser = argparse.ArgumentParser(prog="tests/quality/run", usage=__doc__)
    parser.add_argument("--protocols", default=",".join(PROTOCOLS))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--no-choice", dest="choice", action="store_false")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    asked = parser.parse_args()
    asked.protocols, asked.models = asked.protocols.split(","), asked.models.split(",")
    if not set(asked.protocols) <= set(PROTOCOLS) or not set(asked.models) <= set(MODELS):
        parser.error(f"protocols: {','.join(PROTOCOLS)}; models: {','.join(MODELS)}")
    return asked


def fresh(*names):
    folder = ROOT.joinpath("build/quality", *names)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def score(values, draw):
    samples = draw(values)
    return Score(float(np.mean(values)), *metrics.interval(samples), samples)


def result(choice, task, ranked, draw):
    """choice: what was asked; ranked: its answers to the cases of the task."""
    shown = [items[:task.k] for items in ranked]
    scores = {measure.name: score([measure.of(items, case.wanted, measure.k)
                                   for case, items in zip(task.cases, ranked)], draw) for measure in task.measures}
    owners = task.owners
    return Result(choice.name, choice, scores, metrics.coverage(shown, len(owners)),
                  metrics.novelty(shown, owners, task.users_n))


def measured(task, choices, folder):
    shelf = Shelf(folder, task.rows)
    draw = metrics.resample([case.user for case in task.cases])
    for choice in choices:
        choice.weights = shelf.fit(choice.name, choice.kind, choice.settings)
    with shelf.served() as ask:
        results = [result(choice, task, ask(choice.name, task), draw) for choice in choices]
    return Outcome(results, task.measures, task.cases, len(task.owners), len(task.rows))


def chosen(protocol, models, folder):
    """-> a Choice for each model, from the validation split; the blend is of others but `popular`."""
    task = protocol.validation()
    shelf, choices = Shelf(folder, task.rows), []
    for model in models:
        choices += (choose.single(shelf, task, model, protocol.settings) if model != "blend" else
                    choose.blend(shelf, task, [c for c in choices if c.kind != "popular"], protocol.settings))
    return choices


def unchosen(protocol, models):
    return [choose.Choice(model, model, protocol.settings) for model in models]


def evaluate(letter, asked):
    protocol = PROTOCOLS[letter]
    print(f"{letter}: {protocol.title}", flush=True)
    choices = (chosen(protocol, asked.models, fresh(letter, "validation")) if asked.choice
               else unchosen(protocol, asked.models))
    outcome = measured(protocol.test(), choices, fresh(letter, "test"))
    for one in outcome.results:
        print(f"  {one.model:12}", "  ".join(f"{name} {report.figure(s)}" for name, s in one.scores.items()),
              f" coverage {one.coverage:.3f}  novelty {one.novelty:.2f}", flush=True)
    return outcome


def main():
    asked, outcomes, absent = options(), {}, False
    for letter in asked.protocols:
        try:
            outcomes[letter] = evaluate(letter, asked)
        except FileNotFoundError as problem:
            print(problem, file=sys.stderr)
            absent = True
        except Refused as problem:
            sys.exit(f"tests/quality/run: {problem}")
    if outcomes:
        report.write(asked.out, PROTOCOLS, outcomes)
    sys.exit(1 if absent else 0)


if __name__ == "__main__":
    main()
