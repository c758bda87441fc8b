"""The code of a page, block by block: what one defines, the next may use."""

from __future__ import annotations

import ast
import io
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

PAGE = "lesson"
_names: dict[str, Any] = {"__name__": PAGE}

LACKS = (ModuleNotFoundError, FileNotFoundError)
"""What is raised where a block needs a package or a file that a page does not have."""

_lacked: list[str] = []
"""What earlier blocks lacked: names that they would have defined are missing for the same reason."""


def run(code: str) -> dict[str, str]:
    """Runs a block as the visitor has written it, and returns what it printed.

    The value of a last line that is an expression is shown, too: as a picture if it is SVG, or else as text.

    Returns: `printed`; `picture`, SVG or nothing; `error`, the visitor's line and what was raised there, or nothing;
        `lacks`, what a page does not have and the block needs, or nothing.
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
