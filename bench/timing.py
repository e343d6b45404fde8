#!/usr/bin/env python3
"""Timing: can somebody tell, by how long an answer takes, what exists and is hidden from them from what never was? For a
document by its id, a source by its name, and a word that only hidden documents say: the attacker's AUC over interleaved
calls, where 0.5 is a guess (ACCESS.md, rule 9: at most 0.55)."""

import argparse
import http.client
import json
import os
import random
import subprocess
import tempfile
import time

from machine import Process, cpu, free_port, freehold_binary, say, table, wait_for, write

HIDDEN = 300


def server(folder, port):
    elsewhere = (
        '[{ name = "elsewhere", locality = "local", kind = { remote = { base_url = "http://127.0.0.1:9/v1" } }, '
        'models = [{ name = "chat" }, { name = "embedding", kind = "embedding" }] }]'
    )
    environment = {**os.environ, "FREEHOLD__UPSTREAMS": elsewhere, "FREEHOLD__MODELS__EMBEDDING": "embedding"}
    command = [freehold_binary(), "serve", "--data", f"{folder}/data", "--model", "chat", "--listen", f"127.0.0.1:{port}"]
    process = Process(command, f"{folder}/log", env=environment)
    wait_for(f"http://127.0.0.1:{port}/healthz", process)
    return process


def key(folder, person):
    made = [freehold_binary(), "--json", "keys", "create", "--data", f"{folder}/data", "--person", person]
    return json.loads(subprocess.run(made, check=True, capture_output=True).stdout)["key"]


class Door:
    def __init__(self, port, bearer):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        start = time.perf_counter()
        self.connection.request(method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return time.perf_counter() - start, answer.status, content


def fill(admin):
    admin.call("POST", "people", {"user_name": "eve", "display_name": "Eve"})
    for name in ("vault", "wiki"):
        admin.call("POST", "sources", {"name": name, "kind": "push"})
    hidden = []
    for number in range(HIDDEN):
        paper = {"title": f"Hidden {number}", "text": f"canary{number} " * 40, "access": {"allow": []}}
        hidden.append(json.loads(admin.call("PUT", f"sources/vault/documents/{number}", paper)[2])["id"])
        page = {"title": f"Page {number}", "text": f"page {number} " * 40, "access": {"allow": ["everyone"]}}
        admin.call("PUT", f"sources/wiki/documents/{number}", page)
    while json.loads(admin.call("GET", "index")[2])["text_epoch"] < 2 * HIDDEN:
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
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = server(folder, port)
        try:
            admin = Door(port, key(folder, "admin"))
            hidden = fill(admin)
            eve = Door(port, key(folder, "eve"))
            never = lambda: f"{hidden[0][:16]}{random_ids.getrandbits(80):020x}"
            search = lambda word: {"query": word}
            word = lambda is_hidden: f"canary{random_ids.randrange(HIDDEN)}" if is_hidden else f"canarx{random_ids.randrange(HIDDEN)}"
            narrowed = lambda is_hidden: {"query": "page", "sources": ["vault" if is_hidden else "vaulx"]}
            kinds = {
                "a document by its id": lambda door, is_hidden: door.call(
                    "GET", f"documents/{random_ids.choice(hidden) if is_hidden else never()}"
                ),
                "its text": lambda door, is_hidden: door.call(
                    "GET", f"documents/{random_ids.choice(hidden) if is_hidden else never()}/text"
                ),
                "a word in a search": lambda door, is_hidden: door.call("POST", "search", search(word(is_hidden))),
                "a source in a search": lambda door, is_hidden: door.call("POST", "search", narrowed(is_hidden)),
            }
            say(f"{rounds} calls of each")
            result = {"cpu": cpu(), "rounds": rounds, "load_before": os.getloadavg()[0], "figures": measure(eve, rounds, kinds)}
        finally:
            process.stop()
    table(result["figures"], ["what", "auc", "same_length", "hidden_p50_ms", "absent_p50_ms"])
    write("timing", result)


if __name__ == "__main__":
    main()
