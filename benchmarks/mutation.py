"""Random mutations of configs, including hostile ones."""

from __future__ import annotations

import re
from random import Random
from typing import Any

Edit = tuple[str, int, Any]
"""A mutation: its kind, its position (modulo the length), and its text."""

LINES = ("delete", "repeat", "swap", "indent", "outdent")

HOSTILE = (
    # tags that would run code in an unsafe loader
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
    # other features of YAML
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
    # numbers, including texts that other versions of YAML read as numbers
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
    # classes that a config cannot build, and classes in the wrong place
    "Module",
    "Experiment",
    "Sloppy: 1",
    "Greedy: 1",
    "Sequential",
    "Sequential: {0: ReLU}",
)


def mutate(text: str, edits: list[Edit]) -> str:
    """Return the text after edits: "insert" and "cut" at a character, "value" and `LINES` at a line."""
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
    """Return one to four edits."""
    edits: list[Edit] = []
    for _ in range(draw.randint(1, 4)):
        where = draw.randrange(10_000)
        kind = draw.choice(["line", "value", "insert", "cut"])
        if kind == "line":
            edits.append((draw.choice(LINES), where, draw.randrange(10_000)))
        else:
            edits.append((kind, where, draw.randint(1, 5) if kind == "cut" else draw.choice(HOSTILE)))
    return edits
