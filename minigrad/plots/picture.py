"""What all pictures share: how one is drawn and saved, and the colours in it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine

INK, MUTED, RULE = "#1b1f24", "#59626d", "#d3d8df"
# From the palette of M. Okabe and K. Ito, Color Universal Design (2008): people of all kinds of colour vision tell
# them apart. Where two lines or classes meet, they differ in dashes or markers too.
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
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "image.interpolation": "nearest",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "minigrad",  # the same run gives the same bytes
    "text.color": INK,
    "text.parse_math": False,  # names with a dollar sign are no formulas
    "xtick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelsize": 8.5,
}

_POINTS = 72  # in an inch
_MARGIN = 0.12  # inches
_THEME = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", BLUE: "var(--blue)"}


@dataclass(frozen=True)
class Picture:
    """One picture of a run.

    Args:
        name: of its file, without the ending.
        title: what it says, in a few words.
        note: how to read it.
        size: width and height in inches, without the heading.
        draw: draws it into a figure.
    """

    name: str
    title: str
    note: str
    size: tuple[float, float]
    draw: Callable[[FigureBase], None]

    def figure(self) -> Figure:
        """Returns the picture under its title and note."""
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

    def save(self, folder: Path, svg: bool = False) -> Path:
        """Writes `<name>.png`, or `.svg`, into `folder`, and returns its path. Raises OSError if that fails."""
        path = folder / f"{self.name}.{'svg' if svg else 'png'}"
        figure = self.figure()
        with matplotlib.rc_context(STYLE):
            figure.savefig(path, dpi=144, metadata={"Date": None} if svg else {})
        return path

    def inline(self) -> str:
        """Returns the picture without its heading as an <svg> element for a page.

        The page says what the colours `--ink`, `--muted`, `--rule` and `--blue` are, so that they suit its background.
        """
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=self.size, layout=_layout())
            self.draw(figure)
            text = StringIO()
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        svg = text.getvalue()
        svg = svg[svg.index("<svg") :]
        # without what only a file of its own needs
        svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
        svg = re.sub(r' (xmlns(:xlink)?="[^"]*"|id="\w+_\d+")', "", svg)
        described = f'role="img" aria-label="{escape(self.title)}" style="max-width: {self.size[0]}in"'
        svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', described, svg, count=1)
        for color, variable in _THEME.items():
            svg = svg.replace(color, variable)
        return re.sub(r"\s*\n\s*", "\n", svg)


def tint(color: str, strength: Any) -> Any:
    """Returns `color` as RGBA (..., 4), as opaque as `strength` (...) says, from 0 to 1: it suits any background."""
    opacity = np.asarray(strength)[..., np.newaxis]
    return np.concatenate([np.broadcast_to(to_rgb(color), (*opacity.shape[:-1], 3)), opacity], axis=-1)


def _layout() -> ConstrainedLayoutEngine:
    return ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.08)


def bare(axes: Axes) -> None:
    """Leaves nothing of the axes but what is drawn in them."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def short(text: str, length: int) -> str:
    """Returns `text`, of which no more than `length` characters are left."""
    return text if len(text) <= length else text[: length - 1] + "…"


def number(value: float) -> str:
    """Returns `value` as people read it: three digits, no exponent between 0.001 and 100,000."""
    if 100 <= abs(value) < 1e5:
        text = f"{value:,.0f}"
    elif value == 0 or 1e-3 <= abs(value) < 100:
        text = f"{value:.3g}"
    else:
        text = f"{value:.2g}"
    return text.replace("-", "−")
