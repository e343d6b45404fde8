#!/usr/bin/env python3
"""Access: how long it takes to know what somebody may see among a million documents, cold, remembered, and while lists are
written 200 times a second; and what that costs in memory. What is measured is `crates/access/examples/visible.rs`, built
for release: nearly one list a document (`lists`), 1,000 lists (`folders`), 200 kinds of attributes (`policies`)."""

import argparse
import json
import os
import subprocess
from pathlib import Path

from machine import ROOT, cpu, say, table, write

KINDS = ("lists", "folders", "policies")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="50,000 documents")
    parser.add_argument("--documents", type=int, default=1_000_000)
    options = parser.parse_args()
    documents = 50_000 if options.quick else options.documents
    say("Building")
    build = ["cargo", "build", "--release", "--locked", "--package", "access", "--example", "visible"]
    subprocess.run(build, cwd=ROOT, check=True)
    program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/visible"
    result = {"cpu": cpu(), "documents": documents, "load_before": os.getloadavg()[0], "kinds": {}}
    for kind in KINDS:
        say(f"{documents} documents, {kind}")
        done = subprocess.run([program, kind, str(documents)], check=True, capture_output=True, text=True)
        rows = [line for line in done.stdout.splitlines() if line]
        figures = [json.loads(line) for line in rows if line.startswith("{")]
        result["kinds"][kind] = {"figures": figures, "notes": [line for line in rows if not line.startswith("{")]}
        print("\n".join(result["kinds"][kind]["notes"]))
        table(figures, ["what", "p50_ms", "p99_ms", "worst_ms"])
    print(json.dumps(result["cpu"]))
    write("access", result)


if __name__ == "__main__":
    main()
