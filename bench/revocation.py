#!/usr/bin/env python3
"""From the receipt of a revocation to the moment at which nothing of it can be had: by the next search, by the trace of an
earlier answer, and on an open stream of the assistant, over the demo company, while two others search without a pause. One
person leaves the group whose papers they were quoted from, and comes back, again and again. The model behind the assistant is
a server of ours that says a word every 20 ms for as long as somebody listens: what is measured is the door."""

import argparse
import http.client
import http.server
import json
import os
import threading
import time

from machine import cpu, say, table, write
from served import Door, Served

WHO, SECRET, QUESTION = "jonas.weidner", "Quillfeather", "What is planned for the laboratory of Quillfeather in Leipzig?"


class Talker(http.server.BaseHTTPRequestHandler):
    """A chat model that never stops."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not request.get("stream"):
            message = {"role": "assistant", "content": "By September [1]."}
            usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
            body = json.dumps({"id": "x", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", "message": message}], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return self.wfile.write(body)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "word "}}]})
        try:
            while True:
                self.wfile.write(f"data: {chunk}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass


def talker():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talker)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Stream:
    """An answer of the assistant, its first words read; it notes when it was cut."""

    def __init__(self, port, bearer):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        body = {"model": "assistant", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        self.answer = self.connection.getresponse()
        self.trace = self.answer.getheader("Freehold-Trace")
        assert any(SECRET in self.answer.readline().decode() for _ in range(3)), "not quoted"
        self.cut_at = None
        self.reading = threading.Thread(target=self.read)
        self.reading.start()

    def read(self):
        for line in self.answer:
            if b"access_changed" in line:
                self.cut_at = time.perf_counter()
        self.connection.close()


def measure(port, keys, changes):
    stop, times = threading.Event(), {"next search": [], "open stream": [], "trace": []}
    admin, door = Door(port, keys["admin"]), Door(port, keys[WHO])
    reader = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def load(person):
        other = Door(port, keys[person])
        while not stop.is_set():
            other.json("POST", "search", {"query": "holidays in Leipzig"})

    def status_of(trace):
        reader.request("GET", f"/api/v1/traces/{trace}", headers={"Authorization": f"Bearer {keys[WHO]}"})
        answer = reader.getresponse()
        answer.read()
        return answer.status

    def answered():
        reader.request("POST", "/v1/chat/completions", json.dumps({"model": "assistant", "messages": [{"role": "user", "content": QUESTION}]}), {"Authorization": f"Bearer {keys[WHO]}", "Content-Type": "application/json"})
        answer = reader.getresponse()
        answer.read()
        return answer.getheader("Freehold-Trace")

    threads = [threading.Thread(target=load, args=(person,)) for person in ("aoife.brennan", "kenji.morita")]
    for thread in threads:
        thread.start()
    member = f"groups/project-kestrel/members/{WHO}"
    try:
        for _ in range(changes):
            trace, stream = answered(), Stream(port, keys[WHO])
            assert status_of(trace) == 200, "one's own trace"
            sent = time.perf_counter()
            admin.call("DELETE", member, None)
            while SECRET in json.dumps(door.json("POST", "search", {"query": "Quillfeather laboratory Leipzig"})["passages"]):
                pass
            times["next search"].append((time.perf_counter() - sent) * 1e3)
            while status_of(trace) != 404:
                pass
            times["trace"].append((time.perf_counter() - sent) * 1e3)
            stream.reading.join()
            times["open stream"].append((stream.cut_at - sent) * 1e3)
            admin.call("PUT", member, None)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=1_000)
    parser.add_argument("--quick", action="store_true", help="50 changes")
    options = parser.parse_args()
    base_url = f"http://127.0.0.1:{talker()}/v1"
    upstreams = f'[{{ name = "talker", locality = "local", kind = {{ remote = {{ base_url = "{base_url}" }} }}, models = [{{ name = "talker" }}] }}]'
    environment = {"FREEHOLD__UPSTREAMS": upstreams, "FREEHOLD__MODELS__CHAT": "talker"}
    with Served("--demo", environment=environment) as served:
        keys = served.keys((WHO, "aoife.brennan", "kenji.morita")) | {"admin": served.admin_key}
        say("indexing the papers")
        served.wait_until_indexed()
        say("revocations")
        times = measure(served.port, keys, 50 if options.quick else options.changes)
    rows = []
    for what, values in times.items():
        values.sort()
        at = lambda share: round(values[min(len(values) - 1, int(len(values) * share))], 1)
        rows.append({"what": what, "changes": len(values), "p50_ms": at(0.5), "p99_ms": at(0.99), "worst_ms": at(1)})
    table(rows, ["what", "changes", "p50_ms", "p99_ms", "worst_ms"])
    write("revocation", {"cpu": cpu(), "load": os.getloadavg(), "rows": rows})


if __name__ == "__main__":
    main()
