"""Comparisons of runs: a page with a table and figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from minigrad.formats.atomic import write_durably
from minigrad.plots.picture import CLASS_COLORS, RULE, Picture, number, short, theme_color
from minigrad.plots.report import figure, page
from minigrad.runs.comparison import Comparison
from minigrad.runs.files import read_records
from minigrad.runs.tables import Group, format_value, mean_and_deviation, spread
from minigrad.training.history import series

MOST_COLORS = 5  # groups in color, distinguishable on dark pages, too; the others are gray
WIDTH, HEIGHT = 7.6, 2.6  # inches of one panel


def save_comparison(comparison: Comparison, path: Path) -> None:
    """Write the HTML page of a comparison.

    It is self-contained and has no scripts. All text from the runs is escaped.

    Raises:
        RunError: if the records of a run cannot be read.
        OSError: if the page cannot be written.
    """
    ranked = comparison.ranked
    colors = {id(group): color for group, color in zip(ranked[:MOST_COLORS], CLASS_COLORS, strict=False)}
    count, groups = len(comparison.runs), len(ranked)
    lines = "one line" if groups == 1 else f"{groups} lines"
    repeats = f"Runs that differ only in seed or fold share {lines}." if groups < count else ""
    parts = [_curves(comparison, colors), *_settings(comparison, colors)]
    text = page(
        "compare.html",
        title=escape(f"{count} runs of {' and '.join(map(short_name, comparison.names))}"),
        sentence=escape(" ".join(filter(None, [f"Sorted by {comparison.monitor}, best first.", repeats]))),
        note="Values are those of a run's best weights; ± is the standard deviation over repeats.",
        results=_results(comparison, colors),
        pictures="".join(figure(picture) for picture in parts if picture is not None),
        runs=_runs(comparison),
        same=escape("\n".join(f"{key}={format_value(value)}" for key, value in comparison.same.items())),
    )
    write_durably(path, text.encode())


def short_name(name: str) -> str:
    """Return an experiment's name, short enough for a title."""
    return short(name, 40)


def _results(comparison: Comparison, colors: dict[int, str]) -> str:
    """Return the rows of the table of groups."""
    heads = ["", *comparison.keys, *comparison.results, "runs"]
    best = {name: comparison.best_of(name) for name in comparison.results}
    rows = [_heads(heads)]
    for group in comparison.ranked:
        color = theme_color(colors.get(id(group), RULE))
        cells = [f'<td><span class="key" style="background:{color}"></span></td>']
        cells += [_long(_setting(group, key)) for key in comparison.keys]
        for name in comparison.results:
            marked = ' class="best"' if best[name] is group else ""
            cells.append(f"<td{marked}>{escape(spread(group.values(name)))}</td>")
        cells.append(f"<td>{len(group.runs)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return "".join(rows)


def _runs(comparison: Comparison) -> str:
    """Return the rows of the table of runs."""
    rows = [_heads(["run", "status", "best", "step"])]
    for group in comparison.ranked:
        for run in group.runs:
            best = f"{run.best['monitor']} {run.value:.4g}" if run.best and run.value is not None else "-"
            step = "-" if run.step is None else f"{run.step:,}"
            cells = [_long(run.path), _long(short(run.ending, 60)), f"<td>{escape(best)}</td>", f"<td>{step}</td>"]
            rows.append(f"<tr>{''.join(cells)}</tr>")
    return "".join(rows)


def _long(text: str) -> str:
    """Return a cell whose text is wrapped if the table is wider than the page."""
    return f'<td class="long">{escape(text)}</td>'


def _heads(names: Sequence[str]) -> str:
    breakable = [re.sub(r"([./_])", r"\1<wbr/>", escape(name)) for name in names]
    return f"<tr>{''.join(f'<th>{name}</th>' for name in breakable)}</tr>"


def _setting(group: Group, key: str) -> str:
    return format_value(group.settings[key]) if key in group.settings else "-"


def _curves(comparison: Comparison, colors: dict[int, str]) -> Picture | None:
    """Draw the curves of all groups: the mean of the repeats, in a band from the lowest to the highest."""
    records = {run.path: read_records(Path(run.path)) for run in comparison.runs if run.status != "unreadable"}
    names = [
        name
        for name in dict.fromkeys(name for each in records.values() for record in each for name in record)
        if name.startswith("val/")
    ]
    if not names:
        return None

    def draw(body: FigureBase) -> None:
        panels = body.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, names, strict=True):
            for group in reversed(comparison.ranked):  # the best on top
                color = colors.get(id(group), RULE)
                curves = [series(records[run.path], name) for run in group.runs if run.path in records]
                _curve(axes, [curve for curve in curves if len(curve[0])], color, short(group.label, 90))
            _title(axes, name)
        panels[-1].set_xlabel("optimizer step")
        panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        handles, labels = panels[0].get_legend_handles_labels()
        shown_ones = [i for i, handle in enumerate(handles) if handle.get_color() != RULE][::-1]
        if shown_ones:
            body.legend(
                [handles[i] for i in shown_ones], [labels[i] for i in shown_ones], loc="outside upper left", ncols=1
            )

    many = len(comparison.ranked) - len(colors)
    behind = "other line is" if many == 1 else f"{many} other lines are"
    gray = f" The {behind} gray." if many > 0 else ""
    note = "Values of the validation set; a band shows the range over the repeats of a line." + gray
    size = (WIDTH, HEIGHT * len(names) + 0.19 * len(colors) + 0.3)
    return Picture("curves", "Learning curves", note, size, draw)


