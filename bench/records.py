#!/usr/bin/env python3
"""Records: how many exchanges a second become durable, roll into the open tables, and are read, joined and erased among
a million. What is measured is `crates/store/examples/records.rs`, built for release."""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from machine import ROOT, cpu, say, table, write


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 exchanges")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", help="a folder on the disk to measure; a temporary one otherwise")
    options = parser.parse_args()
    rows = 20_000 if options.quick else options.rows
    say("Building")
    build = ["cargo", "build", "--release", "--locked", "--package", "store", "--example", "records"]
    subprocess.run(build, cwd=ROOT, check=True)
    program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/records"
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        say(f"{rows} exchanges")
        done = subprocess.run([program, f"{folder}/data", str(rows)], check=True, capture_output=True, text=True)
    result = {"cpu": cpu(), "exchanges": rows, "figures": [json.loads(line) for line in done.stdout.splitlines()]}
    print(json.dumps(result["cpu"]))
    table(result["figures"], ["what", "unit", "value"])
    write("records", result)


if __name__ == "__main__":
    main()
