"""Lines of a user's own Python files, for messages.

They say where a class is defined, and where an error came from.
"""

from __future__ import annotations

import inspect
import os
import sysconfig
import traceback
from typing import Any

_OURS = os.path.dirname(os.path.realpath(__file__))
_INSTALLED = tuple({os.path.realpath(path) for name, path in sysconfig.get_paths().items() if name.endswith("lib")})


def defined_at(thing: Any) -> str:
    """Return ` (file:line)` of a user's class or function.

    It follows the name; empty for any other class.
    """
    try:
        file = inspect.getsourcefile(thing)
        line = inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):  # typed into an interpreter, or built in
        return ""
    return f" ({_short(file)}:{line})" if file and is_users(file) else ""


def described(error: BaseException, refusals: tuple[type[Exception], ...]) -> tuple[str, str] | None:
    """Return the sentence and line of a user's error.

    Args:
        error: that was caught.
        refusals: kinds of errors that speak for themselves, wherever they came from.

    Returns: the sentence and the line, which may be empty; None for an error that is neither such a refusal nor came
        from a user's file.
    """
    if isinstance(error, refusals):
        return str(error), line_of(error)
    frame = _users_frame(error)
    if frame is None or isinstance(error, (MemoryError, KeyboardInterrupt)):  # not the user's mistake
        return None
    return f"{type(error).__name__}: {error}".removesuffix(": "), _line(frame)


def line_of(error: BaseException) -> str:
    """Return `file:line, in function: statement` of a user's line.

    It is the innermost line of a user's file that was called from minigrad.

    Where an error did not pass through such a line, nothing; nor where that line raised it, in words of its own.
    """
    frame = _users_frame(error)
    if frame is None:
        return ""
    last = traceback.extract_tb(error.__traceback__)[-1]
    is_own = (frame.line or "").startswith("raise ") and frame == last
    return "" if is_own else _line(frame)


def _users_frame(error: BaseException) -> traceback.FrameSummary | None:
    """Return the innermost frame of a user's file that was called from minigrad."""
    frames = traceback.extract_tb(error.__traceback__)
    called = next((i for i, frame in enumerate(frames) if _is_ours(frame.filename)), len(frames))
    return next((frame for frame in reversed(frames[called:]) if is_users(frame.filename)), None)


def _line(frame: traceback.FrameSummary) -> str:
    """Return `file:line, in function: statement` of a frame."""
    return f"{_short(frame.filename)}:{frame.lineno}, in {frame.name}{f': {frame.line}' if frame.line else ''}"


def is_users(file: str) -> bool:
    """Whether a file is a user's own.

    It is neither minigrad's, nor Python's, nor of an installed package, nor generated.
    """
    return os.path.isfile(file) and not is_installed(file) and not _is_ours(file)


def is_installed(file: str) -> bool:
    """Whether a file is Python's or an installed package's.

    minigrad counts as none.
    """
    path = os.path.realpath(file)
    return any(path.startswith(folder + os.sep) for folder in _INSTALLED) and not _is_ours(file)


def _is_ours(file: str) -> bool:
    return os.path.realpath(file).startswith(_OURS + os.sep)


def _short(file: str) -> str:
    """Return a path from the current folder, if the file is below it."""
    path, here = os.path.realpath(file), os.path.realpath(os.curdir)
    return os.path.relpath(path, here) if path.startswith(here + os.sep) else file
