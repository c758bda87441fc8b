"""Line coverage by package: `python -m benchmarks.covered`, after `pytest --cov`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from coverage import Coverage

FLOOR, FLOOR_OF_PACKAGE = 97.0, 90.0
"""The minimum percentage of covered lines in total, and of each package."""


def by_package(files: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return the numbers of covered and of all lines by package, given those of files below `minigrad/`."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for path, (run, of) in files.items():
        parts = PurePath(path).parts
        package = parts[parts.index("minigrad") + 1 : -1][:1]
        name = ".".join(("minigrad", *package))
        found[name] = (found[name][0] + run, found[name][1] + of)
    return dict(sorted(found.items()))


def faults(packages: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return a sentence for each minimum that is not reached."""
    found = [
        f"{name}: {percent(counts):.1f} % of its lines are run, fewer than {FLOOR_OF_PACKAGE:g} %"
        for name, counts in packages.items()
        if percent(counts) < FLOOR_OF_PACKAGE
    ]
    whole = percent(total(packages.values()))
    return found if whole >= FLOOR else [*found, f"{whole:.1f} % of all lines are run, fewer than {FLOOR:g} %"]


def percent(counts: tuple[int, int]) -> float:
    """Return the percentage of covered lines; 100 for no lines."""
    return 100 * counts[0] / counts[1] if counts[1] else 100.0


def total(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return the sums of both numbers."""
    run, of = zip(*counts, strict=True)
    return sum(run), sum(of)


def measured(data: str) -> dict[str, tuple[int, int]]:
    """Return the numbers of covered and of all lines by file, from a coverage data file."""
    coverage = Coverage(data)
    coverage.load()
    counts = {}
    for path in coverage.get_data().measured_files():
        _, lines, _, missing, _ = coverage.analysis2(path)
        counts[path] = (len(lines) - len(missing), len(lines))
    return counts


def main(data: str = ".coverage") -> int:
    """Print the table; return 1 if a minimum is not reached, else 0."""
    packages = by_package(measured(data))
    for name, counts in (*packages.items(), ("all", total(packages.values()))):
        print(f"{name:22} {counts[0]:6} of {counts[1]:6}  {percent(counts):5.1f} %")
    found = faults(packages)
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
