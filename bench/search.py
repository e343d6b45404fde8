#!/usr/bin/env python3
"""Search under access, through the door: the invented company of FREEHOLD_DATA (`enterprise/`: people, departments, some
5,300 documents, nearly each with a list of its own) is pushed, and 200 people search it while nobody else does. How long
taking in, indexing and searching take; and whether any passage, title or error of one person holds a word planted in what
only others may read. Then each of them asks the assistant (with the smallest chat model: it is about what leaves, not how well
it is said) about what somebody else may read, and about something of their own. With `--papers N` fewer documents of each kind."""

import argparse
import json
import os
import random
import time

from machine import cpu, say, table, write
from served import SMALLEST, Served, test_data

PEOPLE = 200
TALKS = ("hr_conversation", "sales_team_conv", "sde_conv", "finance_team_conv", "engg_team_conv", "manage_team_conv")


def company(folder, most):
    """The departments of people by id, and documents: id, title, text, canary, readers (none: everybody)."""
    read = lambda name: json.loads((folder / name).read_text())[:most]
    employees = json.loads((folder / "employees.json").read_text())
    people = {one["emp_id"]: one["category"] for one in employees}
    above = {one["emp_id"]: one["reports_to"] for one in employees}
    papers = []
    add = lambda kind, name, text, readers, groups=(): papers.append((kind, name, text, readers, groups))
    for one in read("employees.json"):
        chain, at = {one["emp_id"]}, above.get(one["emp_id"])
        while at and at not in chain:
            chain.add(at)
            at = above.get(at)
        add("record", one["emp_id"], str(one["description"]), chain & people.keys(), ("HR",))
    for name in TALKS:
        for talk in read(f"conversations/{name}.json"):
            both = {talk["metadata"][end] for end in ("emp1_id", "emp2_id") if talk["metadata"].get(end) in people}
            add("talk", talk["conversation_id"], talk["text"], both)
    for ticket in read("it_tickets.json"):
        ends = {ticket[end] for end in ("raised_by_emp_id", "emp_id") if ticket[end] in people}
        add("ticket", ticket["id"], f"{ticket['Issue']}\n\n{ticket['Resolution']}", ends, ("Information Technology",))
    for post in read("posts.json"):
        add("post", post["Title"][:80], post["Post"], None)
    documents = []
    for number, (kind, name, text, readers, groups) in enumerate(papers):
        canary = f"zq{((number + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1) >> 24:x}vk"
        words = str(text).split(" ")
        middle = len(words) // 2
        planted = " ".join([*words[:middle], f"The reference of this matter is {canary}.", *words[middle:]])
        documents.append((f"{kind}/{number}", f"{kind} {number} {canary}", planted, canary, readers, groups))
    return people, documents


def directory(people):
    groups = {}
    for person, department in people.items():
        groups.setdefault(department, []).append(person)
    lines = [{"type": "person", "external_id": person, "user_name": person} for person in people]
    lines += [{"type": "group", "external_id": name, "name": name, "members": members} for name, members in groups.items()]
    return "\n".join(map(json.dumps, lines))


def line(document):
    external_id, title, text, _, readers, groups = document
    named = [{"source": "staff", "external_id": name} for name in [*(readers or ()), *groups]]
    access = {"allow": ["everyone"] if readers is None else named}
    return json.dumps({"external_id": external_id, "title": title, "text": text, "access": access})


def take_in(admin, documents):
    start = time.perf_counter()
    for at in range(0, len(documents), 200):
        admin.call("POST", "sources/papers/documents", "\n".join(map(line, documents[at : at + 200])))
    pushed = time.perf_counter() - start
    by_words, last = None, admin.json("GET", "me")["epoch"]
    while True:
        status = admin.json("GET", "index")
        if by_words is None and status["text_epoch"] >= last:
            by_words = time.perf_counter() - start
        if status["pending"] == 0:
            return pushed, by_words or time.perf_counter() - start, time.perf_counter() - start, status
        time.sleep(0.1 if by_words is None else 0.5)


def search(doors, people, documents):
    """The times of all searches, the leaks, and how many found their own first."""
    dice, times, leaks, first, owners = random.Random(1), [], [], 0, 0
    may = lambda person, paper: paper[4] is None or person in paper[4] or people[person] in paper[5]
    for person, door in doors.items():
        mine = [paper for paper in documents if paper[4] is not None and may(person, paper)]
        others = [paper for paper in documents if not may(person, paper)]
        hidden = {paper[3] for paper in others}
        questions = [dice.choice(others)[3] for _ in range(2)]
        questions += [" ".join(dice.choice(others)[2].split()[4:18]) for _ in range(3)]
        own = dice.choice(mine) if mine else None
        for query in [*questions, *([own[3]] if own else [])]:
            start = time.perf_counter()
            body = door.call("POST", "search", json.dumps({"query": query}))
            times.append(time.perf_counter() - start)
            leaks += [(person, canary) for canary in hidden if canary in body]
        if own:
            owners += 1
            passages = json.loads(body)["passages"]
            first += bool(passages) and passages[0]["external_id"] == own[0]
    return sorted(times), leaks, first, owners


