"""Our server as the benchmarks of search and of the assistant start it, and the calls that they make of it."""

import http.client
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from machine import Process, free_port, freehold_binary, wait_for

SMALLEST = "smollm2-135m-instruct-q4_1"


class Served:
    """A server of a release build over a folder of its own, which goes with it."""

    def __init__(self, *arguments, ready="readyz", environment=None):
        self.arguments, self.ready, self.environment = arguments, ready, environment

    def __enter__(self):
        self.folder, self.port = tempfile.TemporaryDirectory(), free_port()
        self.data, self.log = f"{self.folder.name}/data", f"{self.folder.name}/log"
        command = [freehold_binary(), "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", *self.arguments]
        self.process = Process(command, self.log, env={**os.environ, **(self.environment or {})})
        try:
            wait_for(f"http://127.0.0.1:{self.port}/{self.ready}", self.process)
            self.admin_key = self.key("admin")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.stop()
        self.folder.cleanup()

    def key(self, person):
        """A key of a person, made beside the server."""
        made = [freehold_binary(), "--json", "keys", "create", "--data", self.data, "--person", person]
        return json.loads(subprocess.run(made, check=True, capture_output=True).stdout)["key"]

    def keys(self, people):
        """Keys of these people, made through the server."""
        admin = self.door()
        make = lambda person: admin.json("POST", "keys", {"person": person, "name": "bench"})["key"]
        return {person: make(person) for person in people}

    def door(self, bearer=None):
        return Door(self.port, bearer or self.admin_key)

    def wait_until_indexed(self):
        """Seconds until every document can be found by its words and by its meaning, and the index's status then."""
        start, admin = time.perf_counter(), self.door()
        while (status := admin.json("GET", "index"))["pending"] or not status["indexed"]:
            time.sleep(0.5)
        return time.perf_counter() - start, status


class Door:
    """Calls with one key over one connection."""

    def __init__(self, port, bearer):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}

    def answer(self, method, path, body=None):
        """Status and content, whatever they are. A connection that was idle for too long is opened again."""
        try:
            self.connection.request(method, path, body, self.headers)
            answer = self.connection.getresponse()
        except ConnectionError:
            self.connection.close()
            self.connection.request(method, path, body, self.headers)
            answer = self.connection.getresponse()
        return answer.status, answer.read()

    def call(self, method, path, body=None):
        status, content = self.answer(method, f"/api/v1/{path}", body)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {content[:500].decode()}")
        return content.decode()

    def json(self, method, path, body=None):
        return json.loads(self.call(method, path, json.dumps(body) if body is not None else None))


def test_data(name):
    """A folder of the test data."""
    folder = Path(os.environ.get("FREEHOLD_DATA", "../shared/data")) / name
    if not folder.is_dir():
        raise SystemExit(f"{folder} is missing: set FREEHOLD_DATA to the folder of test data")
    return folder
