"""Compares minigrad with its installed peers: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.config import measure_configs
from benchmarks.footprint import footprints
from benchmarks.runner import compare
from benchmarks.table import render_comparison, render_configs, render_footprints
from benchmarks.workload import PEERS
from benchmarks.workloads import WORKLOADS

FOOTPRINT = "footprint"
CONFIG = "config"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what was asked for, prints it, and returns 0; 1 if a peer or a config did not do what it has to."""
    names = [*WORKLOADS, FOOTPRINT, CONFIG]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=f"names: {' '.join(names)}"
    )
    parser.add_argument("names", nargs="*", help="what to measure, by the beginning of its name; all if left out")
    parser.add_argument("--threads", type=int, default=2, help="for each peer (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=11, help="turns of each peer (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes and turns: does everything run?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes all that was measured")
    options = parser.parse_args(arguments)
    chosen = [name for name in names if not options.names or name.startswith(tuple(options.names))]
    for name in options.names:
        if not any(known.startswith(name) for known in names):
            parser.error(f"nothing is called {name!r}; there are: {', '.join(names)}")
    if options.threads < 1 or options.rounds < 2:
        parser.error("a comparison takes at least 1 thread and 2 rounds")

    found: dict[str, Any] = {"conditions": conditions(options.threads), "workloads": {}}
    print(", ".join(f"{what} {value}" for what, value in found["conditions"].items()), flush=True)
    is_right = True
    for name in chosen:
        if name == FOOTPRINT:
            measured = footprints(options.threads, 2 if options.smoke else 5)
            found[FOOTPRINT] = [asdict(footprint) for footprint in measured]
            text = render_footprints(measured)
        elif name == CONFIG:
            figures = measure_configs(2, 1, 50) if options.smoke else measure_configs()
            found[CONFIG] = asdict(figures)
            is_right = is_right and not figures.faults
            text = render_configs(figures)
        else:
            workload = WORKLOADS[name]
            seconds = 0.01 if options.smoke else 0.25
            results = compare(workload, options.threads, options.rounds, seconds, options.smoke, _tell)
            found["workloads"][name] = {"title": workload.title, "results": [asdict(result) for result in results]}
            is_right = is_right and all(result.seconds for result in results)
            text = render_comparison(workload, results)
        _tell("")
        print(f"\n{text}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if is_right else 1


def conditions(threads: int) -> dict[str, str | int | float]:
    """What figures depend on. On a machine with other work, threads that wait for each other wait long."""
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown"
    found: dict[str, str | int | float] = {
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 0,
        "busy cores before": load,
        "threads": threads,
        "Python": platform.python_version(),
    }
    for package in dict.fromkeys(package for _, package in PEERS.values()):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _tell(what: str) -> None:
    """What is being done, on one line that the next overwrites; only for a person who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
