#!/usr/bin/env python3
"""The door beside its peers: requests a second, latency, CPU and memory, in front of an upstream that costs nothing.

Freehold runs with authentication, limits and full capture on, every trace durable (fdatasync) before the last byte;
a second Freehold runs with capture `none`. LiteLLM checks its master key and keeps nothing; Portkey's gateway checks and
keeps nothing; nginx is the floor of what one more hop costs. Upstream, gateway and load share this machine's cores.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from machine import CACHE, cpu, free_port, freehold_binary, PEERS, Process, ROOT, say, table, venv, wait_for, write

LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = "@portkey-ai/gateway@1.15.2"
WORDS = "The quick brown fox jumps over the lazy dog, and the ledger balances. " * 4
UPSTREAMS = {"instant": (0, False), "20 ms": (20, False), "instant, stream": (0, True), "20 ms, stream": (20, True)}


def reply():
    message = {"role": "assistant", "content": WORDS}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 20, "completion_tokens": 60, "total_tokens": 80}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "mock", "choices": [choice], "usage": usage})


def frames():
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock"}
    delta = lambda delta, reason=None: [{"index": 0, "delta": delta, "finish_reason": reason}]
    chunks = [{**base, "choices": delta({"role": "assistant", "content": ""})}]
    chunks += [{**base, "choices": delta({"content": word + " "})} for word in WORDS.split()]
    chunks.append({**base, "choices": delta({}, "stop")})
    usage = {"prompt_tokens": 20, "completion_tokens": 60, "total_tokens": 80}
    chunks.append({**base, "choices": [], "usage": usage})
    return [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]


def quoted(text):
    """As an argument in nginx's configuration."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "") + "'"


def upstream_server(port, delay_ms, streams):
    sleep = f"echo_sleep {delay_ms / 1000};" if delay_ms else ""
    if streams:
        kind, echo = "text/event-stream", "".join(f"echo -n {quoted(frame)}; echo_flush;" for frame in frames())
    else:
        kind, echo = "application/json", f"echo -n {quoted(reply())};"
    answer = f"default_type {kind}; echo_read_request_body; {sleep} {echo}"
    return f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ {answer} }} }}"


def nginx(folder, servers, name):
    modules = "load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;"
    path = Path(folder) / f"{name}.conf"
    temporary = "".join(f"{kind}_temp_path {folder}/{name}-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path.write_text(f"""{modules}
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; {temporary} {" ".join(servers)} }}
""")
    return Process(["nginx", "-c", str(path), "-e", "stderr"], f"{folder}/{name}.log")


class Freehold:
    def __init__(self, folder, ports, capture):
        self.name = f"freehold, {capture}"
        self.folder = Path(folder) / f"freehold-{capture}"
        self.folder.mkdir(mode=0o700)
        self.port = free_port()
        # Both default models are at the upstream: this measures the door alone, without an engine.
        config = [f'[server]\nlisten = "127.0.0.1:{self.port}"\n[models]\nchat = "instant"\nembedding = "vectors"\n']
        for name, port in ports.items():
            vectors = ', { name = "vectors", kind = "embedding" }' if name == "instant" else ""
            config.append(f"""[[upstreams]]
