"""Settings of the models and weights of the blend, chosen on a validation task by its first measure. Test items are not
known here."""
from typing import NamedTuple

import numpy as np

from served import Refused

# Few and coarse on purpose: the validation part is small, too. The first is what weir-fit does unasked.
CANDIDATES = {
    "popular": [{}],
    "transitions": [{}],
    "itemknn": [{}],
    "vmisknn": [{}],
    "ease": [{}],
}
WEIGHTS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1)    # of a further part beside the best, which has 1


class Choice(NamedTuple):
    name: str
    kind: str
    settings: dict
    value: float    # of the validation's first measure


def value_of(task, ranked):
    measure = task.measures[0]
    return float(np.mean([measure.of(items, case.wanted, measure.k) for case, items in zip(task.cases, ranked)]))


def tried(shelf, task, candidates):
    """candidates: (name, kind, settings). -> a Choice for each that could be fitted, with what it reached."""
    fitted = []
    for name, kind, settings in candidates:
        try:
            shelf.fit(name, kind, settings)
            fitted.append((name, kind, settings))
        except Refused as refusal:
            print(f"    {name}: left out: {refusal}", flush=True)
    with shelf.served() as ask:
        choices = [Choice(*one, value_of(task, ask(one[0], task))) for one in fitted]
    for choice in choices:
        print(f"    {choice.name:16} {choice.value:.4f}  {choice.settings or ''}", flush=True)
    return choices


def singles(shelf, task, kinds):
    """-> for each kind its best Choice, the first of equals."""
    choices = tried(shelf, task, [(f"{kind}-{n}", kind, settings) for kind in kinds
                                  for n, settings in enumerate(CANDIDATES[kind])])
    return {kind: max((c for c in choices if c.kind == kind), key=lambda choice: choice.value)
            for kind in kinds if any(c.kind == kind for c in choices)}
