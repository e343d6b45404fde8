#!/usr/bin/env python3
"""Timing: can somebody tell, by how long an answer takes, what exists and is hidden from them from what never was? For a
document by its id, a source by its name, and a word that only hidden documents say: the attacker's AUC over interleaved
calls, where 0.5 is a guess (docs/access.md, rule 9: at most 0.55)."""

import argparse
import json
import os
import random
import time

from machine import cpu, say, table, write
from served import Served

HIDDEN = 300


# The door alone: no model has a part in the time.
ELSEWHERE = {
    "FREEHOLD__UPSTREAMS": '[{ name = "elsewhere", locality = "local", kind = { remote = { base_url = "http://127.0.0.1:9/v1" } }, '
    'models = [{ name = "chat" }, { name = "embedding", kind = "embedding" }] }]',
    "FREEHOLD__MODELS__EMBEDDING": "embedding",
}


def timed(door, method, path, body=None):
    """Seconds, status and content."""
    start = time.perf_counter()
    status, content = door.answer(method, f"/api/v1/{path}", json.dumps(body) if body is not None else None)
    return time.perf_counter() - start, status, content


def fill(admin):
    admin.json("POST", "people", {"user_name": "eve", "display_name": "Eve"})
    for name in ("vault", "wiki"):
        admin.json("POST", "sources", {"name": name, "kind": "push"})
    hidden = []
    for number in range(HIDDEN):
        paper = {"title": f"Hidden {number}", "text": f"canary{number} " * 40, "access": {"allow": []}}
        hidden.append(admin.json("PUT", f"sources/vault/documents/{number}", paper)["id"])
        page = {"title": f"Page {number}", "text": f"page {number} " * 40, "access": {"allow": ["everyone"]}}
        admin.json("PUT", f"sources/wiki/documents/{number}", page)
    while admin.json("GET", "index")["text_epoch"] < 2 * HIDDEN:
        time.sleep(0.1)
    return hidden


def auc(hidden, absent):
    """The share of pairs in which what is hidden took longer, ties counted half; below one half the attacker turns it."""
    order = sorted([(value, 1) for value in hidden] + [(value, 0) for value in absent])
    ranks, place = 0.0, 0
    while place < len(order):
        end = place
        while end < len(order) and order[end][0] == order[place][0]:
            end += 1
        ranks += sum(which for _, which in order[place:end]) * (place + end + 1) / 2
        place = end
    share = (ranks - len(hidden) * (len(hidden) + 1) / 2) / (len(hidden) * len(absent))
    return max(share, 1 - share)


def measure(eve, rounds, kinds):
    rows = []
    for what, call in kinds.items():
        times, bodies = {True: [], False: []}, {True: set(), False: set()}
        for _ in range(rounds):
            for is_hidden in random.sample((True, False), 2):
                seconds, status, content = call(eve, is_hidden)
                times[is_hidden].append(seconds)
                bodies[is_hidden].add((status, len(content)))
        middle = lambda side: sorted(times[side])[rounds // 2] * 1e3
        same = bodies[True] == bodies[False]
        row = {"what": what, "auc": round(auc(times[True], times[False]), 4), "same_length": same}
        rows.append({**row, "hidden_p50_ms": round(middle(True), 4), "absent_p50_ms": round(middle(False), 4)})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="500 calls of each")
    options = parser.parse_args()
    rounds, random_ids = 500 if options.quick else 4_000, random.Random(1)
    with Served("--model", "chat", ready="healthz", environment=ELSEWHERE) as served:
        hidden = fill(served.door())
        eve = served.door(served.key("eve"))
        never = lambda: f"{hidden[0][:16]}{random_ids.getrandbits(80):020x}"
        search = lambda word: {"query": word}
        word = lambda is_hidden: f"canary{random_ids.randrange(HIDDEN)}" if is_hidden else f"canarx{random_ids.randrange(HIDDEN)}"
        narrowed = lambda is_hidden: {"query": "page", "sources": ["vault" if is_hidden else "vaulx"]}
        kinds = {
            "a document by its id": lambda door, is_hidden: timed(
                door, "GET", f"documents/{random_ids.choice(hidden) if is_hidden else never()}"
            ),
            "its text": lambda door, is_hidden: timed(
                door, "GET", f"documents/{random_ids.choice(hidden) if is_hidden else never()}/text"
            ),
            "a word in a search": lambda door, is_hidden: timed(door, "POST", "search", search(word(is_hidden))),
            "a source in a search": lambda door, is_hidden: timed(door, "POST", "search", narrowed(is_hidden)),
        }
        say(f"{rounds} calls of each")
        result = {"cpu": cpu(), "rounds": rounds, "load_before": os.getloadavg()[0], "figures": measure(eve, rounds, kinds)}
    table(result["figures"], ["what", "auc", "same_length", "hidden_p50_ms", "absent_p50_ms"])
    write("timing", result)


if __name__ == "__main__":
    main()
