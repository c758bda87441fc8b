"""Compares minigrad with its installed peers: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.config import measure_configs
from benchmarks.footprint import footprints
from benchmarks.growth import measure_growth
from benchmarks.runner import Result, compare
from benchmarks.scaling import measure_scaling, render_scaling
from benchmarks.table import render_comparison, render_configs, render_footprints, render_growth
from benchmarks.workload import PEERS, Workload
from benchmarks.workloads import WORKLOADS


class Found(NamedTuple):
    """What was measured under one name.

    Attributes:
        values: results of peers, curves, footprints, or the figures of configs.
        text: for people.
        is_right: whether everyone did what they have to.
    """

    values: Any
    text: str
    is_right: bool = True


def _growth(options: argparse.Namespace) -> Found:
    curves = measure_growth(lambda workload, smoke: _compare(workload, options, smoke), options.smoke)
    return Found(curves, render_growth(curves), not any(curve.fault for curve in curves))


def _footprint(options: argparse.Namespace) -> Found:
    found = footprints(options.threads, 2 if options.smoke else 5)
    return Found(found, render_footprints(found))


def _config(options: argparse.Namespace) -> Found:
    figures = measure_configs(2, 1, 50) if options.smoke else measure_configs()
    return Found(figures, render_configs(figures), not figures.faults)


def _scaling(options: argparse.Namespace) -> Found:
    found = measure_scaling(1, 0.05, smoke=True) if options.smoke else measure_scaling()
    return Found(found, render_scaling(found))


def _workload(name: str, options: argparse.Namespace) -> Found:
    workload = WORKLOADS[name]
    results = _compare(workload, options, options.smoke)
    return Found(results, render_comparison(workload, results), all(result.seconds for result in results))


def _compare(workload: Workload, options: argparse.Namespace, smoke: bool) -> list[Result]:
    seconds = 0.01 if options.smoke else workload.turn
    return compare(workload, options.threads, options.rounds, seconds, smoke, _tell)


OTHERS: dict[str, Callable[[argparse.Namespace], Found]] = {
    "growth": _growth,
    "footprint": _footprint,
    "config": _config,
    "scaling": _scaling,
}
"""What is measured besides the workloads, by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what was asked for, prints it, and returns 0; 1 if a peer or a config did not do what it has to."""
    names = [*WORKLOADS, *OTHERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=f"names: {' '.join(names)}"
    )
    parser.add_argument("names", nargs="*", help="what to measure, by the beginning of its name; all if left out")
    parser.add_argument("--threads", type=int, default=2, help="for each peer (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=11, help="turns of each peer (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes and turns: does everything run?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes all that was measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draws the ratios and the curves (.png or .svg)")
    options = parser.parse_args(arguments)
    chosen = [name for name in names if not options.names or name.startswith(tuple(options.names))]
    for name in options.names:
        if not any(known.startswith(name) for known in names):
            parser.error(f"nothing is called {name!r}; there are: {', '.join(names)}")
    if options.threads < 1 or options.rounds < 2:
        parser.error("a comparison takes at least 1 thread and 2 rounds")
    if options.plot:
        if not find_spec("matplotlib"):
            parser.error("--plot needs matplotlib: pip install matplotlib, or minigrad with its extra `plots`")
        if options.plot.suffix not in (".png", ".svg"):
            parser.error(f"--plot writes .png and .svg, got {options.plot}")
        if not any(name in WORKLOADS or name in ("growth", "scaling") for name in chosen):
            parser.error("--plot draws workloads, growth and scaling: name one of them, or nothing")

    where = conditions(options.threads)
    print(", ".join(f"{what} {value}" for what, value in where.items()), flush=True)
    found: dict[str, Found] = {}
    for name in chosen:
        found[name] = OTHERS[name](options) if name in OTHERS else _workload(name, options)
        _tell("")
        print(f"\n{found[name].text}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"conditions": where, **_plain(found)}, indent=1) + "\n", encoding="utf-8")
    is_right = all(part.is_right for part in found.values())
    if options.plot:
        is_right = _draw(options.plot, found) and is_right
    return 0 if is_right else 1


def _draw(path: Path, found: dict[str, Found]) -> bool:
    """Whether there was something to draw."""
    from benchmarks.plot import plot  # which needs matplotlib

    results = {name: part.values for name, part in found.items() if name in WORKLOADS}
    try:
        curves = found["growth"].values if "growth" in found else []
        plot(path, results, curves, found["scaling"].values if "scaling" in found else None)
    except ValueError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _plain(found: dict[str, Found]) -> dict[str, Any]:
    """What JSON can hold."""
    plain: dict[str, Any] = {"workloads": {}}
    for name, (values, *_) in found.items():
        if name in WORKLOADS:
            results = [asdict(result) for result in values]
            plain["workloads"][name] = {"title": WORKLOADS[name].title, "results": results}
        else:
            plain[name] = [asdict(value) for value in values] if isinstance(values, list) else asdict(values)
    return plain


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
