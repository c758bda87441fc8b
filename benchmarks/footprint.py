"""What a library costs before it does anything: seconds to import, bytes on the disk."""

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
    """One package.

    Attributes:
        package: its name.
        seconds: of each round, what importing it took in a fresh process that had imported NumPy (for NumPy: without).
        size: of its files, in bytes, without those of what it needs and without compiled Python.
    """

    package: str
    seconds: list[float]
    size: int


def footprints(threads: int = 2, rounds: int = 5) -> list[Footprint]:
    """Measures every installed package, one import each in turn; the first round, which warms the disk, is left out."""
    packages = [package for package in dict.fromkeys(package for _, package in PEERS.values()) if find_spec(package)]
    found = [Footprint(package, [], installed_size(package)) for package in packages]
    for i in range(rounds + 1):
        for footprint in found:
            seconds = _import_time(footprint.package, threads)
            if i > 0:
                footprint.seconds.append(seconds)
    return found


def _import_time(package: str, threads: int) -> float:
    # what an installation has compiled, or the first round has, is not compiled again
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
    """The bytes of the files of an installed package, and of the shared libraries that came with it."""
    spec = find_spec(package)
    assert spec is not None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    folders += [folder.with_name(f"{package}.libs") for folder in folders]
    files = (file for folder in folders for file in folder.rglob("*") if "__pycache__" not in file.parts)
    return sum(file.stat().st_size for file in files if file.is_file())
