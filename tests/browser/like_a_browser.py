"""Runs the command line on a platform like a browser's: no locks, threads, mapped files, signals or processes.

    python like_a_browser.py minigrad/__main__.py train configs/digits_mlp.yaml

Nothing needs to be installed for it: what a browser lacks is taken away before minigrad is imported.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
from typing import Any, NoReturn

ABSENT = ("fcntl", "mmap", "mpi4py", "multiprocessing", "pydoc_data", "pydoc_data.topics", "resource", "termios")


def no_thread(*args: Any, **kwargs: Any) -> NoReturn:
    raise RuntimeError("can't start new thread")


def no_process(*args: Any, **kwargs: Any) -> NoReturn:
    raise OSError(138, "emscripten does not support processes.")


def no_signal(*args: Any, **kwargs: Any) -> NoReturn:
    raise ValueError("signal only works in main thread of the main interpreter")


if __name__ == "__main__":
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]
    threading.Thread.start = no_thread  # type: ignore[method-assign]
    subprocess.Popen = no_process  # type: ignore[misc, assignment]
    signal.signal = no_signal
    os.cpu_count = lambda: 1
    for name in ("sched_getaffinity", "fork", "kill"):
        if hasattr(os, name):
            delattr(os, name)
    sys.argv = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    runpy.run_path(sys.argv[0], run_name="__main__")
