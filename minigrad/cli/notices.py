"""Warnings of the command line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def one_line_warnings(shown: bool) -> Iterator[None]:
    """Print each warning of the block once, on one line.

    Warnings go to standard error, without Python's source line. NumPy's warnings of infinities are suppressed, because
    the resulting loss or gradient is reported.

    Args:
        shown: whether this process prints warnings; only one of several ranks does.
    """
    said: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split())
        if shown and text not in said:
            said.add(text)
            print(f"warning: {text}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("always", UserWarning)  # even if the same line has warned before
        warnings.showwarning = show
        yield
