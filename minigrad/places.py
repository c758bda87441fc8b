"""Lines of a user's own Python files, for messages.

They show where a class is defined, or where an error came from.
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

    A message has it after the name; "" for any other class.
    """
    try:
        file = inspect.getsourcefile(thing)
        line = inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):  # entered in an interpreter, or built in
        return ""
    return f" ({_short(file)}:{line})" if file and is_users(file) else ""


def described(error: BaseException, refusals: tuple[type[Exception], ...]) -> tuple[str, str] | None:
    """Return the sentence and line of a user's error.

    Args:
        error: the error.
        refusals: error types whose messages are meant for the user, wherever they come from.

    Returns:
        The sentence and the line, which may be empty; None for an error that neither is a refusal nor comes from a
        user's file.
    """
    if isinstance(error, refusals):
        return str(error), line_of(error)
    frame = _users_frame(error)
    if frame is None or isinstance(error, (MemoryError, KeyboardInterrupt)):  # not the user's mistake
        return None
    return f"{type(error).__name__}: {error}".removesuffix(": "), _line(frame)


def line_of(error: BaseException) -> str:
    """Return `file:line, in function: statement` of a user's line.

    It is the innermost line of a user's file that was called from minigrad; "" if the error did not pass through such a
    line, or was raised by that line itself.
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

    That is, it does not belong to minigrad, Python or an installed package, and is not generated.
    """
    return os.path.isfile(file) and not is_installed(file) and not _is_ours(file)


def is_installed(file: str) -> bool:
    """Whether a file is Python's or an installed package's.

    minigrad itself does not count.
    """
    path = os.path.realpath(file)
    return any(path.startswith(folder + os.sep) for folder in _INSTALLED) and not _is_ours(file)


def _is_ours(file: str) -> bool:
    return os.path.realpath(file).startswith(_OURS + os.sep)


def _short(file: str) -> str:
    """Return a path relative to the current folder, if it is inside."""
    path, here = os.path.realpath(file), os.path.realpath(os.curdir)
    return os.path.relpath(path, here) if path.startswith(here + os.sep) else file
