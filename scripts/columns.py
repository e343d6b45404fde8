#!/usr/bin/env python3
"""Texts in columns beside one another, wrapped by the width that letters have on a terminal: columns.py WIDTH FILE..."""

import sys
import unicodedata
from itertools import zip_longest

GAP = "    "


def width(text):
    wide = lambda letter: 2 if unicodedata.east_asian_width(letter) in "WF" else 0 if unicodedata.combining(letter) else 1
    return sum(map(wide, text))


def wrapped(line, most):
    """A line as lines, cut at spaces, and between letters where a word is longer than a line."""
    lines, now = [], ""
    for word in line.split(" "):
        begun = f"{now} {word}" if now else word
        if width(begun) <= most:
            now = begun
            continue
        if now:
            lines.append(now)
        now = ""
        for letter in word:
            if width(now + letter) > most:
                lines.append(now)
                now = ""
            now += letter
    return [*lines, now]


def main():
    most, files = int(sys.argv[1]), sys.argv[2:]
    columns = []
    for file in files:
        with open(file, encoding="utf-8") as text:
            columns.append([part for line in text.read().rstrip().split("\n") for part in wrapped(line, most)])
    for row in zip_longest(*columns, fillvalue=""):
        print(GAP.join(cell + " " * (most - width(cell)) for cell in row).rstrip())


if __name__ == "__main__":
    main()
