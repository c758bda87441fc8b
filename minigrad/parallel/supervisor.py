"""A supervisor process per rank, which reports kills."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import time
from types import FrameType

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_FORWARDED = (signal.SIGINT, signal.SIGTERM)
_ABORT_SECONDS = 5.0
_OUTPUT_SECONDS = 0.3  # time for the launcher to forward output before it ends


def supervise(rank: int) -> None:
    """Continue in a child process; wait for it here.

    This process ends when the child does. If the child was killed, it prints a message and exits with code 1, while
    each launcher would use a code of its own. On systems other than Linux this does nothing.

    Args:
        rank: this process's rank.
    """
    if sys.platform != "linux":
        return
    sys.stdout.flush()
    sys.stderr.flush()
    this = os.getpid()
    # A signal would end this process, and with it the child, before `_outcome` can forward it: it has to wait.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    child = os.fork()
    if child:
        os._exit(_outcome(child, rank))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.setpgid(0, 0)  # signals to the launcher's group arrive once, through the parent
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    if os.getppid() != this:
        os._exit(1)


def _outcome(child: int, rank: int) -> int:
    """Wait for the child, forwarding signals; return its exit code.

    It also reports a child that was killed.
    """

    def pass_on(number: int, frame: FrameType | None) -> None:
        os.kill(child, number)

    for number in _FORWARDED:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    fate = signal.Signals(os.WTERMSIG(status))
    if fate in _FORWARDED:  # before its handler was installed
        return 128 + fate
    who = f"rank {rank} (host {platform.node()})"
    print(f"error: {who} was killed by {fate.name}: the run ends, minigrad resume continues from its last checkpoint",
          file=sys.stderr, flush=True)  # fmt: skip
    abort(1)
    return 1


def abort(exit_code: int) -> None:
    """End all ranks of a PMI-1 launcher (MPICH).

    Without this, the launcher would exit with the code of a process that it ended itself.
    """
    if "PMI_FD" in os.environ:
        time.sleep(_OUTPUT_SECONDS)
        os.write(int(os.environ["PMI_FD"]), b"cmd=abort exitcode=%d\n" % exit_code)
        time.sleep(_ABORT_SECONDS)
