"""Error messages and exit codes of the command line."""

from __future__ import annotations

import errno
import os
import traceback

from minigrad.config import ConfigError
from minigrad.data import DataError
from minigrad.formats import FormatError
from minigrad.parallel import LaunchError, RankError
from minigrad.places import described, is_installed
from minigrad.runs import RunError
from minigrad.training import TrainingError, UsageError

_MEMORY = """\
  halving loader.batch_size with trainer.accumulate=2 takes the same steps in about half the memory; otherwise use
  a smaller model, shorter sequences or smaller images, or close other programs"""

REFUSED = (ConfigError, UsageError, DataError, FormatError, RunError, LaunchError, ModuleNotFoundError)
"""Errors in the user's input or installation, before anything was run: exit code 2."""


UNUSABLE = (errno.ENAMETOOLONG, errno.ELOOP)
"""Error numbers for paths that no file can have."""


def describe_failure(error: BaseException, debug: bool) -> tuple[str, int]:
    """Return the message for an error, and the exit code.

    Args:
        error: what a command raised.
        debug: whether to put the traceback in front.

    Returns:
        The message; 2 if the input was refused and nothing was run, else 1.
    """
    details = traceback.format_exc() if debug else ""
    is_refused = isinstance(error, REFUSED) or (isinstance(error, OSError) and error.errno in UNUSABLE)
    return details + _sentence(error), 2 if is_refused else 1


def _sentence(error: BaseException) -> str:
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"error: out of memory: {error or 'the system gave no more'}\n{_MEMORY}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: {error.filename}: {error.strerror}"
    if found := described(error, (ValueError, TrainingError, RankError, ModuleNotFoundError)):
        return "\n  ".join(filter(None, [f"error: {found[0]}{_of_environment(error)}", found[1]]))
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"error: {place.filename}:{place.lineno}: {type(error).__name__}: {error} (--debug shows the traceback)"


def _of_environment(error: BaseException) -> str:
    """Name the environment variable whose value a third-party package rejected, if any."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not is_installed(frames[-1].filename):
        return ""
    found = [f"{name}={value}" for name, value in os.environ.items() if repr(value) in str(error)]
    return f"; the environment sets {found[0]}" if found else ""