def ask(port, keys, people, documents):
    """The times until the quotes and the end, the leaks, and how many were quoted what they asked for of their own."""
    from assistant import Asking

    dice, quotes, ends, leaks, own_quoted, owners = random.Random(2), [], [], [], 0, 0
    may = lambda person, paper: paper[4] is None or person in paper[4] or people[person] in paper[5]
    put = lambda person, words: Asking(port, keys[person], [{"role": "user", "content": words}], max_tokens=24)
    for person in keys:
        mine = [paper for paper in documents if paper[4] is not None and may(person, paper)]
        others = [paper for paper in documents if not may(person, paper)]
        about, own = dice.choice(others), dice.choice(mine) if mine else None
        asked = [put(person, f"What is the reference of this matter: {' '.join(about[2].split()[4:18])}?")]
        asked += [put(person, f"What is said in the matter {own[3]}?")] if own else []
        for one in asked:
            quotes.append(one.quotes_ms)
            ends.append(one.last_ms)
            leaks += [(person, paper[3]) for paper in others if paper[3] in one.raw or paper[3] in one.words]
        if own:
            owners += 1
            own_quoted += any(citation["external_id"] == own[0] for citation in asked[-1].citations)
    return sorted(quotes), sorted(ends), leaks, own_quoted, owners


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=1_000_000, help="documents of each kind, at most")
    parser.add_argument("--quick", action="store_true", help="60 documents of each kind")
    options = parser.parse_args()
    people, documents = company(test_data("enterprise"), 60 if options.quick else options.papers)
    with Served("--model", SMALLEST) as served:
        admin = served.door()
        admin.call("POST", "directory/import?source=staff", directory(people))
        admin.json("POST", "sources", {"name": "papers", "kind": "push"})
        say(f"{len(documents)} documents")
        pushed, by_words, whole, status = take_in(admin, documents)
        keys = served.keys(list(people)[:PEOPLE])
        doors = {person: served.door(bearer) for person, bearer in keys.items()}
        say(f"{len(doors)} people search")
        times, leaks, first, owners = search(doors, people, documents)
        say(f"{len(doors)} people ask the assistant")
        quotes, ends, told, quoted, askers = ask(served.port, keys, people, documents)
        resident = served.process.resident_mib()
    of = lambda sorted_ms, share: round(sorted_ms[int((len(sorted_ms) - 1) * share)], 2)
    at = lambda share: of([one * 1e3 for one in times], share)
    figures = [
        {"what": "documents acknowledged", "unit": "a second", "value": round(len(documents) / pushed, 1)},
        {"what": "findable by words after", "unit": "s", "value": round(by_words, 1)},
        {"what": "findable by vectors after", "unit": "s", "value": round(whole, 1)},
        {"what": "search, p50", "unit": "ms", "value": at(0.5)},
        {"what": "search, p95", "unit": "ms", "value": at(0.95)},
        {"what": "searches", "unit": "", "value": len(times)},
        {"what": "leaks", "unit": "", "value": len(leaks)},
        {"what": "own document first", "unit": f"of {owners}", "value": first},
        {"what": "asked of the assistant", "unit": "", "value": len(quotes)},
        {"what": "its quotes, p50", "unit": "ms", "value": of(quotes, 0.5)},
        {"what": "its quotes, p95", "unit": "ms", "value": of(quotes, 0.95)},
        {"what": "its answer whole, p50", "unit": "ms", "value": of(ends, 0.5)},
        {"what": "leaks of the assistant", "unit": "", "value": len(told)},
        {"what": "own document quoted", "unit": f"of {askers}", "value": quoted},
        {"what": "memory of all processes", "unit": "MiB", "value": round(resident)},
    ]
    result = {"cpu": cpu(), "documents": len(documents), "status": status, "load": os.getloadavg(), "figures": figures}
    table(figures, ["what", "unit", "value"])
    write("search", result)
    if leaks or told:
        raise SystemExit(f"leaks: {leaks[:5]} {told[:5]}")


if __name__ == "__main__":
    main()
