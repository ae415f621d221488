"""Settings of the models, chosen on a validation task by its first measure; the weights of the blend are weir-fit's own,
which carves another part from the same rows. Test items are not known here."""
from dataclasses import dataclass, field

import numpy as np

from served import Refused

# Few and coarse on purpose: the validation part is small, too. The first is what weir-fit does unasked.
CANDIDATES = {
    "popular": [{}],
    "transitions": [{}],
    "itemknn": [{}, {"itemknn.decay": 0.8}, {"itemknn.decay": 0.7}, {"itemknn.neighbours": 1000},
                {"itemknn.recent": 50, "itemknn.decay": 0.95}],
    "vmisknn": [{}, {"vmisknn.near": 0}, {"vmisknn.near": 5}, {"vmisknn.recent": 5}, {"vmisknn.recent": 20},
                {"vmisknn.neighbours": 50}, {"vmisknn.sessions": 1000, "vmisknn.neighbours": 300}],
    "ease": [{}, {"ease.recency": 0.95}, {"ease.recency": 0.9}, {"ease.recency": 0.9, "ease.ridge": 100},
             {"ease.recency": 0.9, "ease.ridge": 1000}],
}


@dataclass
class Choice:
    name: str
    kind: str
    settings: dict
    value: float | None = None    # of the validation's first measure
    weights: dict = field(default_factory=dict)    # of a blend's parts


def value_of(task, ranked):
    measure = task.measures[0]
    return float(np.mean([measure.of(items, case.wanted, measure.k) for case, items in zip(task.cases, ranked)]))


def tried(shelf, task, choices):
    """-> those that could be fitted, with what they reached."""
    fitted = []
    for choice in choices:
        try:
            choice.weights = shelf.fit(choice.name, choice.kind, choice.settings)
            fitted.append(choice)
        except Refused as refusal:
            print(f"    {choice.name}: left out: {refusal}", flush=True)
    with shelf.served() as ask:
        for choice in fitted:
            choice.value = value_of(task, ask(choice.name, task))
            print(f"    {choice.name:12} {choice.value:.4f}  {choice.weights or choice.settings or ''}", flush=True)
    return fitted


def best_of(shelf, task, candidates):
    """candidates of one kind. -> the best of them, the first of equals, on the shelf under the kind's name: a list of one,
    or of none."""
    best = sorted(tried(shelf, task, candidates), key=lambda choice: -choice.value)[:1]
    for choice in best:
        shelf.rename(choice.name, choice.kind)
        choice.name = choice.kind
    return best


def single(shelf, task, kind, fixed):
    """fixed: settings that all have."""
    return best_of(shelf, task, [Choice(f"{kind}-{n}", kind, {**fixed, **settings})
                                 for n, settings in enumerate(CANDIDATES[kind])])


def blend(shelf, task, parts, fixed):
    """-> the blend of these choices, which are on the shelf, or of all but one of them."""
    names = [part.name for part in parts]
    mixes = [names] + [[name for name in names if name != less] for less in names if len(names) > 2]
    return best_of(shelf, task, [Choice(f"blend-{n}", "blend", {**fixed, "blend.parts": ",".join(mix)})
                                 for n, mix in enumerate(mixes)])
