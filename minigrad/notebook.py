"""HTML for notebooks, and whether one is running."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from html import escape

_NUMBER = re.compile(r"-?[\d,.]+(e[-+]\d+)?|nan|-?inf")


def html_table(head: Sequence[object], *rows: Sequence[object]) -> str:
    """Return an HTML table, numbers right-aligned.

    All text is escaped.
    """
    return "\n".join(["<table>", _row("th", head), *(_row("td", row) for row in rows), "</table>"])


def html_text(text: str) -> str:
    """Return an escaped text in a monospaced font."""
    return f"<pre>{escape(text)}</pre>"


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook.

    It asks IPython, if that has been imported.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())


def _row(kind: str, cells: Sequence[object]) -> str:
    return f"<tr>{''.join(_cell(kind, cell) for cell in cells)}</tr>"


def _cell(kind: str, value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    side = "right" if _NUMBER.fullmatch(text) else "left"
    return f'<{kind} style="text-align: {side}; white-space: pre">{escape(text)}</{kind}>'
