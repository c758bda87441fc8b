"""Settings before NumPy is imported, and the command line's start.

`import minigrad` imports this module first. In a process that is not the command line, it only limits how long BLAS's
threads spin.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from types import FrameType, TracebackType

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""The variables of BLAS's number of threads, which it reads when NumPy is imported."""

BLAS_SPIN = ("OPENBLAS_THREAD_TIMEOUT", "22")
"""The variable for how long OpenBLAS's threads spin after a product, with our value: 2**22 cycles, about 1.5 ms.

OpenBLAS reads it when NumPy is imported. With its default, 2**26 cycles or about 26 ms, the threads of a plain loop
spin all the time, on the core that should compute the other half of a convolution. On two cores of an EPYC server (Zen
3) a CNN is 1.22 times as fast with 2**22 and a residual net 1.16 times, while consecutive products keep their speed.
With 2**16 an LSTM takes almost twice as long, because its products wait for threads to wake up.
"""

INTERRUPTED = 130
"""The exit code for Ctrl-C: 128 + the number of SIGINT."""


def is_command_line() -> bool:
    """Whether this process was started as minigrad's command line.

    That is, by `minigrad`, `python -m minigrad`, or the `train.py` of this repository.
    """
    program = sys.argv[0] if sys.argv else ""
    if program == "-m":  # the module's name is not known yet
        words = sys.orig_argv
        return any(a[:1] == "-" and a[-1:] == "m" and b == "minigrad" for a, b in pairwise(words))
    clone = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    name = os.path.splitext(os.path.basename(program))[0]
    return name == "minigrad" or os.path.realpath(program) == os.path.join(clone, "train.py")


def imported() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, after the imports."""
    import signal

    if signal.getsignal(signal.SIGINT) is _quit:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def finished() -> None:
    """Ignore Ctrl-C from now on.

    All results are written, and only the interpreter's shutdown is left.
    """
    import signal

    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # this platform handles no signals, such as a browser
        return


def _quit(number: int, frame: FrameType | None) -> None:
    """End the process at once. An exception during an import would be shown as a traceback, or be lost."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _quit_on_interrupt(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Act as `_quit` for a Ctrl-C before `_quit` is installed."""
    if issubclass(kind, KeyboardInterrupt):
        _quit(0, None)
    sys.__excepthook__(kind, error, traceback)


def _begin() -> None:
    sys.excepthook = _quit_on_interrupt  # first, as importing `signal` takes some milliseconds
    import signal

    signal.signal(signal.SIGINT, _quit)
    from minigrad import streams

    streams.prepare()
    # One thread: small products do not benefit from a second one, which would busy-wait during other work, and the
    # number of threads changes the bits.
    for name in BLAS_THREADS:
        os.environ.setdefault(name, "1")


if "numpy" not in sys.modules:
    os.environ.setdefault(*BLAS_SPIN)
if is_command_line():
    _begin()
