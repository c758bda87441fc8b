"""Execution of a page's code blocks, which share their names."""

from __future__ import annotations

import ast
import io
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

PAGE = "lesson"
_names: dict[str, Any] = {"__name__": PAGE}

LACKS = (ModuleNotFoundError, FileNotFoundError)
"""The errors of blocks that need a package or a file that is not available on a page."""

_lacked: list[str] = []
"""The missing requirements of earlier blocks, which also explain missing names."""


def run(code: str) -> dict[str, str]:
    """Run a block as the visitor has written it, and return its output.

    If the last line is an expression, its value is shown, too, as a picture if it is SVG, or else as text.

    Returns:
        `printed`, the output; `picture`, an SVG or ""; `error`, the visitor's line and the error, or ""; `lacks`, what
        the block needs and a page does not have, or "".
    """
    out = io.StringIO()
    picture = error = lacks = ""
    try:
        tree = ast.parse(code, PAGE)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with redirect_stdout(out), redirect_stderr(out):
            exec(compile(tree, PAGE, "exec"), _names)
            value = eval(compile(ast.Expression(last.value), PAGE, "eval"), _names) if last is not None else None
        if isinstance(value, str) and value.lstrip().startswith("<svg"):
            picture = value
        elif value is not None:
            out.write(f"{value!r}\n")
    except BaseException as raised:
        told = f"{type(raised).__name__}: {raised}"
        if isinstance(raised, LACKS) or (isinstance(raised, NameError) and _lacked):
            lacks = told
            _lacked.append(told)
        else:
            frames = traceback.extract_tb(raised.__traceback__)
            own = [f"line {frame.lineno}: " for frame in frames if frame.filename == PAGE]
            line = f"line {raised.lineno}: " if isinstance(raised, SyntaxError) else "".join(own[-1:])
            error = f"{line}{told}"
    return {"printed": out.getvalue(), "picture": picture, "error": error, "lacks": lacks}