def _curve(axes: Axes, curves: Sequence[tuple[np.ndarray, np.ndarray]], color: str, label: str) -> None:
    """Draw the mean of curves at their common steps, and the band between the lowest and the highest."""
    if not curves:
        return
    steps = curves[0][0]
    for others, _ in curves[1:]:
        steps = np.intersect1d(steps, others)
    if not len(steps):
        return
    values = np.array([of[np.searchsorted(at, steps)] for at, of in curves])
    axes.plot(steps, values.mean(0), color=color, linewidth=1.6, label=label, marker="o" * (len(steps) == 1))
    if len(values) > 1:
        axes.fill_between(steps, values.min(0), values.max(0), color=color, alpha=0.18, linewidth=0)


def _settings(comparison: Comparison, colors: dict[int, str]) -> list[Picture]:
    """Draw the result against the values of each differing setting."""
    groups = [group for group in comparison.ranked if group.best]
    if len(groups) < 2:
        return []
    return [_setting_picture(comparison, key, groups, colors) for key in comparison.keys]


def _setting_picture(comparison: Comparison, key: str, groups: Sequence[Group], colors: dict[int, str]) -> Picture:
    values = [group.settings.get(key) for group in groups]
    points = [float(x) for x in values if isinstance(x, int | float) and not isinstance(x, bool)]
    numbers = len(points) == len(groups)
    pairs = zip(groups, values, strict=True)
    names = [format_value(value) if key in group.settings else "none" for group, value in pairs]
    texts = list(dict.fromkeys(names))

    def draw(body: FigureBase) -> None:
        axes = body.subplots()
        for i, group in enumerate(groups):
            x = points[i] if numbers else texts.index(names[i])
            mean, deviation = mean_and_deviation(group.best)
            color = colors.get(id(group), RULE)
            bar = None if deviation is None else [deviation]
            axes.errorbar([x], [mean], bar, color=color, marker="o", capsize=3)
        if not numbers:
            axes.set_xticks(range(len(texts)), [short(text, 24) for text in texts])
            axes.set_xlim(-0.5, len(texts) - 0.5)
        elif min(points) > 0 and max(points) > 8 * min(points):
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
        if numbers:  # on a logarithmic axis, the default labels are formulas
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.set_xlabel(key)
        _title(axes, comparison.monitor)

    title = f"{comparison.monitor} by {key}"
    note = "Each point is a line of the table; error bars are the standard deviation over repeats."
    return Picture(f"by-{key.replace('.', '-')}", title, note, (WIDTH, HEIGHT), draw)


def _title(axes: Axes, name: str) -> None:
    """Title the vertical axis, and make it logarithmic if the values span a wide range."""
    low, high = axes.get_ylim()
    lines = [np.ravel(np.asarray(line.get_ydata(), dtype=float)) for line in axes.get_lines()]
    values = np.concatenate([np.zeros(0), *lines])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 50 * values.min():
        axes.set_yscale("log")
    elif low < high:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_title(name)
    axes.grid(axis="y")
