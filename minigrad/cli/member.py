"""A sweep's run: `python -m minigrad.cli.member train WORD ...`.

A sweep starts each run as a process of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from minigrad.cli.main import main


def _finish_with_parent() -> None:
    """Send this process SIGTERM when its standard input closes, because the parent has then ended."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _finish_with_parent()
    sys.exit(main())
