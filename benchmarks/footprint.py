"""Benchmark of footprints: import time and installed size."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.runner import ROOT, environment
from benchmarks.workload import PEERS

_TIMED_IMPORT = """
import json, sys
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
__import__(sys.argv[1])
print(json.dumps(perf_counter() - (start if sys.argv[1] == "numpy" else middle)))
"""


@dataclass
class Footprint:
    """The footprint of one package.

    Attributes:
        package: the name of the package.
        seconds: its import time in each round, in a new process that has imported NumPy (except for NumPy itself).
        size: the bytes of its files, without dependencies and compiled Python.
    """

    package: str
    seconds: list[float]
    size: int


def footprints(threads: int = 2, rounds: int = 5) -> list[Footprint]:
    """Measure every installed package, one import of each per round; the first round, a warm-up, does not count."""
    packages = [package for package in dict.fromkeys(package for _, package in PEERS.values()) if find_spec(package)]
    found = [Footprint(package, [], installed_size(package)) for package in packages]
    for i in range(rounds + 1):
        for footprint in found:
            seconds = _import_time(footprint.package, threads)
            if i > 0:
                footprint.seconds.append(seconds)
    return found


def _import_time(package: str, threads: int) -> float:
    # reuse the bytecode compiled by the installation or the first round
    variables = {name: value for name, value in environment(threads).items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _TIMED_IMPORT, package],
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
        env=variables,
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def installed_size(package: str) -> int:
    """Return the bytes of an installed package's files, including its bundled shared libraries."""
    spec = find_spec(package)
    assert spec is not None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    folders += [folder.with_name(f"{package}.libs") for folder in folders]
    files = (file for folder in folders for file in folder.rglob("*") if "__pycache__" not in file.parts)
    return sum(file.stat().st_size for file in files if file.is_file())
