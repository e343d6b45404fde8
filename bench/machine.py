"""What every benchmark prints and needs: the machine, processes and their cost, tables."""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "freehold"
PEERS = CACHE / "peers"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu():
    """The CPU's name, cores and the flags that matter for arithmetic."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    field = lambda name: next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "fma", "f16c")
    flags = [flag for flag in wanted if flag in field("flags").split()]
    return {"model": field("model name"), "cores": os.cpu_count(), "flags": flags, "kernel": platform.release()}


def freehold_binary():
    """The program to measure: a release build."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binary = Path(os.environ.get("FREEHOLD_BIN", target / "release/freehold"))
    if not binary.is_file():
        raise SystemExit(f"{binary} is missing: run cargo build --release --locked -p freehold, or set FREEHOLD_BIN")
    return str(binary)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A peer that runs in a session of its own, with what it and its children cost."""

    def __init__(self, command, log, **options):
        self.log = open(log, "wb")
        self.child = subprocess.Popen(
            command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True, **options
        )

    def tree(self):
        """The process and all below it."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                except OSError:
                    continue
        found, grown = {self.child.pid}, True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in found} - found
            found, grown = found | more, bool(more)
        return found

    def cpu_seconds(self):
        total = 0
        for pid in self.tree():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                continue
        return total / TICKS

    def resident_mib(self):
        total = 0
        for pid in self.tree():
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
        return total * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
        self.log.close()


def wait_for(url, process, seconds=120, headers=None):
    """Waits until a URL answers below 500."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.child.poll() is not None:
            raise SystemExit(f"{url}: the process ended; its log: {process.log.name}")
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"{url}: not ready after {seconds} s; its log: {process.log.name}")


def venv(name, *packages):
    """A virtual environment among the peers, with these packages."""
    folder = PEERS / name
    if not (folder / "bin" / "python").exists():
        say(f"Installing {', '.join(packages)}")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", *packages], check=True)
    return folder / "bin" / "python"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def table(rows, columns):
    """Rows of dicts as text, numbers to the right."""
    cells = [[str(column) for column in columns]]
    cells += [[shown(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) if at < 2 else cell.rjust(width) for at, (cell, width) in enumerate(zip(line, widths))))


def shown(value):
    if value is None:
        return "-"
    return f"{value:,.2f}" if isinstance(value, float) and value < 100 else f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)


def write(name, result):
    """Writes the result beside the others and says where."""
    path = Path(os.environ.get("FREEHOLD_BENCH_RESULTS", ROOT / "bench" / "results")) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    say(f"Written: {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
