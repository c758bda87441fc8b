r"""Pre-tokenizers: patterns that split text before merging.

The patterns are written as their models publish them, with `\p{L}` and `\p{N}`, which `re` does not support. These are
replaced by ranges of characters, from the Unicode version of the running Python.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

PATTERNS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    ),
    "qwen2": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    ),
    # published as two steps: each digit by itself, and GPT-2's pattern on the text between digits
    "smollm": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+",
}
"""The pattern of each pre-tokenizer, by name."""

SPACES = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
r"""Unicode's White_Space, to which `\s` in `re` adds four control characters."""


@lru_cache
def words(name: str) -> re.Pattern[str]:
    """Return a pre-tokenizer's pattern, whose matches cover any text.

    Raises:
        KeyError: for a name that `PATTERNS` does not have.
    """
    inside = {r"\s": SPACES, r"\p{L}": _ranges("L"), r"\p{N}": _ranges("N")}
    outside = {r"\S": f"[^{SPACES}]", **{sign: f"[{ranges}]" for sign, ranges in inside.items()}}

    def spelled(match: re.Match[str]) -> str:
        if match[0][0] != "[":
            return outside[match[0]]
        return re.sub(r"\\s|\\p\{.\}", lambda sign: inside[sign[0]], match[0])

    return re.compile(re.sub(r"\[[^]]*\]|\\[sS]|\\p\{.\}", spelled, PATTERNS[name]))


@lru_cache
def _ranges(kind: str) -> str:
    """Return the characters of a major Unicode category, as the inside of a character class of `re`."""
    text = []
    for is_kind, group in groupby(range(0x110000), lambda code: unicodedata.category(chr(code))[0] == kind):
        if is_kind:
            codes = list(group)
            text.append(f"\\U{codes[0]:08x}-\\U{codes[-1]:08x}")
    return "".join(text)
