"""Draw the pictures of the lessons: `python -m docs.lessons`, or `python -m docs.lessons 1 2` for some of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from minigrad.config import ConfigError

FOLDER = Path(__file__).parent / "pictures"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write each picture as `<lesson>_<name>.svg` and print its path; return 2 if data is missing, else 0."""
    parser = argparse.ArgumentParser(prog="python -m docs.lessons", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="the lessons; default: all")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        from docs.lessons.figures import LESSONS
    except ModuleNotFoundError as error:
        parser.error(str(error))
    for number in options.numbers:
        if number not in LESSONS:
            parser.error(f"there is no lesson {number}; there are: {', '.join(map(str, LESSONS))}")
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        for number in options.numbers or LESSONS:
            for picture in LESSONS[number]:
                print(picture().save(options.out, svg=True), flush=True)
    except ConfigError as error:  # for example without MNIST
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
