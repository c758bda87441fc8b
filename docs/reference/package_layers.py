"""The picture of the package layers in docs/inside.md: `python -m docs.reference.package_layers` draws it anew.

Layers and arrows follow from the imports between the packages of minigrad: a package is drawn one layer above the
highest package that it imports. Single modules, such as minigrad/scalar.py, are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "package_layers.svg"
WIDTH, ROW, BOX, GAP, LETTER = 520, 62, 30, 18, 7.6
"""Sizes in pixels: of the picture, a layer, the height of a box, the space between boxes, a letter."""


def packages() -> dict[str, set[str]]:
    """Return the packages of minigrad, each with those that it imports.

    Imports within functions and for types alone count too.
    """
    found: dict[str, set[str]] = {path.parent.name: set() for path in sorted((ROOT / "minigrad").glob("*/__init__.py"))}
    for name, used in found.items():
        for path in sorted((ROOT / "minigrad" / name).rglob("*.py")):
            if "templates" not in path.parts:
                used |= found.keys() & set(_imported(path)) - {name}
    return found


def layers(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the packages by layer, the lowest first, each one above all that it imports."""

    @cache
    def height(name: str) -> int:
        return 1 + max(map(height, imports[name]), default=-1)

    rows: list[list[str]] = [[] for _ in range(1 + max(map(height, imports)))]
    for name in imports:
        rows[height(name)].append(name)
    return rows


def direct(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the imports without those that follow from others: a → c where a → b → c."""

    @cache
    def below(name: str) -> frozenset[str]:
        return frozenset(imports[name]).union(*map(below, imports[name]))

    return {name: used - set().union(*map(below, used)) for name, used in imports.items()}


def svg() -> str:
    """Return the picture, the highest layer on top."""
    imports = packages()
    rows = layers(imports)[::-1]
    places: dict[str, tuple[float, float]] = {}
    for i, row in enumerate(rows):
        room = sum(map(_width, row)) + GAP * (len(row) - 1)
        x = (WIDTH - room) / 2
        for name in row:
            places[name] = x + _width(name) / 2, 20 + ROW * i
            x += _width(name) + GAP
    arrows = [
        _arrow(places[name], places[used]) for name, all_used in direct(imports).items() for used in sorted(all_used)
    ]
    boxes = [_box(name, *places[name]) for name in imports]
    height = 20 + ROW * (len(rows) - 1) + BOX + 20
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        "<title>The packages of minigrad, each above those that it imports</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *arrows,
        *boxes,
        "</svg>\n",
    ])  # fmt: skip


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(svg(), encoding="utf-8")


def _imported(path: Path) -> Iterator[str]:
    """Yield the packages of minigrad that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("minigrad."))
        elif isinstance(node, ast.ImportFrom) and node.module == "minigrad":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minigrad."):
            yield node.module.split(".")[1]


def _width(name: str) -> float:
    return LETTER * len(name) + 20


def _box(name: str, x: float, y: float) -> str:
    width = _width(name)
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y}" width="{width:.1f}" height="{BOX}" rx="5" fill="#eef3fb" '
        f'stroke="#4a6fa5"/><text x="{x:.1f}" y="{y + 19.5}" font-size="13" '
        f'text-anchor="middle" fill="#1d2b45">{escape(name)}</text>'
    )


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, top), (below, bottom) = start, end
    top += BOX
    return (
        f'<path d="M{x:.1f} {top}C{x:.1f} {top + 30} {below:.1f} {bottom - 30} {below:.1f} {bottom}" fill="none" '
        f'stroke="#8a98ad" stroke-opacity="0.6"/>'
    )


if __name__ == "__main__":
    main()
