#!/usr/bin/env python3
"""What search finds, and what rights cost of it: the 240 paragraphs of XQuAD in five languages, each a document that one of
ten groups may read, and its questions in the language of the paragraph and in others. recall@1, @5 and @10 of full text, of
vectors and of both, for somebody who may read everything; then the same questions for somebody who may read a tenth (the
answer among it), beside what is left of the best 10, 30 and 100 of everything where they are filtered only after the search.
By default every fourth question; `--every 1` asks all."""

import argparse
import json
import os
import time

from machine import cpu, say, table, write
from served import SMALLEST, Served, test_data

LANGUAGES = ("en", "de", "es", "zh", "ar")
GROUPS = 10
CROSS = [("en", other) for other in LANGUAGES[1:]] + [(other, "en") for other in LANGUAGES[1:]]
RANKINGS = {"text": ["text"], "vectors": ["vectors"], "both": ["text", "vectors"]}


def paragraphs(folder, language):
    articles = json.loads((folder / f"xquad.{language}.json").read_text())["data"]
    return [paragraph for article in articles for paragraph in article["paragraphs"]]


def line(language, number, paragraph):
    allow = [{"source": "staff", "external_id": name} for name in ("all", f"group{number % GROUPS}")]
    title = f"{language} {number}"
    return json.dumps({"external_id": f"{language}/{number}", "title": title, "text": paragraph["context"], "access": {"allow": allow}})


def directory():
    people = ["reader", *(f"member{number}" for number in range(GROUPS))]
    lines = [{"type": "person", "external_id": name, "user_name": name} for name in people]
    lines.append({"type": "group", "external_id": "all", "name": "all", "members": ["reader"]})
    for number in range(GROUPS):
        lines.append({"type": "group", "external_id": f"group{number}", "name": f"group{number}", "members": [f"member{number}"]})
    return "\n".join(map(json.dumps, lines)), people


def found(door, question, source, by, limit=10):
    """The documents that are found, best first and each once, and the time of it."""
    start = time.perf_counter()
    answer = door.json("POST", "search", {"query": question, "sources": [source], "by": by, "limit": limit})
    ms = (time.perf_counter() - start) * 1e3
    return list(dict.fromkeys(passage["external_id"] for passage in answer["passages"])), ms


class Tally:
    """recall@1, @5, @10 and the median time of some searches."""

    def __init__(self):
        self.ranks, self.times = [], []

    def add(self, documents, wanted, ms):
        self.ranks.append(documents.index(wanted) if wanted in documents else 1_000)
        self.times.append(ms)

    def figures(self):
        at = lambda most: round(sum(rank < most for rank in self.ranks) / len(self.ranks), 3)
        return {"recall@1": at(1), "recall@5": at(5), "recall@10": at(10), "p50_ms": round(sorted(self.times)[len(self.times) // 2], 1)}


def quality(door, texts, every):
    rows = []
    for asked, answered in [*((language, language) for language in LANGUAGES), *CROSS]:
        for name, by in RANKINGS.items():
            tally = Tally()
            for number, question in questions(texts[asked], every):
                documents, ms = found(door, question, f"xquad-{answered}", by)
                tally.add(documents, f"{answered}/{number}", ms)
            rows.append({"questions": asked, "paragraphs": answered, "ranking": name, **tally.figures()})
            say(f"{rows[-1]}")
    return rows


def questions(paragraphs, every):
    each = [(number, qa["question"]) for number, paragraph in enumerate(paragraphs) for qa in paragraph["qas"]]
    return each[::every]


def tax(doors, texts, every):
    """The same questions for somebody who may read a tenth: filtered within the search, and after it."""
    within, after = Tally(), {most: Tally() for most in (10, 30, 100)}
    for language in LANGUAGES:
        for number, question in questions(texts[language], every):
            wanted, source = f"{language}/{number}", f"xquad-{language}"
            documents, ms = found(doors[f"member{number % GROUPS}"], question, source, RANKINGS["both"])
            within.add(documents, wanted, ms)
            for most, tally in after.items():
                best, ms = found(doors["reader"], question, source, RANKINGS["both"], most)
                mine = [one for one in best if int(one.split("/")[1]) % GROUPS == number % GROUPS]
                tally.add(mine, wanted, ms)
    rows = [{"filtered": "within the search", **within.figures()}]
    return rows + [{"filtered": f"after it, of the best {most}", **tally.figures()} for most, tally in after.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=4, help="ask every n-th question")
    parser.add_argument("--quick", action="store_true", help="every fortieth question")
    options = parser.parse_args()
    every = 40 if options.quick else options.every
    data = test_data("xquad")
    texts = {language: paragraphs(data, language) for language in LANGUAGES}
    with Served("--model", SMALLEST) as served:
        admin, (lines, people) = served.door(), directory()
        admin.call("POST", "directory/import?source=staff", lines)
        for language in LANGUAGES:
            admin.json("POST", "sources", {"name": f"xquad-{language}", "kind": "push"})
            body = "\n".join(line(language, number, paragraph) for number, paragraph in enumerate(texts[language]))
            admin.call("POST", f"sources/xquad-{language}/documents", body)
        indexed_s, status = served.wait_until_indexed()
        doors = {person: served.door(bearer) for person, bearer in served.keys(people).items()}
        found_rows = quality(doors["reader"], texts, every)
        tax_rows = tax(doors, texts, every)
    asked = len(questions(texts["en"], every))
    result = {
        "cpu": cpu(), "documents": status["indexed"], "indexed_s": round(indexed_s, 1), "questions_each": asked,
        "model": status["model"], "load": os.getloadavg(), "quality": found_rows, "tax": tax_rows,
    }
    table(found_rows, ["questions", "paragraphs", "ranking", "recall@1", "recall@5", "recall@10", "p50_ms"])
    table(tax_rows, ["filtered", "recall@1", "recall@5", "recall@10", "p50_ms"])
    write("recall", result)


if __name__ == "__main__":
    main()
