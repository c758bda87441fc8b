"""Boxes of a drawing, with titles, lines and nested boxes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape

LETTER = 7.3  # width in pixels: slightly more than 0.6 times the height, as in common monospaced fonts
_LINE = 17  # from one line of text to the next
_PAD = 10  # between the frame and its content
_APART, _CHAINED = 10, 26  # between inner boxes without and with an arrow
_LONGEST = 44  # characters of a title


@dataclass(frozen=True)
class Box:
    """A box of a drawing.

    Attributes:
        kind: the CSS class of the frame.
        title: the first line, in bold; a long title is truncated at the start.
        lines: the lines below the title.
        inside: nested boxes below the text, from top to bottom.
        chained: whether arrows connect the nested boxes.
    """

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    inside: tuple[Box, ...] = ()
    chained: bool = False

    @property
    def count(self) -> int:
        """The number of boxes, including nested ones."""
        return 1 + sum(box.count for box in self.inside)

    @cached_property
    def width(self) -> float:
        """The width in pixels."""
        letters = max(min(len(self.title), _LONGEST), *map(len, self.lines), 7)
        return 2 * _PAD + max(LETTER * letters, *(box.width for box in self.inside), 0)

    @cached_property
    def height(self) -> float:
        """The height in pixels."""
        below = _PAD if self.inside else 0
        return self._head + sum(room + box.height for room, box in self._stack()) + below

    @property
    def _head(self) -> float:
        """The height of the text."""
        return _PAD + _LINE * (1 + len(self.lines))

    def _stack(self) -> list[tuple[int, Box]]:
        """The boxes inside, each with the space above it."""
        between = _CHAINED if self.chained else _APART
        return [(between if i else _APART, box) for i, box in enumerate(self.inside)]

    def svg(self, x: float, top: float) -> list[str]:
        """Return the box's SVG elements, centered at `x` below `top`."""
        size = f'width="{self.width:g}" height="{self.height:g}" rx="6"'
        title = self.title if len(self.title) <= _LONGEST else "…" + self.title[1 - _LONGEST :]
        y = top + _PAD / 2 + _LINE - 4
        elements = [
            f'<rect class="{self.kind}" x="{x - self.width / 2:g}" y="{top:g}" {size}/>',
            text(title, x, y, "title"),
            *(text(line, x, y + _LINE * i) for i, line in enumerate(self.lines, start=1)),
        ]
        y = top + self._head
        for i, (room, box) in enumerate(self._stack()):
            if self.chained and i:
                elements.append(arrow(f"M{x:g},{y:g} L{x:g},{y + room:g}"))
            elements += box.svg(x, y + room)
            y += room + box.height
        return elements


def text(words: str, x: float, y: float, kind: str = "line") -> str:
    """Return the SVG element of one line of text.

    The text is centered at `x`, with its baseline at `y`.
    """
    printable = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(printable, quote=False)}</text>'


def arrow(path: str) -> str:
    """Return the SVG element of an arrow."""
    return f'<path class="arrow" d="{path}" marker-end="url(#minigrad-head)"/>'
