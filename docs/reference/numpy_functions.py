"""The table of NumPy's functions in docs/numpy.md: `python -m docs.reference.numpy_functions` updates it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minigrad.ops  # noqa: F401 - declares what stands for NumPy's functions
from minigrad.engine.apply import numpy_functions
from minigrad.ops.refused import CONSTANT, OF_SHAPES, reason

PAGE = Path(__file__).parents[1] / "numpy.md"
HEADING = "## Every function"
DERIVATIVE, CONSTANTS, REFUSED = "●", "○", "–"
_MODULES = (("", np), ("linalg.", np.linalg), ("fft.", np.fft))


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yields every function of the installed NumPy, its ufuncs included, with its name, such as "linalg.norm"."""
    for prefix, module in _MODULES:
        for name in sorted(dir(module)):
            value = getattr(module, name)
            if name[0] != "_" and callable(value) and not isinstance(value, type):
                yield prefix + name, value


def row(name: str, function: Callable[..., Any]) -> tuple[str, str]:
    """Returns the mark of a function, and the file that has its derivative, or why it takes no tensor.

    Raises: LookupError if nothing is known of it.
    """
    operation = numpy_functions.get(function)
    primitive = getattr(operation, "primitive", None)
    if name in (*CONSTANT.split(), *OF_SHAPES.split()) or (primitive is not None and not primitive.rules):
        return CONSTANTS, ""
    if operation is not None:
        forward = operation if primitive is None else primitive.forward
        module = getattr(forward, "__module__", None) or ""
        file = (module if module.startswith("minigrad.") else "minigrad.ops.elementwise").rpartition(".")[2]
        return DERIVATIVE, f"{'engine' if '.engine.' in module else 'ops'}/{file}.py"
    if why := reason(name):
        return REFUSED, why
    raise LookupError(f"np.{name} has no derivative, and is in no list of minigrad/ops/refused.py")


def table() -> str:
    """Returns the table, for the installed NumPy."""
    lines = ["| function | | file or reason |", "|---|---|---|"]
    for name, function in functions():
        mark, note = row(name, function)
        lines.append(f"| `{name}` | {mark} | {note} |")
    return "\n".join(lines)


def main() -> None:
    """Writes the table into the page."""
    text, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    legend = (
        f"The functions of NumPy {np.__version__}. {DERIVATIVE} is differentiable, by the file in the last column; "
        f"{CONSTANTS} returns a constant;\n{REFUSED} does not take tensors, for the reason in the last column."
    )
    PAGE.write_text(f"{text}{HEADING}\n\n{legend}\n\n{table()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
