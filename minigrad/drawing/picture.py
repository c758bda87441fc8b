"""SVG pictures of boxes and arrows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

from minigrad.drawing.box import LETTER, Box, arrow, text
from minigrad.drawing.layout import Inputs, Point, lay_out

MOST = 300
"""The maximum number of boxes in a picture."""

_MARGIN = 12  # in pixels
_STYLE = (
    ".minigrad{background:#fff;font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;text-anchor:middle}"
    ".minigrad text{fill:#222;white-space:pre}.minigrad .title{font-weight:bold}"
    ".minigrad rect{fill:#fff;stroke:#555}.minigrad .leaf{fill:#e8f0fe}.minigrad .constant{fill:#f1f1f1;stroke:#999}"
    ".minigrad .arrow{fill:none;stroke:#888}.minigrad .head{fill:#888}"
    ".minigrad .label{fill:#b3261e;stroke:#fff;stroke-width:4;paint-order:stroke}"
)
_HEAD = (
    '<defs><marker id="minigrad-head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path class="head" d="M0,0 L8,4 L0,8 z"/></marker></defs>'
)


def picture(boxes: Mapping[Hashable, Box], inputs: Inputs) -> str:
    """Return an SVG picture, read from top to bottom.

    Args:
        boxes: the boxes by key, each before its inputs.
        inputs: the boxes with arrows to each box.

    Raises:
        ValueError: for more than `MOST` boxes.
    """
    count = sum(box.count for box in boxes.values())
    if count > MOST:
        raise ValueError(
            f"this picture would have {count:,} boxes, more than the limit of {MOST}: draw a part of it, such as "
            "one layer, an earlier result, or the result of a shorter sequence"
        )
    labels: dict[Hashable, float] = defaultdict(float)
    for sources in inputs.values():
        for source, label in sources.items():
            labels[source] = max(labels[source], LETTER * len(label))
    layout = lay_out(boxes, inputs, labels)
    width, height = round(layout.width + 2 * _MARGIN), round(layout.height + 2 * _MARGIN)
    arrows = [arrow(_path(way)) for way in layout.ways.values()]
    words = [_label(inputs[target][source], way) for (source, target), way in layout.ways.items()]
    shapes = [element for key, box in boxes.items() for element in box.svg(*layout.places[key])]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="minigrad" width="{width}" height="{height}" '
            f'viewBox="{-_MARGIN} {-_MARGIN} {width} {height}">',
            f"<style>{_STYLE}</style>{_HEAD}",
            *arrows,
            *shapes,
            *filter(None, words),
            "</svg>\n",
        ]
    )


def _path(way: Sequence[Point]) -> str:
    """Return an arrow's path: vertical from the first point to the second, curved to the third, and so on."""
    path = "M{:g},{:g}".format(*way[0])
    for i, ((x1, y1), (x2, y2)) in enumerate(pairwise(way)):
        middle = (y1 + y2) / 2
        path += f" C{x1:g},{middle:g} {x2:g},{middle:g} {x2:g},{y2:g}" if i % 2 else f" L{x2:g},{y2:g}"
    return path


def _label(words: str, way: Sequence[Point]) -> str:
    """Return the label on an arrow's last curve, at 0.3 of it, where arrows to the same box are still apart."""
    (x1, y1), (x2, y2) = way[-3:-1]
    return text(words, x1 + 0.216 * (x2 - x1), y1 + 0.342 * (y2 - y1) + 4, "label") if words else ""
