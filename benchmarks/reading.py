"""Benchmark of reading CSV files into arrays for training."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.runner import ROOT, environment

NUMBERS, TEXTS = 16, 3
"""The numbers of numeric and text columns, besides the target."""

_READERS = {"minigrad": "from minigrad.data import Table", "pandas": "from pandas import read_csv"}
_READ = {"minigrad": "Table(sys.argv[1], 'y')", "pandas": "read_csv(sys.argv[1])"}
_MIXED = "Table(sys.argv[1], 'y', delimiter=';', decimal=',', missing='median', dates=('date 0', 'date 1'))"
"""The code that reads the mixed table: numbers with decimal commas, a tenth of them missing, dates and texts."""

_PROGRAM = """
import json, resource, sys
from time import perf_counter
{prepare}
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before, start = peak(), perf_counter()
data = {read}
print(json.dumps([perf_counter() - start, peak() - before]))
"""


@dataclass
class Reading:
    """The measurements of one reader.

    Attributes:
        reader: the package. pandas returns the columns of the file, while a Table also splits and encodes them. "mixed"
            is a Table with decimal commas, gaps and dates.
        rows: the rows of the file, which has 20 columns.
        size: the size of the file in bytes.
        seconds: the time of each round, in a new process.
        peak: the additional peak memory of each round, in bytes.
    """

    reader: str
    rows: int
    size: int
    seconds: list[float]
    peak: list[int]


def measure_reading(rows: int = 1_000_000, rounds: int = 3) -> list[Reading]:
    """Measure each reader on a table of numbers, three text columns and a binary target, and on a mixed table."""
    with TemporaryDirectory() as folder:
        plain, mixed = Path(folder) / "table.csv", Path(folder) / "mixed.csv"
        write_table(plain, rows)
        write_table(mixed, rows, mixed=True)
        ways = [(name, plain, _READERS[name], _READ[name]) for name in _READERS if find_spec(name)]
        ways.append(("mixed", mixed, _READERS["minigrad"], _MIXED))
        found = [Reading(name, rows, path.stat().st_size, [], []) for name, path, _, _ in ways]
        for _ in range(rounds):
            for reading, (_, path, prepare, read) in zip(found, ways, strict=True):
                seconds, peak = _read(prepare, read, path)
                reading.seconds.append(seconds)
                reading.peak.append(peak)
    return found


def write_table(path: Path, rows: int, mixed: bool = False) -> None:
    """Write a CSV file of 20 columns; a mixed one has decimal commas, a tenth of gaps, and two date columns."""
    mark = ";" if mixed else ","
    generator = np.random.default_rng(0)
    texts = (["red", "green", "blue"], ["small", "large"], ["north", "east", "south", "west"])
    with path.open("w", encoding="utf-8") as file:
        names = [*(f"number {i}" for i in range(NUMBERS)), *(f"text {i}" for i in range(TEXTS)), "y"]
        names[:2] = ["date 0", "date 1"] if mixed else names[:2]
        file.write(mark.join(names) + "\n")
        for start in range(0, rows, 10_000):
            n = min(10_000, rows - start)
            columns = [list(map("{:.4f}".format, generator.normal(size=n) * 50)) for _ in range(NUMBERS)]
            if mixed:
                columns = [
                    ["" if i % 10 == 0 else x.replace(".", ",") for i, x in enumerate(cells)] for cells in columns
                ]
                days = np.datetime64("2000-01-01") + generator.integers(0, 9000, (2, n))
                columns[:2] = days.astype(str).tolist()
            columns += [list(map(str, generator.choice(values, n))) for values in (*texts, ["yes", "no"])]
            file.write("\n".join(map(mark.join, zip(*columns, strict=True))) + "\n")


def _read(prepare: str, read: str, path: Path) -> tuple[float, int]:
    program = _PROGRAM.format(prepare=prepare, read=read)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
        env=environment(1),
    )
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak
