"""usage: tests/chaos [--minutes M] [--seed S] [--events N] [--kills K] [--faults kill,pause,...]
                   [--rows-per-record N] [--json FILE]

All of Weir, two instances of each daemon, on a stack of its own: faults on a seeded schedule while a log is
replayed, then the reconciliation with the oracle (R1 to R7, see reconcile.py). Fails on any violation. How
programs and servers meet the schedule differs between runs; what must be stored does not.
"""
import argparse
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import trial
from weir import ROOT, Stack

# libmongoc leaves a file in /dev/shm for every killed process, and warns when its number comes again.
os.environ["MONGOC_DISABLE_SHM"] = "1"
EVENTS_PER_MINUTE = 60_000
PATIENCE_S = 600


def options():
    parser = argparse.ArgumentParser(prog="tests/chaos", usage=__doc__, add_help=True)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--events", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--faults", default=",".join(trial.PER_MINUTE))
    parser.add_argument("--rows-per-record", type=int, default=1)
    parser.add_argument("--json", type=Path, default=ROOT / "build/results/chaos.json")
    asked = parser.parse_args()
    asked.faults = asked.faults.split(",")
    asked.events = asked.events or round(asked.minutes * EVENTS_PER_MINUTE)
    if unknown := set(asked.faults) - trial.PER_MINUTE.keys():
        parser.error(f"no such fault: {unknown}")
    return asked


def counts(asked):
    """-> {fault: how many}"""
    found = {name: max(1, round(trial.PER_MINUTE[name] * asked.minutes)) for name in asked.faults}
    if asked.kills is not None:
        found["kill"] = asked.kills
    return found


def command(asked):
    return (f"tests/chaos --minutes {asked.minutes:g} --seed {asked.seed} --events {asked.events} "
            f"--kills {counts(asked).get('kill', 0)} --faults {','.join(asked.faults)} "
            f"--rows-per-record {asked.rows_per_record}")


def run(asked, stack, folder):
    """-> what is reported"""
    begin = time.monotonic()
    test = trial.Trial(stack, folder, asked.seed, asked.events, asked.minutes * 60, asked.rows_per_record)
    try:
        test.start(on_failure="hot" if "infer" in asked.faults else "wait")
        lanes = test.harm(counts(asked))
        test.finish(PATIENCE_S + asked.minutes * 60)
        streamed = time.monotonic()
        tallies = test.reconcile(exact="infer" not in asked.faults)
        seconds = {"streaming": round(streamed - begin), "reconciling": round(time.monotonic() - streamed)}
        return {**about(asked), "seconds": seconds, "faults": faults(lanes), "programs": programs(test),
                "rules": rules(tallies)}
    finally:
        test.end()


def about(asked):
    return {"date": datetime.now(timezone.utc).isoformat(timespec="seconds"), "seed": asked.seed,
            "command": command(asked), "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "rows": asked.events}


def faults(lanes):
    return {lane.kind: {"injected": lane.injected, "survived": lane.survived,
                        "violations": lane.injected - lane.survived, "failures": lane.failures}
            for lane in lanes}


def programs(test):
    """-> {program: how it ended how often, and what it took}"""
    return {name: {"ends": {str(status): n for status, n in Counter(program.statuses).items()},
                   "killed": program.statuses.count(trial.KILLED),
                   "peak_mib": test.monitor.peak_kib[name] >> 10,
                   "files": max(test.monitor.files[name], default=0)}
            for name, program in test.programs.items()}


def rules(tallies):
    return {rule: {"compared": tally.compared, "violations": tally.violations, "examples": tally.examples}
            for rule, tally in sorted(tallies.items())}


def show(report):
    print(f"\n{'fault':10}{'injected':>10}{'survived':>10}{'violations':>12}")
    for name, one in report["faults"].items():
        print(f"{name:10}{one['injected']:>10}{one['survived']:>10}{one['violations']:>12}")
        indent(one["failures"])
    print(f"\n{'rule':10}{'violations':>10}   compared")
    for name, one in report["rules"].items():
        compared = ", ".join(f"{n} {what}" for what, n in one["compared"].items())
        print(f"{name:10}{one['violations']:>10}   {compared}")
        indent(one["examples"])
    print(f"\n{'program':14}{'killed':>7}{'MiB':>6}{'files':>7}   ends")
    for name, one in report["programs"].items():
        print(f"{name:14}{one['killed']:>7}{one['peak_mib']:>6}{one['files']:>7}   {one['ends']}")
    killed = sum(one["killed"] for one in report["programs"].values())
    events = report["rules"]["R1"]["compared"]["events"]
    print(f"\n{events} events, {killed} killed, {report['violations']} violations, {report['seconds']} s\n"
          f"again: {report['command']}")


def indent(texts):
    for text in texts:
        print("    " + text)


def violations(report):
    return sum(one["violations"] for one in [*report["rules"].values(), *report["faults"].values()])


def main():
    asked = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))    # and all that was started ends
    print(f"again: {command(asked)}", flush=True)
    stack = Stack(Path(os.environ.get("WEIR_STACK", ROOT / ".weir/chaos")))
    try:
        with tempfile.TemporaryDirectory(prefix="weir-chaos-", dir=stack.folder) as folder:
            report = run(asked, stack, Path(folder))
    finally:
        stack.down()
    report["violations"] = violations(report)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(report, indent=1))
    show(report)
    sys.exit(report["violations"] > 0)


main()
