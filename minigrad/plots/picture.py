"""Drawing, saving and colors of figures."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine

from minigrad.formats.atomic import write_durably

READABLE = 0.74
"""The minimum scale of a picture on a page; below it, the page scrolls instead of shrinking the text."""

PAGE_WIDTH = 7.6
"""The width of a picture on a large screen, in inches."""

INK, MUTED, RULE = "#1b1f24", "#59626d", "#d3d8df"
# From the palette of M. Okabe and K. Ito, Color Universal Design (2008), distinguishable with any color vision. Lines
# and classes in the same figure also differ in dashes or markers.
BLUE, ORANGE = "#0072b2", "#d55e00"
CLASS_COLORS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", "#555555")
CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": RULE,
    "axes.grid": False,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",  # included in matplotlib
    "font.size": 9,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "image.interpolation": "nearest",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "minigrad",  # makes the bytes reproducible
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name does not start a formula
    "xtick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelsize": 8.5,
}

_MARGIN = 0.12  # inches
_THEME = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", BLUE: "var(--blue)"}


@dataclass(frozen=True)
class Picture:
    """A figure of a run.

    Args:
        name: the name of the file, without suffix.
        title: the main result, in a few words.
        note: how to read the figure.
        size: width and height in inches, without the heading.
        draw: draws into a figure.
    """

    name: str
    title: str
    note: str
    size: tuple[float, float]
    draw: Callable[[FigureBase], None]

    def figure(self) -> Figure:
        """Return the figure with its title and note."""
        width, height = self.size
        title = textwrap.fill(self.title, int(width * 9.4))
        note = textwrap.fill(self.note, int(width * 14.3))
        title_height = 0.24 * (title.count("\n") + 1)
        heading = _MARGIN + title_height + 0.17 * (note.count("\n") + 1) + _MARGIN
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(width, heading + height), layout=_layout())
            parts: Any = figure.subfigures(2, 1, height_ratios=(heading, height))
            top, body = parts
            x, y = _MARGIN / width, 1 - _MARGIN / heading
            top.text(x, y, title, va="top", fontsize=13, fontweight="bold", linespacing=1.25)
            top.text(x, y - title_height / heading, note, va="top", color=MUTED, linespacing=1.35)
            self.draw(body)
        return figure

    def _repr_svg_(self) -> str:
        buffer = StringIO()
        figure = self.figure()
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        return buffer.getvalue()

    def save(self, folder: Path, svg: bool = False) -> Path:
        """Save `<name>.png` or `.svg` in `folder`; return its path.

        Raises:
            OSError: if the file cannot be written.
        """
        path = folder / f"{self.name}.{'svg' if svg else 'png'}"
        figure, content = self.figure(), BytesIO()
        with matplotlib.rc_context(STYLE):
            figure.savefig(content, format=path.suffix[1:], dpi=144, metadata={"Date": None} if svg else {})
        write_durably(path, content.getvalue())  # if the disk is full, the old file remains
        return path

    def inline(self) -> str:
        """Return the figure as an <svg> element for HTML.

        The heading is left out. The page defines the colors `--ink`, `--muted`, `--rule` and `--blue` to suit its
        background.
        """
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=self.size, layout=_layout())
            self.draw(figure)
            text = StringIO()
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        svg = text.getvalue()
        svg = svg[svg.index("<svg") :]
        # remove parts that only a separate file needs
        svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
        svg = re.sub(r' (xmlns(:xlink)?="[^"]*"|id="\w+_\d+")', "", svg)
        width = f"max-width: {self.size[0]}in; min-width: {min(READABLE * self.size[0], PAGE_WIDTH):.2f}in"
        described = f'role="img" aria-label="{escape(self.title)}" style="{width}"'
        svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', described, svg, count=1)
        for color, variable in _THEME.items():
            svg = svg.replace(color, variable)
        return re.sub(r"\s*\n\s*", "\n", svg)


def theme_color(color: str) -> str:
    """Return a color as a variable of the theme.

    Other colors are returned unchanged. See `Picture.inline`.
    """
    return _THEME.get(color, color)


def tint(color: str, strength: Any) -> Any:
    """Return `color` as RGBA with opacity `strength`.

    The result is (..., 4) for a strength (...) from 0 to 1, and suits any background.
    """
    opacity = np.asarray(strength)[..., np.newaxis]
    return np.concatenate([np.broadcast_to(to_rgb(color), (*opacity.shape[:-1], 3)), opacity], axis=-1)


def _layout() -> ConstrainedLayoutEngine:
    return ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.08)


def bare(axes: Axes) -> None:
    """Remove ticks and frame of the axes."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def short(text: str, length: int) -> str:
    """Shorten `text` to at most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def number(value: float) -> str:
    """Format a number with three digits.

    Between 0.001 and 100,000 there is no exponent.
    """
    if 100 <= abs(value) < 1e5:
        text = f"{value:,.0f}"
    elif value == 0 or 1e-3 <= abs(value) < 100:
        text = f"{value:.3g}"
    else:
        text = f"{value:.2g}"
    return text.replace("-", "−")


def table(name: str, title: str, note: str, columns: dict[str, list[str]]) -> Picture:
    """Return a figure of a table of texts."""
    heads = [textwrap.fill(short(head, 28), 14) for head in columns]
    tall = 1 + max(head.count("\n") for head in heads)
    widths = [
        max(max(map(len, head.split("\n"))), *map(len, cells)) + 3
        for head, cells in zip(heads, columns.values(), strict=True)
    ]
    rows = len(next(iter(columns.values())))
    right = np.cumsum(widths)

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        bare(axes)
        axes.set_xlim(0, right[-1] + 1)
        axes.set_ylim(rows - 0.3, -0.6 - 0.7 * tall)
        for x, head, cells in zip(right, heads, columns.values(), strict=True):
            axes.text(x, -0.75, head, ha="right", va="bottom", color=MUTED, linespacing=1.2)
            for y, cell in enumerate(cells):
                axes.text(x, y, cell, ha="right", va="center")
        for y in range(rows):
            axes.axhline(y - 0.5, color=RULE, linewidth=0.6)

    size = (max(5.0, 0.08 * right[-1] + 0.3), 0.24 * (rows + 0.7 * tall + 0.5))
    return Picture(name, title, note, size, draw)