name = "{slug(name)}"
kind = {{ remote = {{ base_url = "http://127.0.0.1:{port}/v1" }} }}
locality = "local"
max_concurrent = 512
models = [{{ name = "{slug(name)}", context_length = 8192 }}{vectors}]
""")
        path = self.folder / "freehold.toml"
        path.write_text("".join(config))
        binary = freehold_binary()
        command = [binary, "serve", "--data", str(self.folder)]
        self.process = Process(command, f"{folder}/freehold-{capture}.log")
        wait_for(f"http://127.0.0.1:{self.port}/readyz", self.process)
        limits = ["--requests-per-minute", "100000000", "--tokens-per-minute", "100000000000"]
        made = subprocess.run(
            [binary, "--json", "keys", "create", "--data", str(self.folder), "--person", "admin", "--capture", capture, *limits],
            check=True, capture_output=True,
        )
        self.key = json.loads(made.stdout)["key"]

    def request(self, upstream):
        headers = {"Authorization": f"Bearer {self.key}"}
        return f"http://127.0.0.1:{self.port}/v1/chat/completions", headers, slug(upstream)


class LiteLLM:
    def __init__(self, folder, ports, rust):
        self.name = "litellm" + (", rust" if rust else "")
        self.port = free_port()
        python = venv("litellm", LITELLM)
        models = [
            {"model_name": slug(name), "litellm_params": {"model": f"openai/{slug(name)}", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "x"}}
            for name, port in ports.items()
        ]
        path = Path(folder) / f"litellm-{rust}.yaml"
        path.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": "sk-bench"}, "litellm_settings": {"telemetry": False}}))
        environment = {**os.environ, "LITELLM_RUST": "1" if rust else "0", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_DOCS": "True"}
        command = [python, "-m", "litellm.proxy.proxy_cli", "--config", path, "--host", "127.0.0.1", "--port", str(self.port), "--num_workers", "1", "--telemetry", "False"]
        self.process = Process([str(part) for part in command], f"{folder}/litellm-{rust}.log", env=environment)
        wait_for(f"http://127.0.0.1:{self.port}/health/liveliness", self.process)

    def request(self, upstream):
        return f"http://127.0.0.1:{self.port}/v1/chat/completions", {"Authorization": "Bearer sk-bench"}, slug(upstream)


class Portkey:
    def __init__(self, folder, ports):
        self.name = "portkey"
        self.ports, self.port = ports, free_port()
        home = PEERS / "portkey"
        if not (home / "node_modules/@portkey-ai/gateway").exists():
            say(f"Installing {PORTKEY}")
            home.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--silent", "--prefix", str(home), PORTKEY], check=True)
        start = home / "node_modules/@portkey-ai/gateway/build/start-server.js"
        self.process = Process(["node", str(start), f"--port={self.port}", "--headless"], f"{folder}/portkey.log")
        wait_for(f"http://127.0.0.1:{self.port}/", self.process)

    def request(self, upstream):
        headers = {
            "x-portkey-provider": "openai", "Authorization": "Bearer x",
            "x-portkey-custom-host": f"http://127.0.0.1:{self.ports[upstream]}/v1",
        }
        return f"http://127.0.0.1:{self.port}/v1/chat/completions", headers, slug(upstream)


class Nginx:
    def __init__(self, folder, ports):
        self.name = "nginx hop"
        self.hops, servers = {}, []
        for name, port in ports.items():
            self.hops[name] = free_port()
            servers.append(f"""upstream u{port} {{ server 127.0.0.1:{port}; keepalive 512; }}
