"""A process above each rank, which tells what no rank can tell of itself: that it was killed."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import time
from types import FrameType

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_ABORT_SECONDS = 5.0
_OUTPUT_SECONDS = 0.3  # until a launcher that ends has passed on what was said


def supervise(rank: int) -> None:
    """Goes on in a child of this process, which from now on only waits for it, and ends as it does.

    Launchers tell of a rank that was killed in words and exit codes of their own. Here it is a sentence, and 1.
    Elsewhere than on Linux nothing is done, and the launcher has its say.
    """
    if sys.platform != "linux":
        return
    sys.stdout.flush()
    sys.stderr.flush()
    this = os.getpid()
    child = os.fork()
    if child:
        os._exit(_outcome(child, rank))
    os.setpgid(0, 0)  # what a launcher sends to its group is to arrive once: from above
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    if os.getppid() != this:
        os._exit(1)


def _outcome(child: int, rank: int) -> int:
    """Waits for the child, passing signals on, and returns the exit code; says so if it was killed."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    fate = signal.Signals(os.WTERMSIG(status))
    if fate in (signal.SIGINT, signal.SIGTERM):  # before it could take notice
        return 128 + fate
    who = f"rank {rank} (host {platform.node()})"
    print(f"error: {who} was killed by {fate.name}: the run ends, --resume goes on from its last checkpoint",
          file=sys.stderr, flush=True)  # fmt: skip
    abort(1)
    return 1


def abort(exit_code: int) -> None:
    """Asks the launcher to end all ranks with this exit code, if it is one that is asked by PMI-1, as that of MPICH.

    It would else take the code of a process that it has ended itself.
    """
    if "PMI_FD" in os.environ:
        time.sleep(_OUTPUT_SECONDS)
        os.write(int(os.environ["PMI_FD"]), b"cmd=abort exitcode=%d\n" % exit_code)
        time.sleep(_ABORT_SECONDS)
