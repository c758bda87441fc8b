"""Configs that nobody meant well: a right one with lines, bytes and values that someone got wrong, or worse."""

from __future__ import annotations

import re
from random import Random
from typing import Any

Edit = tuple[str, int, Any]
"""What is done, where (taken modulo what there is), and with what."""

LINES = ("delete", "repeat", "swap", "indent", "outdent")

HOSTILE = (
    # what would run code, if anything did
    "!!python/object/apply:os.system ['touch hacked']",
    "!!python/name:os.system",
    "!include /etc/passwd",
    "!!binary x",
    "os.system",
    "os.system: ls",
    "subprocess.Popen: [ls]",
    "__import__: os",
    "__class__",
    "base: /etc/passwd",
    "base: mine.yaml",
    # what YAML has besides
    "&a [*a, *a]",
    "*a",
    "<<: {lr: 1}",
    "%YAML 1.1\n---",
    "---",
    "...",
    "? [a]\n: b",
    "? ",
    "- - - -",
    "[" * 70,
    "{a: " * 70,
    "|\n  a",
    ">-\n  a",
    "'",
    '"',
    '"\\x00"',
    '"\\ud800"',
    '"\\UFFFFFFFF"',
    # references
    "${env:HOME}",
    "${env:MINIGRAD_X}",
    "${}",
    "${model}",
    "${model.0}",
    "${optimizer.lr}",
    "'${seed}'",
    "${",
    "${a.b.c}",
    # numbers, and what other versions of YAML take for others
    "9" * 400,
    "1e999",
    "-1e999",
    "0x" + "f" * 40,
    ".nan",
    ".inf",
    "1_000",
    "1:30",
    "~",
    "null",
    "true",
    "no",
    "-0",
    "0o17",
    # characters
    "\t",
    "\r",
    "\x00",
    "\x85",
    "\u2028",
    "\ufeff",
    "\U0001f600",
    "é",
    "a" * 3000,
    # classes that no config can build, and those that it can, where they do not belong
    "Module",
    "Experiment",
    "Sloppy: 1",
    "Greedy: 1",
    "Sequential",
    "Sequential: {0: ReLU}",
)


def mutate(text: str, edits: list[Edit]) -> str:
    """Returns the text after some edits: "insert" and "cut" at a character, "value" and `LINES` at a line."""
    for edit, where, what in edits:
        lines = text.split("\n")
        i = where % len(lines)
        at = where % (len(text) + 1)
        match edit:
            case "delete":
                del lines[i]
            case "repeat":
                lines.insert(i, lines[i])
            case "swap":
                j = what % len(lines)
                lines[i], lines[j] = lines[j], lines[i]
            case "indent":
                lines[i] = " " * (what % 5) + lines[i]
            case "outdent":
                lines[i] = lines[i].lstrip()
            case "value":
                lines[i] = re.sub(r"[^ :\[\]{},]+(?=[\]},]*$)", what.replace("\\", r"\\"), lines[i], count=1)
            case "insert":
                lines = [text[:at] + what + text[at:]]
            case "cut":
                lines = [text[:at] + text[at + what :]]
        text = "\n".join(lines)
    return text


def random_edits(draw: Random) -> list[Edit]:
    """Returns one to four edits."""
    edits: list[Edit] = []
    for _ in range(draw.randint(1, 4)):
        where = draw.randrange(10_000)
        kind = draw.choice(["line", "value", "insert", "cut"])
        if kind == "line":
            edits.append((draw.choice(LINES), where, draw.randrange(10_000)))
        else:
            edits.append((kind, where, draw.randint(1, 5) if kind == "cut" else draw.choice(HOSTILE)))
    return edits
