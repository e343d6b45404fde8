#!/usr/bin/env python3
"""The assistant over the demo company: 120 questions of its people, half of which they may be answered. Right and cited,
wrong, refused wrongly and leaked, each apart; and when the quotes came, the first word and the last."""

import argparse
import http.client
import json
import re
import statistics
import time

from machine import ROOT, cpu, say, table, write
from served import Served

COMPANY = ROOT / "examples/company"
EMBEDDED = "qwen2.5-coder-1.5b-instruct-q4_k_m"


def questions(quick):
    every = [json.loads(line) for file in sorted(COMPANY.glob("questions-*.ndjson")) for line in file.read_text().splitlines()]
    return every[::10] if quick else every


class Asking:
    """One streamed question: what came, and when."""

    def __init__(self, port, bearer, messages, **options):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        body = {"model": "assistant", "stream": True, "max_tokens": 120, "messages": messages} | options
        start = time.perf_counter()
        since = lambda: (time.perf_counter() - start) * 1e3
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        self.raw, self.words, self.citations, self.named, self.error = "", "", [], [], None
        self.quotes_ms = self.first_ms = self.last_ms = None
        for line in answer:
            line = line.decode()
            self.raw += line
            if not line.startswith("data: {"):
                continue
            event = json.loads(line[6:])
            self.error = event.get("error", self.error)
            freehold = event.get("freehold") or {}
            if self.quotes_ms is None:
                self.quotes_ms, self.citations = since(), freehold.get("citations", [])
            self.named = freehold.get("citations", self.named)
            for choice in event.get("choices", []):
                words = choice["delta"].get("content") or ""
                if words and self.first_ms is None:
                    self.first_ms = since()
                self.words += words
        self.last_ms = since()


def holds(words, expect):
    """Whether words say one of each, as words and numbers of their own: 6 is neither in 16 nor in 6.5, nor head in ahead."""
    low = words.casefold().replace("\u00a0", " ")
    return all(any(re.search(pattern(one.casefold()), low) for one in either) for either in expect)


def pattern(one):
    before = r"(?<![0-9])(?<![0-9][.,])" if one[0].isdigit() else r"(?<![0-9a-z])" if one[0].isascii() else ""
    after = r"(?![0-9]|[.,][0-9])" if one[-1].isdigit() else ""
    return before + re.escape(one) + after


def judge(question, asked):
    """One of: right and cited, right and not cited, wrong, refused wrongly, refused rightly, leaked, made up."""
    # A word may lie on two events of the stream.
    everything = (asked.raw + asked.words).casefold()
    if any(secret.casefold() in everything for secret in question["secrets"]):
        return "leaked"
    nothing = not asked.named
    if not question["answerable"]:
        return "refused rightly" if nothing else "answered from what may be read"
    if holds(asked.words, question["expect"]):
        cited = {citation["external_id"] for citation in asked.named}
        wanted = {path.split("/", 1)[1] for path in question["documents"]}
        return "right and cited" if cited & wanted else "right, other source"
    return "refused wrongly" if nothing else "wrong"


def ask_all(port, keys, every):
    counts, kept = {}, []
    for question in every:
        asked = Asking(port, keys[question["asker"]], [{"role": "user", "content": question["question"]}])
        verdict = "failed" if asked.error else judge(question, asked)
        counts[verdict] = counts.get(verdict, 0) + 1
        shown = {citation["external_id"] for citation in asked.citations}
        wanted = {path.split("/", 1)[1] for path in question["documents"]}
        found = bool(shown & wanted) if question["answerable"] else None
        quotes = " ".join(citation["quote"] for citation in asked.citations)
        told = holds(quotes, question["expect"]) if question["answerable"] else None
        kept.append({
            "question": question["question"], "asker": question["asker"], "language": question["language"],
            "verdict": verdict, "quoted": found, "told": told, "answer": asked.words, "quotes_ms": asked.quotes_ms,
            "first_ms": asked.first_ms, "last_ms": asked.last_ms,
        })
    return counts, kept


def quantiles(values):
    values = sorted(value for value in values if value is not None)
    at = lambda share: round(values[min(len(values) - 1, int(len(values) * share))], 1) if values else None
    return {"n": len(values), "p50_ms": at(0.5), "p95_ms": at(0.95), "max_ms": at(1)}


def prefix(port, key):
    """A question asked of a cold engine cannot be had twice: the first of all is the cold one, the others are warm."""
    ask = lambda text: Asking(port, key, [{"role": "user", "content": text}])
    texts = ("How many days of holidays do I have?", "Who approves an expensive hotel?", "What do I do when I am ill?")
    asked = [ask(text) for text in texts]
    return [{"quotes_ms": one.quotes_ms, "first_ms": one.first_ms, "last_ms": one.last_ms} for one in asked]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every tenth question")
    parser.add_argument("--model", default=EMBEDDED, help="the chat model that answers")
    options = parser.parse_args()
    every = questions(options.quick)
    with Served("--demo", "--model", options.model) as served:
        keys = served.keys(sorted({question["asker"] for question in every} | {"aoife.brennan"}))
        say("indexing the papers")
        indexed_s, status = served.wait_until_indexed()
        cold = prefix(served.port, keys["aoife.brennan"])
        say(f"{len(every)} questions")
        counts, kept = ask_all(served.port, keys, every)
    of = lambda name: quantiles([one[name] for one in kept])
    share = lambda name: round(statistics.mean(one[name] for one in kept if one[name] is not None), 3)
    result = {
        "cpu": cpu(), "model": options.model, "papers": status["indexed"], "indexed_s": round(indexed_s, 1),
        "verdicts": counts, "quoted_share": share("quoted"), "told_share": share("told"), "quotes": of("quotes_ms"),
        "first_word": of("first_ms"), "whole": of("last_ms"), "cold_then_warm": cold,
        "answers": kept,
    }
    table([{"what": what, "n": n} for what, n in sorted(counts.items())], ["what", "n"])
    say(f"the right paper quoted: {result['quoted_share']}, what was asked for within the quotes: {result['told_share']}")
    for name in ("quotes", "first_word", "whole"):
        say(f"{name}: {result[name]}")
    write("assistant", result)


if __name__ == "__main__":
    main()
