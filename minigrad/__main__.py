"""The command line as a process.

`minigrad`, `python -m minigrad` and `train.py` start it.
"""

import sys
from collections.abc import Sequence

from minigrad import startup
from minigrad.cli.main import main as run


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    See `minigrad.cli.main`.
    """
    exit_code = run(argv)
    startup.finished()
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
