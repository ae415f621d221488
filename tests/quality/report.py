"""What was measured, as tables of docs/QUALITY.md and a picture for each protocol."""
import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot    # noqa: E402  (the backend is chosen first)

BEGIN, END = "<!-- tests/quality/run writes from here -->", "<!-- to here -->"
COLUMNS = {"A": ("HR@10", "NDCG@10", "MRR"), "B": ("HR@20", "MRR@20"), "C": ("NDCG@10",)}


def figure(score):
    return f"{score.mean:.3f} ({score.low:.3f}-{score.high:.3f})"


def row(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def table(head, rows):
    return "\n".join([row(*head), row("---", *["---:"] * (len(head) - 1)), *(row(*cells) for cells in rows)])


def overview(outcomes):
    """One line for each model, one column for each measure of each protocol."""
    columns = [(letter, name) for letter in outcomes for name in COLUMNS[letter]]
    models = list(dict.fromkeys(result.model for outcome in outcomes.values() for result in outcome.results))
    cells = {(result.model, letter, name): f"{score.mean:.3f}" for letter, outcome in outcomes.items()
             for result in outcome.results for name, score in result.scores.items()}
    best = {(letter, name): max(float(text) for (_, *at), text in cells.items() if at == [letter, name])
            for letter, name in columns}

    def cell(model, letter, name):
        text = cells.get((model, letter, name), "-")
        return f"**{text}**" if text != "-" and float(text) == best[letter, name] else text
    return table(["model", *(f"{letter}: {name}" for letter, name in columns)],
                 [[f"`{model}`", *(cell(model, *at) for at in columns)] for model in models])


def settings_of(choice):
    if choice.weights:
        return ", ".join(f"{weight:g} x `{part}`" for part, weight in choice.weights.items())
    own = {key: value for key, value in choice.settings.items() if key.startswith(f"{choice.kind}.")}
    return ", ".join(f"{key} = {value}" for key, value in own.items()) or "as weir-fit has them"


def details(letter, protocol, outcome):
    names = COLUMNS[letter]
    reference = protocol.reference

    def aim(model):
        return " / ".join(f"{reference[model][name]:.3f}" for name in names if name in reference[model]) \
            if model in reference else "-"
    rows = [[f"`{r.model}`", *(figure(r.scores[name]) for name in names), aim(r.model), f"{r.coverage:.3f}",
             f"{r.novelty:.2f}"] for r in outcome.results]
    rows += [[model, *["-"] * len(names), aim(model), "-", "-"] for model in reference
             if model not in {r.model for r in outcome.results}]
    return "\n".join([
        f"## {letter}: {protocol.title}", "", protocol.text,
        f"{len(outcome.cases)} questions, {outcome.items_n:,} items, {outcome.rows_n:,} rows of training.", "",
        f"![{letter}](quality-{letter}.png)", "",
        table(["model", *names, "prototype: " + " / ".join(names), "coverage", "novelty"], rows), "",
        *verdict(outcome), "",
        table(["model", "settings, chosen on the validation part", f"validation {outcome.measures[0].name}"],
              [[f"`{r.model}`", settings_of(r.choice), f"{r.choice.value:.4f}" if r.choice.value else "-"]
               for r in outcome.results]), ""])


def verdict(outcome):
    """`blend` against the best of the others, on the same samples."""
    blend = next((r for r in outcome.results if r.model == "blend"), None)
    if not blend:
        return
    if len(blend.choice.weights) == 1:
        yield f"- `blend` is `{next(iter(blend.choice.weights))}` alone: no other part has helped on the validation part."
        return
    for measure in outcome.measures:
        best = max((r for r in outcome.results if r is not blend), key=lambda r: r.scores[measure.name].mean)
        gain = blend.scores[measure.name].samples - best.scores[measure.name].samples
        low, high = np.quantile(gain, [.025, .975])
        yield (f"- {measure.name}: `blend` less `{best.model}`, the best of the others: {gain.mean():+.3f} "
               f"({low:+.3f} to {high:+.3f}), above 0 in {np.mean(gain > 0):.0%} of the samples.")


def picture(letter, protocol, outcome, path):
    names = COLUMNS[letter]
    models = [result.model for result in outcome.results]
    places = np.arange(len(models))
    drawing, axes = pyplot.subplots(1, len(names), figsize=(3.6 * len(names) + 1.2, 0.42 * len(models) + 1.4),
                                    sharey=True, squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], names):
        scores = [result.scores[name] for result in outcome.results]
        means = np.array([score.mean for score in scores])
        spread = np.abs(np.array([(score.low, score.high) for score in scores]).T - means)
        axis.barh(places, means, xerr=spread, color="#7aa6c2", ecolor="#33424c", capsize=2, height=0.7)
        aims = [(at, protocol.reference[model][name]) for at, model in enumerate(models)
                if name in protocol.reference.get(model, {})]
        axis.plot([aim for _, aim in aims], [at for at, _ in aims], "D", color="#c0392b", markersize=4,
                  label="prototype")
        axis.set_title(name)
        axis.set_yticks(places, models)
        axis.grid(axis="x", alpha=0.3)
    axes[0][0].invert_yaxis()
    drawing.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower right", fontsize="small")
    drawing.suptitle(f"{letter}: {protocol.title} (95 % intervals)", fontsize="medium")
    drawing.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(drawing)


def write(folder, protocols, outcomes):
    """Replaces what is between the marks of QUALITY.md, and the pictures beside it."""
    page = folder / "QUALITY.md"
    head, _, rest = page.read_text().partition(BEGIN)
    tail = rest.partition(END)[2]
    parts = [BEGIN, "", overview(outcomes), ""]
    for letter, outcome in outcomes.items():
        parts.append(details(letter, protocols[letter], outcome))
        picture(letter, protocols[letter], outcome, folder / f"quality-{letter}.png")
    page.write_text(head + "\n".join([*parts, END]) + tail)
