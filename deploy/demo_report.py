"""What a user wants to see at the end of the demo: the ranking, some users with their recommendations, how good the models
are, the counters of every daemon, and the two sums. Exit status 0 if the sums hold.

usage: demo_report.py DIR    (the directory of deploy/demo)
"""
import configparser
import json
import os
import re
import subprocess
import sys
import textwrap
import urllib.request
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pymongo
import redis

BIN = Path(os.environ.get("WEIR_BIN", Path(__file__).resolve().parent.parent / "build/bin")).resolve()
TOP, USERS, WIDTH = 10, 5, 110
BAR = 40


def settings(folder, program):
    conf = configparser.ConfigParser(interpolation=None, delimiters=["="], comment_prefixes=["#"])
    conf.read(folder / f"conf/{program}.conf")
    return conf


def clock(when):
    return when.strftime("%Y-%m-%d %H:%M:%S")


def clock_ms(ms):
    return clock(datetime.fromtimestamp(int(ms) / 1000, timezone.utc))


def heading(text):
    print(f"\n{text}\n{'-' * len(text)}")


def wrapped(label, text):
    print(textwrap.fill(f"{label:12}{text}", WIDTH, subsequent_indent=" " * 12))


def titles_of(folder):
    """-> what an item is called: its title, where there is one."""
    file = folder / "titles"
    lines = file.read_text().splitlines() if file.exists() else []
    titles = dict(line.split("\t", 1) for line in lines)
    return lambda item: titles.get(item, item)


def show_ranking(conf, title):
    host, port = conf["redis"]["address"].rsplit(":", 1)
    key = conf["redis"]["key"]
    window = redis.Redis(host, int(port), decode_responses=True).hgetall(key)
    heading("Popular items, newest window (Redis)")
    print(f"{clock_ms(window['window_start'])} to {clock_ms(window['window_end'])} UTC, "
          f"{int(window['events']):,} events, version {window['version']}: HGETALL '{key}'")
    ranking = json.loads(window["ranking"])
    for place, (item, count) in enumerate(ranking[:TOP], 1):
        bar = "#" * max(1, BAR * count // max(1, ranking[0][1]))
        print(f"{place:4}. {count:>9,}  {bar:{BAR}}  {title(item)}")
    print(f"      ... {len(ranking)} items in all")


def show_user(database, user, title):
    document = database.recommendations.find_one({"_id": user["last"]["id"]})
    n = database.recommendations.count_documents({"user": user["_id"]})
    print(f"user {user['_id']}, {n} recommendations, the last at {clock(user['last']['time'])}")
    history = [row["item"] for row in user["history"]]
    if any(title(item) != item for item in history):
        wrapped("    history", "; ".join(map(title, history)))
        wrapped("    shown", "; ".join(map(title, document["items"])) + f"   ({document['source']})")
    else:
        wrapped("    history", " ".join(f"{row['item']}:{row['behavior']}" for row in user["history"]))
        wrapped("    shown", " ".join(document["items"]) + f"   ({document['source']})")


def show_users(conf, title):
    mongo = pymongo.MongoClient(conf["mongo"]["uri"])
    database = mongo[conf["mongo"]["database"]]
    heading("Users and what they were shown last (MongoDB)")
    newest = [("last.time", pymongo.DESCENDING), ("_id", pymongo.ASCENDING)]
    for user in database.users.find().sort(newest).limit(USERS):
        show_user(database, user, title)
    sources = database.recommendations.aggregate(
        [{"$group": {"_id": "$source", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}])
    print("recommendations by source:", ", ".join(f"{s['_id']} {s['n']:,}" for s in sources))


def metrics(log):
    port = re.search(r"http_port=(\d+)", log.read_text())[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        for line in reply.read().decode().splitlines():
            if found := re.match(r"weir_(\w+_total|resident_memory_bytes)(\{.*\})? (\S+)$", line):
                yield found[1].removesuffix("_total") + (found[2] or ""), float(found[3])


def show_counters(folder):
    heading("Counters (GET /metrics of every daemon, instances added up)")
    counters = {}
    for log in sorted(folder.glob("run/*/log")):
        counters.setdefault(log.parent.name.rsplit("-", 1)[0], Counter()).update(dict(metrics(log)))
    for daemon, values in counters.items():
        memory = values.pop("resident_memory_bytes", 0) / 2**20
        text = "  ".join(f"{name} {int(n):,}" for name, n in sorted(values.items()) if n)
        wrapped(daemon, f"{text}  ({memory:.0f} MiB)")


def show_models(folder):
    """What deploy/retrain has said."""
    log = folder / "retrain.log"
    if not log.exists():
        return
    heading("The first model, and the second one, on what neither has learned from (deploy/retrain)")
    for line in log.read_text().splitlines():
        print(line.removeprefix("retrain: "))


def number(n):
    return "unknown" if n is None else f"{n:,}"


def verdict(holds):
    return {True: "holds", False: "DOES NOT HOLD", None: "is not known"}[holds]


def show_sums(folder):
    command = [BIN / "weir-status", "-c", folder / "conf/status.conf", "--sums", "--json"]
    sums = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout)["sums"]
    read = None if sums["sent"] is None else sums["sent"] + sums["rejected"]
    bad = sums["dead"] + (sums["rejected"] or 0)
    heading("Every row is accounted for")
    print(f"rows read {number(read)} = {sums['archived']:,} archived + {bad:,} bad: "
          f"{verdict(sums['rows_hold'])}")
    print(f"archived {sums['archived']:,} = {number(sums['counted'])} counted + {sums['late']:,} late: "
          f"{verdict(sums['events_hold'])}")
    return sums["rows_hold"] is True and sums["events_hold"] is True


def main():
    folder = Path(sys.argv[1])
    title = titles_of(folder)
    show_ranking(settings(folder, "rank"), title)
    show_users(settings(folder, "recommend"), title)
    show_models(folder)
    show_counters(folder)
    sys.exit(0 if show_sums(folder) else 1)


main()
