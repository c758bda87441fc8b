"""A panel of 24 typical models in minigrad, PyTorch and JAX, with lower bounds of their times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

from benchmarks.runner import Result, compare
from benchmarks.table import MIB, align, middle, ratio, three_digits
from benchmarks.workload import PEERS, Workload
from benchmarks.workloads.besides import BESIDES
from benchmarks.workloads.panel_rows import PANEL

WAYS = ("bare", "step", "trainer")
"""The ways to train with minigrad: a custom loop, `minigrad.train_step`, the trainer."""

EAGER = "torch"
PYTORCH = ("torch", "torch_fused", "torch_compiled")

ROUNDS, TURN = 5, 0.2
"""Turns of each library, and the seconds of a turn; all rows take about ten minutes."""

LIMITS = {"products": "products", "memory": "passes over memory", "calls": "calls"}


@dataclass
class Compared:
    """One row of the panel.

    Attributes:
        name: the name in `PANEL` or `BESIDES`.
        title: the description.
        results: the results of all installed libraries.
    """

    name: str
    title: str
    results: list[Result]

    @property
    def timed(self) -> dict[str, Result]:
        """The results with times, by peer."""
        return {result.peer: result for result in self.results if result.seconds}

    @property
    def best(self) -> Result | None:
        """The fastest way to train with minigrad."""
        return min((self.timed[way] for way in WAYS if way in self.timed), key=middle, default=None)

    def times(self, peers: Sequence[str], way: str | None = None) -> float | None:
        """Return the time of the fastest of `peers`, divided by that of a way of minigrad, by default the best."""
        theirs = min((self.timed[peer] for peer in peers if peer in self.timed), key=middle, default=None)
        ours = self.best if way is None else self.timed.get(way)
        return ratio(theirs, ours) if theirs and ours else None

    @property
    def memory(self) -> float | None:
        """PyTorch's memory divided by that of a custom loop, both beyond the import."""
        theirs, ours = (_beyond_import(self.timed.get(peer)) for peer in (EAGER, "bare"))
        return theirs / ours if theirs and ours else None

    @property
    def limits(self) -> dict[str, float]:
        """The lower bounds of a step, in seconds (see `benchmarks.limits`)."""
        bare = self.timed.get("bare")
        return bare.limits if bare else {}


def measure_panel(
    only: Sequence[str] = (),
    threads: int = 2,
    rounds: int = ROUNDS,
    smoke: bool = False,
    tell: Callable[[str], None] = lambda what: None,
) -> list[Compared]:
    """Measure the rows of the panel and the additional ones.

    Args:
        only: numbers or names of rows, by default all.
        threads: threads of each library.
        rounds: turns of each library.
        smoke: whether to use tiny sizes and turns.
        tell: called with messages about the progress.

    Raises:
        ValueError: for an unknown row.
    """
    return [
        Compared(
            name,
            workload.title,
            compare(workload, threads, rounds, 0.01 if smoke else TURN, smoke, tell, limited="bare"),
        )
        for name, workload in chosen(only).items()
    ]


def chosen(only: Sequence[str]) -> dict[str, Workload]:
    """Return the rows with these numbers or names, by default all; raise ValueError for an unknown one."""
    everything = {**PANEL, **BESIDES}
    by_word = {word: name for name in everything for word in _words(name)}
    for word in only:
        if word not in by_word:
            raise ValueError(f"the panel has no row {word!r}; rows are {', '.join(_words(n)[-1] for n in everything)}")
    return {name: everything[name] for name in everything if not only or set(_words(name)) & set(only)}


def _words(name: str) -> tuple[str, ...]:
    """Return the names of a row: panel_09_lstm, 9, 09 and lstm."""
    _, number, short = name.split("_", 2)
    return name, number, number.lstrip("0"), short


def render_panel(rows: Sequence[Compared]) -> str:
    """Return the panel as text, with missing libraries, errors and a summary."""
    lines = [_title(rows), align([_HEADINGS, *map(_cells, rows)])]
    lines += [f"  {row.title}: {PEERS[r.peer][0]}: {r.fault}" for row in rows for r in row.results if r.fault]
    missing = [PEERS[peer][0] for peer in (*PYTORCH, "jax") if not any(peer in row.timed for row in rows)]
    lines += [f"  not here: {', '.join(missing)}"] if missing else []
    return "\n".join([*lines, *(f"  {line}" for line in summary(rows))])


def markdown(rows: Sequence[Compared]) -> str:
    """Return the panel as a Markdown table."""
    table = [_HEADINGS, ["---", *["--:"] * (len(_HEADINGS) - 1)], *map(_cells, rows)]
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    return "\n".join([*lines, "", *(f"- {line}" for line in summary(rows)), ""])


MARKS = ("<!-- panel -->", "<!-- end of the panel -->")
"""The lines of a page around the panel."""


def has_marks(page: Path) -> bool:
    """Whether a page has a place for the panel."""
    start, end = (page.read_text(encoding="utf-8").find(mark) for mark in MARKS)
    return 0 <= start < end


def replace_panel(page: Path, table: str) -> None:
    """Replace the table between the marks of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    page.write_text(f"{before}{MARKS[0]}\n\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


def summary(rows: Sequence[Compared]) -> list[str]:
    """Return the numbers of rows in which minigrad is faster, minima and means, without the additional rows."""
    rows = [row for row in rows if row.name in PANEL]
    lines = []
    for what, values in (
        ("PyTorch eager ÷ best way", [row.times([EAGER]) for row in rows]),
        ("PyTorch eager ÷ plain loop", [row.times([EAGER], "bare") for row in rows]),
        ("PyTorch's best ÷ best way", [row.times(PYTORCH) for row in rows]),
        ("JAX jit ÷ best way", [row.times(["jax"]) for row in rows]),
    ):
        found = [value for value in values if value is not None]
        if found:
            ahead, mean = sum(value >= 1 for value in found), geometric_mean(found)
            lines.append(f"{what}: at least 1.0 in {ahead} of {len(found)}, least {min(found):.2f}, mean {mean:.2f}")
    return lines


def _title(rows: Sequence[Compared]) -> str:
    return f"panel: {len(rows)} rows, ms of a step; ratios above 1 are in favor of minigrad"


_HEADINGS = [
    "", "plain", "step", "trainer", "eager", "eager ÷ plain", "eager ÷ best", "their best ÷ best", "JAX ÷ best",
    "memory", "limit", "of it", "best ÷ limit",
]  # fmt: skip
"""The headings: milliseconds of minigrad's ways and of PyTorch eager; ratios of times; the ratio of memory beyond the
import; the lower bound of a step in milliseconds, its largest part, and the ratio of the best way to it."""


def _cells(row: Compared) -> list[str]:
    def ms(peer: str) -> str:
        return three_digits(1e3 * middle(row.timed[peer])) if peer in row.timed else ""

    def times(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    least = sum(row.limits.values())
    reason = max(row.limits, key=lambda name: row.limits[name]) if least else ""
    number = row.name.split("_")[1].lstrip("0")
    return [
        f"{number} {row.title}",
        *map(ms, (*WAYS, EAGER)),
        times(row.times([EAGER], "bare")),
        times(row.times([EAGER])),
        times(row.times(PYTORCH)),
        times(row.times(["jax"])),
        times(row.memory),
        three_digits(1e3 * least) if least else "",
        LIMITS.get(reason, ""),
        times(middle(row.best) / least if row.best and least else None),
    ]


def _beyond_import(result: Result | None) -> int | None:
    if result is None or not result.peak or not result.imported:
        return None
    return max(result.peak - result.imported, MIB)
