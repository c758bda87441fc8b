"""Compare minigrad with installed libraries: `python -m benchmarks`."""

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
from benchmarks.listing import measure_listing, render_listing
from benchmarks.overhead import measure_overhead
from benchmarks.panel import MARKS, ROUNDS, chosen, has_marks, markdown, measure_panel, render_panel, replace_panel
from benchmarks.reading import measure_reading
from benchmarks.runner import Result, compare
from benchmarks.scaling import measure_scaling, render_scaling
from benchmarks.soak import KILLS, SAMPLES, STEPS, render_soak, soak
from benchmarks.table import (
    render_comparison,
    render_configs,
    render_footprints,
    render_growth,
    render_overhead,
    render_reading,
)
from benchmarks.workload import PEERS, Workload
from benchmarks.workloads import WORKLOADS
from minigrad.parallel import blas_kernels


class Found(NamedTuple):
    """The measurements of one benchmark.

    Attributes:
        values: the measurements, for JSON and figures.
        text: the measurements as text.
        is_right: whether all results were correct.
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


def _reading(options: argparse.Namespace) -> Found:
    found = measure_reading(1000, 2) if options.smoke else measure_reading()
    return Found(found, render_reading(found))


def _listing(options: argparse.Namespace) -> Found:
    found = measure_listing(100, 2) if options.smoke else measure_listing()
    return Found(found, render_listing(found), found.is_right)


def _soak(options: argparse.Namespace) -> Found:
    found = soak(200, 7) if options.smoke else soak(options.steps, options.kills)
    return Found(found, render_soak(found), not found.faults)


def _overhead(options: argparse.Namespace) -> Found:
    found = measure_overhead(options.against, options.rounds or 11, 2 if options.smoke else 1000)
    return Found(found, render_overhead(found))


def _panel(options: argparse.Namespace) -> Found:
    found = measure_panel(options.only, options.threads, options.rounds or ROUNDS, options.smoke, _tell)
    if options.page:
        replace_panel(options.page, markdown(found))
    return Found(found, render_panel(found), not any(result.fault for row in found for result in row.results))


def _workload(name: str, options: argparse.Namespace) -> Found:
    workload = WORKLOADS[name]
    results = _compare(workload, options, options.smoke)
    return Found(results, render_comparison(workload, results), all(result.seconds for result in results))


def _compare(workload: Workload, options: argparse.Namespace, smoke: bool) -> list[Result]:
    seconds = 0.01 if options.smoke else workload.turn
    return compare(workload, options.threads, options.rounds or 11, seconds, smoke, _tell)


OTHERS: dict[str, Callable[[argparse.Namespace], Found]] = {
    "growth": _growth,
    "footprint": _footprint,
    "config": _config,
    "scaling": _scaling,
    "overhead": _overhead,
    "reading": _reading,
    "panel": _panel,
    "listing": _listing,
    "soak": _soak,
}
"""Benchmarks other than the workloads, by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print the selected benchmarks; return 1 if a result was not correct, else 0."""
    names = [*WORKLOADS, *OTHERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=f"names: {' '.join(names)}"
    )
    parser.add_argument("names", nargs="*", help="benchmarks, by the beginning of their names; default: all")
    parser.add_argument("--threads", type=int, default=2, help="threads of each library (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help=f"turns of each library (default: 11; panel: {ROUNDS})")
    parser.add_argument(
        "--only", type=lambda rows: rows.split(","), default=[], metavar="ROWS", help="rows of the panel, such as 9,10"
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the panel between its marks in a page")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout, for `overhead`")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps of `soak` (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=KILLS, help="kills of trainings in `soak` (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="use tiny sizes, to test that everything runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios and the curves (.png or .svg)")
    options = parser.parse_args(arguments)
    apart = {"panel", "soak"} | ({"overhead"} if not options.against else set())
    wanted = tuple(options.names) or tuple(name for name in names if name not in apart)
    asked = [name for name in names if name.startswith(wanted)]
    for name in options.names:
        if not any(known.startswith(name) for known in names):
            parser.error(f"there is no benchmark {name!r}; the benchmarks are: {', '.join(names)}")
    if "overhead" in asked and not (options.against and (options.against / "minigrad" / "engine").is_dir()):
        parser.error(f"overhead compares two checkouts: name another by --against FOLDER, got {options.against}")
    try:
        chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    if options.page and (not options.page.is_file() or not has_marks(options.page)):
        parser.error(f"--page names a page with the lines {MARKS[0]} and {MARKS[1]}, got {options.page}")
    if options.threads < 1 or (options.rounds or 2) < 2:
        parser.error("a comparison needs at least 1 thread and 2 rounds")
    if options.steps < SAMPLES or options.kills < 1:
        parser.error(f"soak needs at least {SAMPLES} steps and 1 kill")
    if options.plot:
        if not find_spec("matplotlib"):
            parser.error("--plot needs matplotlib: pip install matplotlib")
        if options.plot.suffix not in (".png", ".svg"):
            parser.error(f"--plot writes .png and .svg, got {options.plot}")
        if not any(name in WORKLOADS or name in ("growth", "scaling", "panel") for name in asked):
            parser.error("--plot draws workloads, growth, scaling and the panel: name one of them, or nothing")

    where = conditions(options.threads)
    print(", ".join(f"{what} {value}" for what, value in where.items()), flush=True)
    found: dict[str, Found] = {}
    for name in asked:
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
    """Draw the figures; return whether there was something to draw."""
    from benchmarks.plot import plot  # needs matplotlib

    results = {name: part.values for name, part in found.items() if name in WORKLOADS}
    try:
        if "panel" in found:
            from benchmarks.plot_panel import plot_panel

            plot_panel(path, found["panel"].values)
            return True
        curves = found["growth"].values if "growth" in found else []
        plot(path, results, curves, found["scaling"].values if "scaling" in found else None)
    except ValueError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _plain(found: dict[str, Found]) -> dict[str, Any]:
    """Return the measurements as plain data for JSON."""
    plain: dict[str, Any] = {"workloads": {}}
    for name, (values, *_) in found.items():
        if name in WORKLOADS:
            results = [asdict(result) for result in values]
            plain["workloads"][name] = {"title": WORKLOADS[name].title, "results": results}
        else:
            plain[name] = [asdict(value) for value in values] if isinstance(values, list) else asdict(values)
    return plain


def conditions(threads: int) -> dict[str, str | int | float]:
    """Return the conditions that affect the measurements, including the load: threads wait long on a busy machine."""
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown"
    found: dict[str, str | int | float] = {
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 0,
        "busy cores before": load,
        "threads": threads,
        "Python": platform.python_version(),
        "BLAS": blas_kernels(),
    }
    for package in dict.fromkeys(package for _, package in PEERS.values()):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _tell(what: str) -> None:
    """Show the progress on a line of the terminal, which the next one overwrites."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
