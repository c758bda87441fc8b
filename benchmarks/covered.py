"""The lines that the suite runs, by package: `python -m benchmarks.covered`, after `pytest --cov`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from coverage import Coverage

FLOOR, FLOOR_OF_PACKAGE = 97.0, 90.0
"""Percent of the lines of all packages together, and of each."""


def by_package(files: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Returns the numbers of run and of all lines of each package, given those of files below `minigrad/`."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for path, (run, of) in files.items():
        parts = PurePath(path).parts
        package = parts[parts.index("minigrad") + 1 : -1][:1]
        name = ".".join(("minigrad", *package))
        found[name] = (found[name][0] + run, found[name][1] + of)
    return dict(sorted(found.items()))


def faults(packages: Mapping[str, tuple[int, int]]) -> list[str]:
    """Returns a sentence for each floor that is not reached."""
    found = [
        f"{name}: {percent(counts):.1f} % of its lines are run, fewer than {FLOOR_OF_PACKAGE:g} %"
        for name, counts in packages.items()
        if percent(counts) < FLOOR_OF_PACKAGE
    ]
    whole = percent(total(packages.values()))
    return found if whole >= FLOOR else [*found, f"{whole:.1f} % of all lines are run, fewer than {FLOOR:g} %"]


def percent(counts: tuple[int, int]) -> float:
    """Returns the share of lines that are run; all of none."""
    return 100 * counts[0] / counts[1] if counts[1] else 100.0


def total(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Returns the sums of both numbers."""
    run, of = zip(*counts, strict=True)
    return sum(run), sum(of)


def measured(data: str) -> dict[str, tuple[int, int]]:
    """Returns the numbers of run and of all lines of each file that a file of coverage knows."""
    coverage = Coverage(data)
    coverage.load()
    counts = {}
    for path in coverage.get_data().measured_files():
        _, lines, _, missing, _ = coverage.analysis2(path)
        counts[path] = (len(lines) - len(missing), len(lines))
    return counts


def main(data: str = ".coverage") -> int:
    """Prints the table, and returns 1 if a floor is not reached."""
    packages = by_package(measured(data))
    for name, counts in (*packages.items(), ("all", total(packages.values()))):
        print(f"{name:22} {counts[0]:6} of {counts[1]:6}  {percent(counts):5.1f} %")
    found = faults(packages)
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