server {{ listen 127.0.0.1:{self.hops[name]} backlog=4096; location / {{
  proxy_pass http://u{port}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }}""")
        self.process = nginx(folder, servers, "hop")
        wait_for(f"http://127.0.0.1:{next(iter(self.hops.values()))}/", self.process)

    def request(self, upstream):
        return f"http://127.0.0.1:{self.hops[upstream]}/v1/chat/completions", {}, slug(upstream)


class Direct:
    """No gateway: what the upstream and the load generator cost by themselves."""

    name = "direct"

    def __init__(self, ports, upstream_process):
        self.ports, self.process = ports, upstream_process

    def request(self, upstream):
        return f"http://127.0.0.1:{self.ports[upstream]}/v1/chat/completions", {}, slug(upstream)


def slug(name):
    return name.replace(", ", "-").replace(" ", "")


def measure(gateway, upstream, connections, seconds):
    url, headers, model = gateway.request(upstream)
    body = {"model": model, "messages": [{"role": "user", "content": WORDS}], "max_tokens": 100}
    if UPSTREAMS[upstream][1]:
        body["stream"] = True
    environment = {**os.environ, "BENCH_BODY": json.dumps(body), "BENCH_HEADERS": "".join(f"{name}={value}\n" for name, value in headers.items())}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(ROOT / "bench/post.lua"), url]
    before = gateway.process.cpu_seconds()
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    spent = gateway.process.cpu_seconds() - before
    line = next(line for line in printed.splitlines() if line.startswith("BENCH "))
    result = json.loads(line.removeprefix("BENCH "))
    result["per_second"] = max(result["requests"] - result["not_2xx"], 0) / result["seconds"]
    result["cpu_us"] = spent / max(result["requests"], 1) * 1e6
    result["resident_mib"] = gateway.process.resident_mib()
    return result


def rounds(gateways, upstream, connections, seconds, count):
    """Each gateway in turn, again and again, so that a machine that drifts drifts for all; medians of the rounds."""
    measured = {gateway.name: [] for gateway in gateways}
    for _ in range(count):
        for gateway in gateways:
            measured[gateway.name].append(measure(gateway, upstream, connections, seconds))
    rows = []
    for name, results in measured.items():
        row = {"gateway": name, "upstream": upstream, "connections": connections}
        for figure in ("per_second", "p50_ms", "p99_ms", "cpu_us", "resident_mib"):
            row[figure] = statistics.median(result[figure] for result in results)
        row["errors"] = sum(result["failed"] + result["not_2xx"] for result in results)
        rows.append(row)
    return rows


def ratios(rows):
    """Freehold beside its peers, by upstream and connections; latency as what is added to the direct way. Only what
    was answered counts; a peer that answered nothing has no ratio."""
    by_place = {}
    for row in rows:
        by_place.setdefault((row["upstream"], row["connections"]), {})[row["gateway"]] = row
    compared = []
    for (upstream, connections), found in by_place.items():
        ours, bare, direct = found.get("freehold, full"), found.get("freehold, none"), found.get("direct")
        row = {"upstream": upstream, "connections": connections}
        for peer in ("litellm", "litellm, rust", "portkey", "nginx"):
            if ours and found.get(peer, {}).get("per_second"):
                row[f"x {peer}"] = ours["per_second"] / found[peer]["per_second"]
        for name, gateway in (("full", ours), ("none", bare), ("nginx", found.get("nginx"))):
            if gateway and direct:
                row[f"+p50 {name}"] = gateway["p50_ms"] - direct["p50_ms"]
                row[f"+p99 {name}"] = gateway["p99_ms"] - direct["p99_ms"]
        compared.append(row)
    return compared


def soak(gateway, minutes):
    """Resident memory while requests keep coming, every half minute."""
    samples = []
    for half_minute in range(minutes * 2):
        done = measure(gateway, "instant", 16, 30)
        samples.append({"minute": (half_minute + 1) / 2, "resident_mib": done["resident_mib"], "per_second": done["per_second"]})
        say(f"minute {samples[-1]['minute']}: {samples[-1]['resident_mib']:.0f} MiB, {samples[-1]['per_second']:.0f} a second")
    return samples


def versions():
    run = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.strip().splitlines()
    nginx_version = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip()
    return {"litellm": LITELLM, "portkey": PORTKEY, "nginx": nginx_version, "node": run("node", "--version"), "wrk": run("wrk", "-v")[:1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of two seconds, 1 and 64 connections, instant upstream")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", default="1,16,64,256")
    parser.add_argument("--upstreams", default=";".join(UPSTREAMS), help="separated by semicolons")
    parser.add_argument("--soak", type=int, default=0, metavar="MINUTES", help="afterwards, watch Freehold's memory under load")
    parser.add_argument("--only", help="comma-separated beginnings of the gateways' names")
    options = parser.parse_args()
    for program in ("wrk", "nginx", "node", "npm"):
        if not shutil.which(program):
            raise SystemExit(f"{program} is missing: apt-get install -y wrk nginx-light libnginx-mod-http-echo nodejs npm")
    if options.quick:
        options.upstreams, options.connections, options.seconds, options.rounds = "instant;instant, stream", "1,64", 2, 1
    upstreams = {name: UPSTREAMS[name] for name in ["instant", *options.upstreams.split(";")]}
    connection_counts = [int(number) for number in options.connections.split(",")]
    seconds, count = options.seconds, options.rounds
    processes, result = [], {"cpu": cpu(), "versions": versions(), "seconds": seconds, "rounds": count, "rows": []}
    with tempfile.TemporaryDirectory() as folder:
        try:
            ports = {name: free_port() for name in upstreams}
            servers = [upstream_server(port, *upstreams[name]) for name, port in ports.items()]
            processes.append(nginx(folder, servers, "upstream"))
            wait_for(f"http://127.0.0.1:{ports['instant']}/", processes[0])
            makers = {
                "direct": lambda: Direct(ports, processes[0]), "nginx": lambda: Nginx(folder, ports), "freehold, full": lambda: Freehold(folder, ports, "full"),
                "freehold, none": lambda: Freehold(folder, ports, "none"), "portkey": lambda: Portkey(folder, ports),
                "litellm": lambda: LiteLLM(folder, ports, False), "litellm, rust": lambda: LiteLLM(folder, ports, True),
            }
            wanted = options.only.split(",") if options.only else [""]
            gateways = []
            for name, make in makers.items():
                if any(name.startswith(beginning) for beginning in wanted):
                    say(f"Starting {name}")
                    gateways.append(make())
                    if name != "direct":
                        processes.append(gateways[-1].process)
            result["idle_mib"] = {gateway.name: gateway.process.resident_mib() for gateway in gateways}
            for upstream in upstreams:
                for connections in connection_counts:
                    say(f"{upstream}, {connections} connections")
                    result["rows"] += rounds(gateways, upstream, connections, seconds, count)
            ours = next((gateway for gateway in gateways if gateway.name == "freehold, full"), None)
            if options.soak and ours:
                result["soak"] = soak(ours, options.soak)
        finally:
            for process in reversed(processes):
                process.stop()
    print(json.dumps(result["cpu"]), json.dumps(result["versions"]))
    print("idle MiB:", json.dumps({name: round(mib, 1) for name, mib in result["idle_mib"].items()}))
    table(result["rows"], ["gateway", "upstream", "connections", "per_second", "p50_ms", "p99_ms", "cpu_us", "resident_mib", "errors"])
    result["ratios"] = ratios(result["rows"])
    print()
    table(result["ratios"], list(dict.fromkeys(column for row in result["ratios"] for column in row)))
    write("door", result)


if __name__ == "__main__":
    main()
