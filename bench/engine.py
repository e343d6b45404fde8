#!/usr/bin/env python3
"""The engine beside llama.cpp's own server (the wheel `xllamacpp`): the same weights, threads and slots.

Each round sends N requests at once that share a prompt prefix of about 400 tokens and end in a question of their own. In a
`cold` round the prefix is new, in a `warm` one it was sent before. Every answer has the same length. Both servers are up
during the whole run and take turns, round by round; figures are medians of the rounds.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path

from machine import CACHE, cpu, freehold_binary, PEERS, Process, say, table, venv, write

XLLAMACPP = "xllamacpp==2026.10.11549"
MODELS = {
    "smollm2-135m-instruct-q4_1": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "qwen2.5-coder-1.5b-instruct-q4_k_m": None,
}
SLOTS, CONTEXT, ANSWER_TOKENS = 8, 2048, 48

PEER = """
import json, sys, time
import xllamacpp as x
model, threads, slots, context = sys.argv[1], *map(int, sys.argv[2:])
params = x.CommonParams()
params.model.path = model
params.n_ctx = slots * context
params.n_parallel = slots
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
server = x.Server(params)
print("LISTENING", server.listening_address, flush=True)
time.sleep(1e9)
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=600)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(600)
        self.sock.connect(self.path)


class Freehold:
    name = "freehold"

    def __init__(self, folder, model, threads):
        self.socket = f"{folder}/engine.sock"
        binary = freehold_binary()
        command = [binary, "engine", "--model", str(model), "--socket", self.socket, "--slots", str(SLOTS)]
        command += ["--context", str(CONTEXT), "--threads", str(threads)]
        # The engine ends when its parent's end of the pipe closes: keep it open.
        self.process = Process(["sh", "-c", 'sleep 1000000 | "$@"', "engine", *command], f"{folder}/freehold.log")
        self.ready()

    def connection(self):
        return UnixConnection(self.socket)

    def body(self, messages):
        return {"model": "m", "messages": messages, "engine": {"labels": ["bench"] * len(messages), "preamble_label": "bench", "ignore_eos": True}}

    def ready(self):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                connection = self.connection()
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit(f"the engine is not ready; its log: {self.process.log.name}")


class LlamaCpp:
    name = "llama.cpp server"

    def __init__(self, folder, model, threads):
        python = venv("xllamacpp", XLLAMACPP)
        log = f"{folder}/xllamacpp.log"
        self.process = Process([str(python), "-c", PEER, str(model), str(threads), str(SLOTS), str(CONTEXT)], log)
        deadline = time.monotonic() + 120
        self.address = None
        while self.address is None and time.monotonic() < deadline:
            lines = Path(log).read_text(errors="replace").splitlines()
            found = [line.split(None, 1)[1] for line in lines if line.startswith("LISTENING")]
            self.address = found[0].removeprefix("http://") if found else None
            time.sleep(0.2)
        if self.address is None:
            raise SystemExit(f"llama.cpp's server is not ready; its log: {log}")

    def connection(self):
        return http.client.HTTPConnection(self.address, timeout=600)

    def body(self, messages):
        return {"messages": messages, "ignore_eos": True, "cache_prompt": True}


def prefix(seed):
    """About 400 tokens that no other seed begins with."""
    facts = [f"Rule {seed}-{number}: entry {number * 7 + seed} of the ledger belongs to room {number * 3}." for number in range(20)]
    return " ".join(facts)


def ask(server, system, question, results, at):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    body = {**server.body(messages), "max_tokens": ANSWER_TOKENS, "temperature": 0, "stream": True, "stream_options": {"include_usage": True}}
    started, first, usage = time.monotonic(), None, None
    connection = server.connection()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise SystemExit(f"{server.name}: {response.status} {response.read()[:300]}")
    for line in response:
        if line.startswith(b"data: {"):
            chunk = json.loads(line[6:])
            if first is None and chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                first = time.monotonic() - started
            usage = chunk.get("usage") or usage
    results[at] = (first, time.monotonic() - started, usage)
    connection.close()


def one_round(server, streams, system, tag):
    results = [None] * streams
    questions = [f"Question {tag}-{number}: what is in room {number * 3}?" for number in range(streams)]
    threads = [threading.Thread(target=ask, args=(server, system, question, results, at)) for at, question in enumerate(questions)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.monotonic() - started
    generated = sum(usage["completion_tokens"] for _, _, usage in results)
    return {
        "tokens_per_second": generated / wall, "first_token_ms": statistics.median(first for first, _, _ in results) * 1e3,
        "prompt_tokens": results[0][2]["prompt_tokens"],
    }


def measure(servers, streams, rounds):
    measured = {(server.name, kind): [] for server in servers for kind in ("cold", "warm")}
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            system = prefix(streams * 1000 + number)
            measured[server.name, "cold"].append(one_round(server, streams, system, f"a{number}"))
            measured[server.name, "warm"].append(one_round(server, streams, system, f"b{number}"))
    rows = []
    for (name, kind), results in measured.items():
        row = {"server": name, "prefix": kind, "streams": streams}
        for figure in results[0]:
            row[figure] = statistics.median(result[figure] for result in results)
        rows.append(row)
    return rows


def model_file(name):
    folder = Path(os.environ.get("FREEHOLD__MODELS__DIR", CACHE / "models")) / name
    found = next(folder.glob("*.gguf"), None)
    if found is None:
        raise SystemExit(f"{name} is not installed: freehold models pull {name}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="SmolLM2 alone, two rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--model", action="append", help="instead of the two default models; may repeat")
    options = parser.parse_args()
    names = options.model or (list(MODELS)[:1] if options.quick else list(MODELS))
    rounds = 2 if options.quick else options.rounds
    result = {"cpu": cpu(), "versions": {"xllamacpp": XLLAMACPP}, "threads": options.threads, "rounds": rounds, "rows": []}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            servers = []
            try:
                for kind in (Freehold, LlamaCpp):
                    servers.append(kind(folder, model_file(name), options.threads))
                for streams in (1, 4, 8):
                    say(f"{name}, {streams} streams")
                    rows = measure(servers, streams, rounds)
                    result["rows"] += [{"model": name, **row} for row in rows]
            finally:
                for server in servers:
                    server.process.stop()
    print(json.dumps(result["cpu"]), json.dumps(result["versions"]))
    table(result["rows"], ["model", "server", "prefix", "streams", "prompt_tokens", "tokens_per_second", "first_token_ms"])
    write("engine", result)


if __name__ == "__main__":
    main()
