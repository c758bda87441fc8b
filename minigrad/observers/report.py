"""Profiles as tables, flame charts and traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from minigrad.observers.measured import OUTSIDE, UPDATE, Entry, Measured

MOST_ROWS = 20
"""Rows of a table; the remaining rows, with the shortest times, are summed in one."""


def table(found: Measured, steps: int = 1) -> str:
    """Return the tables of layers and operations; see `minigrad.profile`."""
    lines = []
    for part, title in enumerate(("layer", "operation")):
        rows = found.by(part)
        shown = dict(list(rows.items())[: MOST_ROWS if len(rows) > MOST_ROWS + 1 else None])
        if rest := len(rows) - len(shown):
            shown[f"{rest} others"] = _sum([entry for name, entry in rows.items() if name not in shown])
        names = [name or "(none)" for name in shown]
        width = max([len(OUTSIDE), *map(len, names)])
        lines.append(
            f"{title:<{width}} {'calls':>7} {'forward':>10} {'backward':>10} {'share':>6} {'GFLOP/s':>8} "
            f"{'allocated':>10} {'saved':>10}"
        )
        for name, entry in zip(names, shown.values(), strict=True):
            speed = f"{entry.flops / entry.seconds / 1e9:.1f}" if entry.flops and entry.seconds else ""
            lines.append(
                f"{name:<{width}} {entry.calls / steps:>7g} {_time(entry.forward / steps):>10} "
                f"{_time(entry.backward / steps):>10} {_share(entry.seconds, found):>6} {speed:>8} "
                f"{_bytes(entry.allocated / steps):>10} {_bytes(entry.saved / steps):>10}"
            )
        for name, seconds in ((UPDATE, found.update), (OUTSIDE, found.outside), (_MEASURING, found.overhead)):
            lines.append(f"{name:<{width}} {'':>7} {_time(seconds / steps):>10} {'':>10} {_share(seconds, found):>6}")
        lines.append("")
    total = (found.seconds - found.overhead) / steps
    what = f"{steps} steps, each {_time(total)}" if steps > 1 else _time(total)
    lines.append(f"{what} without overhead; peak memory of results and gradients: {_bytes(found.peak)}")
    if found.products and total:
        alone = found.seconds_of_products() / steps
        rate = sum(product.flops * count for product, count in found.products.items()) / steps / alone / 1e9
        lines.append(
            f"the matrix products alone take {_time(alone)} at {rate:.1f} GFLOP/s, so the step takes "
            f"{total / alone:.1f} times the minimum"
        )
    return "\n".join(lines)


_MEASURING = "measuring"


def _sum(entries: list[Entry]) -> Entry:
    total = Entry()
    for entry in entries:
        total.add(entry)
    return total


def _share(seconds: float, found: Measured) -> str:
    return f"{100 * seconds / found.seconds:.1f}%" if found.seconds else ""


def _time(seconds: float) -> str:
    if seconds == 0:
        return "0"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _bytes(count: float) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def trace(found: Measured) -> str:
    """Return the events in Chrome's trace format.

    They are complete events (`ph: X`), in microseconds from the first.
    """
    first = min((start for *_, start, _, _ in found.events), default=0.0)
    threads = {thread: i for i, thread in enumerate(dict.fromkeys(thread for *_, thread in found.events))}
    events = [
        {
            "name": operation or kind,
            "cat": kind,
            "ph": "X",
            "ts": round((start - first) * 1e6, 3),
            "dur": round((end - start) * 1e6, 3),
            "pid": 0,
            "tid": threads[thread],
            "args": {"layer": layer} if layer else {},
        }
        for kind, layer, operation, start, end, thread in found.events
    ]
    names = [
        {"name": "thread_name", "ph": "M", "pid": 0, "tid": i, "args": {"name": f"thread {i}"}}
        for i in threads.values()
    ]
    return json.dumps({"traceEvents": [*names, *events], "displayTimeUnit": "ms"})


@dataclass
class _Part:
    """A rectangle of a flame chart, with the rectangles above it."""

    seconds: float = 0.0
    parts: dict[str, _Part] = field(default_factory=dict)

    def add(self, path: list[str], seconds: float) -> None:
        """Add seconds to this part and to all parts along the path."""
        self.seconds += seconds
        if path:
            self.parts.setdefault(path[0], _Part()).add(path[1:], seconds)

    @property
    def depth(self) -> int:
        """The number of levels, including this one."""
        return 1 + max((part.depth for part in self.parts.values()), default=0)


_WIDTH, _ROW, _LETTER = 1200, 22, 6.8  # in pixels

_COLORS = {"forward": "#9ecae1", "backward": "#fdae6b", "update": "#a1d99b", "": "#d9d9d9"}

_STYLE = (
    ".flame{background:#fff;font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
    ".flame rect{stroke:#fff}.flame text{fill:#222;white-space:pre;pointer-events:none}"
)


def flame(found: Measured) -> str:
    """Return a flame chart as SVG.

    Its width is the time of the block: forward, backward and the rest. Above these are the layers, each on top of its
    parent. Calls of the same layer are drawn as one rectangle, whose tooltip has the time.
    """
    whole = _Part()
    for (layer, operation), entry in found.entries.items():
        path, _, kind = layer.partition(" ")
        steps = [*path.split(".")[:-1], f"{path.rpartition('.')[2]} {kind}"] if kind else [layer] if layer else []
        for way, seconds in (("forward", entry.forward), ("backward", entry.backward)):
            if seconds:
                whole.add([way, *steps, operation], seconds)
    whole.add([UPDATE], found.update)
    whole.add([OUTSIDE], found.outside)
    height = whole.depth * _ROW + 30
    shapes = "\n".join(_rectangles(whole, f"{_time(whole.seconds)} in all", 0.0, whole, height, 0, ""))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flame" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}"><style>{_STYLE}</style>\n{shapes}\n</svg>\n'
    )


def _rectangles(part: _Part, name: str, left: float, whole: _Part, height: int, level: int, kind: str) -> Iterator[str]:
    """Yield the elements of a part and of those above it, except for very narrow ones."""
    width = _WIDTH * part.seconds / whole.seconds if whole.seconds else 0
    if width < 0.3:
        return
    top = height - (level + 1) * _ROW - 5
    color = _COLORS.get(kind, _COLORS[""])
    title = escape(f"{name}: {_time(part.seconds)}, {100 * part.seconds / whole.seconds:.1f}%")
    place = f'x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW}"'
    yield f'<rect {place} fill="{color}"><title>{title}</title></rect>'
    if (letters := int((width - 6) / _LETTER)) >= 3:
        shown = name if len(name) <= letters else f"{name[: letters - 1]}…"
        yield f'<text x="{left + 3:.1f}" y="{top + 15}">{escape(shown)}</text>'
    for inner, above in sorted(part.parts.items(), key=lambda item: -item[1].seconds):
        yield from _rectangles(above, inner, left, whole, height, level + 1, kind or inner)
        left += _WIDTH * above.seconds / whole.seconds if whole.seconds else 0
