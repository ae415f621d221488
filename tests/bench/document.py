"""Puts the results into docs/PERFORMANCE.md, each between its two marks."""
import json
import re

from measure import Figure, table
from weir import BIN, ROOT

PAGE, RESULTS = ROOT / "docs/PERFORMANCE.md", BIN.parent / "results"


def figure_of(said):
    figure = Figure(said["name"], said["unit"], said["values"], said["floor"])
    figure.most, figure.least = said["most"], said["least"]
    return figure


def section(name, text):
    """-> what stands between the marks of a bench: its results, or what stood there before."""
    path = RESULTS / f"bench-{name}.json"
    if not path.exists():
        return text
    said = json.loads(path.read_text())
    about = (f"{said['rows']:,} rows, {said['times']} runs of each side, {said['seconds']} s, commit {said['commit']}, "
             f"{said['cores']} cores of {said['cpu']}, load {said['load']:.1f} at the end.")
    return f"\n    ./tests/bench/run {name} --times {said['times']} --rows {said['rows']}\n\n{about}\n\n" + table(
        [figure_of(figure) for figure in said["figures"]]) + "\n"


def document():
    mark = re.compile(r"(<!-- bench ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.S)
    PAGE.write_text(mark.sub(lambda m: m[1] + section(m[2], m[3]) + m[4], PAGE.read_text()))
